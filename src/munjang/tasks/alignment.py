"""Alignment of answers to their sources by attention, and copying of unknown words.

Unknown words are copied as in Luong et al. (2015), "Addressing the rare word problem in neural
machine translation", with attention as alignment.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from munjang.data.pairs.tokenizer_pair import TokenizerPair
from munjang.decoding.hypotheses import Hypothesis
from munjang.text.columns import Int64s, token_column, values_and_offsets
from munjang.text.jamo import compatibility_jamo
from munjang.text.plain.ids import UNKNOWN
from munjang.text.vocabulary import OOV, RESERVED


@dataclass(frozen=True)
class Link:
    """One piece of an answer, and the piece of the source with the most attention.

    Attributes:
        answer: the piece of the answer.
        source: the piece of the source.
        start: index of its first character in the source text.
        end: index after its last character.
        weight: attention to that piece, 0 to 1.
    """

    answer: str
    source: str
    start: int
    end: int
    weight: float


def align(tokenizers: TokenizerPair, text: str, hypothesis: Hypothesis) -> tuple[Link, ...] | None:
    """Align one answer with `text`; return None if the model has no attention."""
    if hypothesis.attention is None:
        return None
    spans = find_source_spans(tokenizers, text)
    pieces = get_target_pieces(tokenizers, hypothesis.ids)
    links = []
    for piece, weights in zip(pieces, hypothesis.attention[:, : len(spans)], strict=False):
        best = int(weights.argmax())
        start, end = spans[best]
        links.append(Link(piece, text[start:end], start, end, round(float(weights[best]), 4)))
    return tuple(links)


def copy_unknown_words(
    tokenizers: TokenizerPair, text: str, hypothesis: Hypothesis, answer: str
) -> str:
    """Replace each OOV token of `answer` by the piece of `text` with the most attention."""
    if hypothesis.attention is None or UNKNOWN not in answer:
        return answer
    spans = find_source_spans(tokenizers, text)
    unknown = [row for row, token in enumerate(hypothesis.ids) if token == OOV]
    for row in unknown:
        start, end = spans[int(hypothesis.attention[row, : len(spans)].argmax())]
        answer = answer.replace(UNKNOWN, text[start:end], 1)
    return answer


def find_source_spans(tokenizers: TokenizerPair, text: str) -> list[tuple[int, int]]:
    """Return the first and last character, half-open, of each source token in `text`."""
    tokens = tokenizers.source.encode_with_offsets(pl.Series([text]))
    columns = (values_and_offsets(column)[0].tolist() for column in (tokens.starts, tokens.ends))
    spans = list(zip(*columns, strict=True))
    for index in reversed(range(len(spans) - 1)):
        # a token without characters, such as a capital sign, belongs to the next one
        if spans[index][0] == spans[index][1]:
            spans[index] = spans[index + 1]
    return spans


def get_target_pieces(tokenizers: TokenizerPair, ids: Sequence[int]) -> list[str]:
    """Return each token of an answer as text; jamo as letters that stand alone.

    A reserved token without text of its own is shown by its name.
    """
    single_tokens = token_column(np.asarray(ids, dtype=np.int32), np.arange(len(ids) + 1))
    names = tokenizers.target.vocabulary.tokens
    return [
        compatibility_jamo(piece) if piece or token < len(RESERVED) else names[token]
        for piece, token in zip(tokenizers.target.decode(single_tokens).to_list(), ids, strict=True)
    ]


@dataclass(frozen=True, eq=False)
class LocatedTokens:
    """A text and the characters of its tokens.

    Attributes:
        text: the text.
        starts: index of the first character of each token, [tokens].
        ends: one past its last character, [tokens].
    """

    text: str
    starts: Int64s
    ends: Int64s


def locate_target(tokenizers: TokenizerPair, ids: Sequence[int]) -> LocatedTokens:
    """Return the text of an answer and the characters of its tokens.

    If the tokenizer reads the text as other tokens, the text is that of each token, with spaces
    between them.

    Args:
        tokenizers: those of both sides.
        ids: of the answer, without EOS.
    """
    column = token_column(np.asarray(ids, dtype=np.int32), np.array([0, len(ids)]))
    text: str = tokenizers.target.decode(column)[0]
    tokens = tokenizers.target.encode_with_offsets(pl.Series([text]))
    again, starts, ends = (
        values_and_offsets(part)[0] for part in (tokens.ids, tokens.starts, tokens.ends)
    )
    if np.array_equal(again, ids):
        return LocatedTokens(text, starts.astype(np.int64), ends.astype(np.int64))
    pieces = [piece.strip() or UNKNOWN for piece in get_target_pieces(tokenizers, ids)]
    lengths = np.array([len(piece) for piece in pieces], dtype=np.int64)
    firsts = np.cumsum(np.append(0, lengths[:-1] + 1))[: len(pieces)]
    return LocatedTokens(" ".join(pieces), firsts, firsts + lengths)
