"""Bits of lines under a language model, against sums over single tokens."""

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from munjang.data.streams.encode import encode_stream, unknown_bytes_per_line
from munjang.tasks.language_scores import LanguageScores
from munjang.tasks.line_bits import LineBits
from munjang.text.normalize import normalize
from munjang.text.registry import make_tokenizer
from munjang.text.vocabulary import EOS
from tests.unit.text.strategies import hostile_text

KNOWN = pl.Series(["가나 abc", "각난 b", "", "x y"])
lines_of_text = st.lists(hostile_text(), min_size=1, max_size=6).map(
    lambda lines: normalize(pl.Series([line.replace("\n", " ") for line in lines], dtype=pl.String))
)


def pair_losses(ids: np.ndarray) -> np.ndarray:
    """A loss that depends on a token and the one before it."""
    return ((7 * ids[1:] + 3 * ids[:-1]) % 11 + 0.25).astype(np.float64)


@settings(max_examples=40)
@given(lines=lines_of_text, name=st.sampled_from(["characters", "jamo", "bytes"]))
def test_bits_of_a_line_are_the_sum_over_its_tokens(lines: pl.Series, name: str) -> None:
    tokenizer = make_tokenizer(name).fit(KNOWN)
    scored = LineBits.compute(tokenizer, lines, pair_losses)
    before, expected, tokens = EOS, [], 0
    ids = encode_stream(tokenizer, lines)
    unknown = unknown_bytes_per_line(tokenizer, lines, ids).tolist()
    for line, more in zip(lines.to_list(), unknown, strict=True):
        nats = 0.0
        for token in [*tokenizer.encode_text(line).tolist(), EOS]:
            nats += (7 * token + 3 * before) % 11 + 0.25
            before, tokens = token, tokens + 1
        expected.append(nats / math.log(2) + 8 * more)
    assert scored.bits == pytest.approx(expected)
    assert scored.tokens == tokens
    assert scored.nats == pytest.approx(pair_losses(np.append(EOS, ids)).sum())
    sizes = {
        "characters": int(lines.str.len_chars().sum()) + len(lines),
        "bytes": int(lines.str.len_bytes().sum()) + len(lines),
    }
    whole = LanguageScores.from_nats(
        scored.nats, rows=len(lines), tokens=tokens, unknown_bytes=sum(unknown), **sizes
    )
    assert scored.bits.sum() / sizes["characters"] == pytest.approx(whole.bits_per_character)
    assert scored.per_token["perplexity"] == pytest.approx(whole.perplexity)


def test_each_line_alone_has_the_bits_that_it_has_in_the_text() -> None:
    tokenizer = make_tokenizer("characters").fit(KNOWN)
    together = LineBits.compute(tokenizer, KNOWN, pair_losses).bits
    alone = [LineBits.compute(tokenizer, pl.Series([line]), pair_losses).bits[0] for line in KNOWN]
    # each begins after a line break, in the text and alone
    assert together.tolist() == pytest.approx(alone)


def test_a_text_that_nothing_predicts_has_8_bits_per_byte_with_any_tokenizer() -> None:
    lines = pl.Series(["한글", "", "漢字 ABC"])
    for name in ("characters", "jamo"):
        tokenizer = make_tokenizer(name).fit(pl.Series([""]))
        scored = LineBits.compute(tokenizer, lines, lambda ids: np.zeros(len(ids) - 1))
        assert scored.bits.tolist() == [8 * len(line.encode()) for line in lines]
