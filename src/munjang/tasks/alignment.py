"""Which piece of the source each piece of an answer took most from, and unknown words copied so.

Copying is the way of Luong et al. (2015), "Addressing the rare word problem in neural machine
translation", with attention for alignment.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from munjang.data.pairs.tokenizer_pair import TokenizerPair
from munjang.decoding.hypotheses import Hypothesis
from munjang.text.columns import token_column, values_and_offsets
from munjang.text.detokenize import UNKNOWN
from munjang.text.jamo import compatibility_jamo
from munjang.text.vocabulary import OOV, RESERVED


@dataclass(frozen=True)
class Link:
    """One piece of an answer, and what it took most from.

    Attributes:
        answer: the piece of the answer.
        source: the piece of the source.
        start: place of its first character in the source text.
        end: place behind its last.
        weight: how much was taken from there, of 1 in all.
    """

    answer: str
    source: str
    start: int
    end: int
    weight: float


def align(tokenizers: TokenizerPair, text: str, found: Hypothesis) -> tuple[Link, ...] | None:
    """Align one answer with `text`; return None if the model has no attention."""
    if found.attention is None:
        return None
    places = find_source_spans(tokenizers, text)
    pieces = get_target_pieces(tokenizers, found.ids)
    made = []
    for piece, weights in zip(pieces, found.attention[:, : len(places)], strict=False):
        best = int(weights.argmax())
        start, end = places[best]
        made.append(Link(piece, text[start:end], start, end, round(float(weights[best]), 4)))
    return tuple(made)


def copy_unknown_words(tokenizers: TokenizerPair, text: str, found: Hypothesis, answer: str) -> str:
    """Replace each OOV token of `answer` by the piece of `text` with the most attention."""
    if found.attention is None or UNKNOWN not in answer:
        return answer
    places = find_source_spans(tokenizers, text)
    unknown = [row for row, token in enumerate(found.ids) if token == OOV]
    for row in unknown:
        start, end = places[int(found.attention[row, : len(places)].argmax())]
        answer = answer.replace(UNKNOWN, text[start:end], 1)
    return answer


def find_source_spans(tokenizers: TokenizerPair, text: str) -> list[tuple[int, int]]:
    """Return the first and last character, half-open, of each source token in `text`."""
    tokens = tokenizers.source.encode_with_offsets(pl.Series([text]))
    columns = (values_and_offsets(column)[0].tolist() for column in (tokens.starts, tokens.ends))
    places = list(zip(*columns, strict=True))
    for number in reversed(range(len(places) - 1)):
        # what has no character of its own, such as the sign of a capital, belongs to what follows
        if places[number][0] == places[number][1]:
            places[number] = places[number + 1]
    return places


def get_target_pieces(tokenizers: TokenizerPair, ids: Sequence[int]) -> list[str]:
    """Return each token of an answer as text; jamo as letters that stand alone.

    A sign that is nothing by itself goes by its name.
    """
    each = token_column(np.asarray(ids, dtype=np.int32), np.arange(len(ids) + 1))
    names = tokenizers.target.vocabulary.tokens
    return [
        compatibility_jamo(piece) if piece or token < len(RESERVED) else names[token]
        for piece, token in zip(tokenizers.target.decode(each).to_list(), ids, strict=True)
    ]
