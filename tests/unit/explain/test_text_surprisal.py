"""Surprisal of a text under a model: each token's loss at its place in the text."""

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings

from munjang.data.streams.encode import encode_prompt
from munjang.errors import DataError
from munjang.explain.text_surprisal import compute_surprisal
from munjang.text.registry import make_tokenizer
from munjang.text.vocabulary import OOV
from tests.contracts.test_tokenizers import Row, every_row, fit_row
from tests.unit.text.strategies import hostile_text


def id_losses(ids: np.ndarray) -> np.ndarray:
    """A loss that tells tokens apart."""
    return 0.5 + ids[1:].astype(np.float64)


def test_each_character_has_the_loss_of_its_token() -> None:
    tokenizer = make_tokenizer("characters").fit(pl.Series(["ab"]))
    a, b = (0.5 + token for token in tokenizer.encode_text("ab").tolist())
    surprisal = compute_surprisal("ab\n\nb", tokenizer, id_losses)
    assert list(surprisal.pieces) == [("a", a), ("b", b), ("\n", 3.5), ("\n", 3.5), ("b", b)]
    assert surprisal.rest == 0


def test_unknown_characters_cost_8_bits_per_byte() -> None:
    tokenizer = make_tokenizer("characters").fit(pl.Series(["ab"]))
    ((text, nats),) = compute_surprisal("한", tokenizer, id_losses).pieces
    assert text == "한"
    assert nats == pytest.approx(OOV + 0.5 + 24 * math.log(2))


def test_losses_see_a_line_break_before_the_text() -> None:
    tokenizer = make_tokenizer("jamo").fit(pl.Series(["가나다"]))
    seen: list[list[int]] = []

    def losses(ids: np.ndarray) -> np.ndarray:
        seen.append(ids.tolist())
        return np.zeros(len(ids) - 1)

    compute_surprisal("가\n나", tokenizer, losses)
    assert seen == [encode_prompt(tokenizer, "가\n나").tolist()]


def test_text_that_cannot_be_scored_is_refused() -> None:
    tokenizer = make_tokenizer("characters").fit(pl.Series(["ab"]))
    with pytest.raises(DataError, match="got an empty one"):
        compute_surprisal("", tokenizer, id_losses)
    with pytest.raises(DataError, match="surrogate"):
        compute_surprisal("\ud800", tokenizer, id_losses)


@every_row
@settings(max_examples=20)
@given(text=hostile_text())
@example(text=" \n\n  한글 \n👍🏽")
def test_nothing_is_lost_with_any_tokenizer(row: Row, text: str) -> None:
    if not text:
        return
    tokenizer = fit_row(row)
    surprisal = compute_surprisal(text, tokenizer, id_losses)
    ids = encode_prompt(tokenizer, text)
    losses = id_losses(ids).sum() if len(ids) > 1 else 0.0
    assert surprisal.nats >= losses - 1e-6
    if not (ids == OOV).any():
        assert surprisal.nats == pytest.approx(losses)
    assert "".join(part for part, _ in surprisal.pieces.with_rest()) == text
    assert text.count("\n") <= sum(part.count("\n") for part, _ in surprisal.pieces)


def test_the_most_surprising_words_have_their_pieces() -> None:
    tokenizer = make_tokenizer("characters").fit(pl.Series(["ab c"]))
    space, a, b, c = (0.5 + token for token in tokenizer.encode_text(" abc").tolist())
    words = compute_surprisal("ab  c\nab", tokenizer, id_losses).surprising_words(2)
    every = {
        "ab": [("a", a), ("b", b)],
        "c": [(" ", space), (" ", space), ("c", c)],
    }
    found = {word: pieces for word, _, pieces in words}
    assert all(
        pieces in (every[word], [("\n", 3.5), *every["ab"]]) for word, pieces in found.items()
    )
    for _, nats, pieces in words:
        assert nats == pytest.approx(sum(value for _, value in pieces))
    assert words[0][1] >= words[1][1]
