"""Surprisal of a text under a language model, whose tokens have probabilities."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl

from munjang.data.collection import collect_texts
from munjang.data.streams.encode import BITS_PER_BYTE, unknown_bytes
from munjang.errors import DataError
from munjang.explain.surprisal import Floats, Surprisal
from munjang.text.columns import Int32s, values_and_offsets
from munjang.text.tokenizer import Tokenizer
from munjang.text.vocabulary import EOS

# From ids [tokens] to nats of each but the first, [tokens - 1].
TokenLosses = Callable[[Int32s], Floats]


def scores_tokens(model: Any) -> bool:
    """Return whether a model or a baseline gives each token of a text a probability."""
    return hasattr(getattr(model, "task", model), "token_losses")


def compute_surprisal(text: str, tokenizer: Tokenizer, losses: TokenLosses) -> Surprisal:
    """Return the surprisal of a text, before which a line break stands.

    A token out of vocabulary also costs 8 bits for each of its bytes, as in bits per character: the
    model does not say which one it is.

    Args:
        text: the text as given; it may have several lines.
        tokenizer: the fitted tokenizer.
        losses: the language model, from ids to negative log-likelihoods.

    Raises:
        DataError: the text is empty, or no text.
    """
    collect_texts(text)
    if not text:
        raise DataError("expected a text to score, got an empty one")
    lines = text.split("\n")
    tokens = tokenizer.encode_with_offsets(pl.Series(lines, dtype=pl.String))
    ids, offsets = values_and_offsets(tokens.ids)
    begins = np.cumsum([0, *(len(line) + 1 for line in lines)])[:-1]
    shift = np.repeat(begins, np.diff(offsets))
    starts, ends = (values_and_offsets(part)[0] + shift for part in (tokens.starts, tokens.ends))
    # a line break is a token of one character; after the last line there is none
    breaks, places = begins[1:] - 1, offsets[1:-1]
    ids = np.insert(ids, places, EOS)
    starts, ends = np.insert(starts, places, breaks), np.insert(ends, places, breaks + 1)
    unknown = np.insert(unknown_bytes(tokens, lines), places, 0)
    nats = losses(np.append(EOS, ids).astype(np.int32)) if len(ids) else np.zeros(0)
    return Surprisal.from_tokens(text, starts, ends, nats + math.log(2) * BITS_PER_BYTE * unknown)
