"""Encoding of single texts: same ids and truncation as a column; no sign without its word."""

from typing import Any

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from munjang.data.batches import truncate
from munjang.data.encode import encode_texts
from munjang.data.token_rows import encode_rows
from munjang.text.plain.capitals import CAPITAL, CAPITALS
from munjang.text.registry import make_tokenizer
from munjang.text.tokenizer import Tokenizer
from munjang.text.vocabulary import EOS, GO
from munjang.text.words import WordTokenizer
from tests.synthetic import make_column
from tests.unit.data.test_batches import to_rows
from tests.unit.text.strategies import hostile_texts

CORPUS = ["the film Paris NASA film", "재미있다 영화 The film, NASA", "Paris don't NASA"]
SETTINGS = {"words": {"capitals": True}, "characters": {}, "bpe": {}}
TOKENIZERS: dict[str, Tokenizer] = {
    name: make_tokenizer(name, **options).fit(pl.Series(CORPUS))
    for name, options in SETTINGS.items()
}


@pytest.mark.parametrize("name", TOKENIZERS)
@settings(max_examples=60, deadline=None)
@given(
    texts=hostile_texts(),
    longest=st.integers(1, 12),
    room=st.one_of(st.none(), st.integers(1, 12)),
    marks=st.sampled_from(["", "add_go_eos", "line_breaks"]),
)
@example(texts=["film Paris NASA Paris", "NASA NASA", ""], longest=2, room=3, marks="add_go_eos")
@example(texts=["new words Are NEW new"], longest=3, room=None, marks="")
@example(texts=["new\n\nwords Are\nNEW new", "\n"], longest=5, room=5, marks="line_breaks")
def test_encode_text_equals_encode_column(
    name: str, texts: list[str], longest: int, room: int | None, marks: str
) -> None:
    limits: dict[str, Any] = {
        "max_length": longest,
        "max_tokens": room,
        "add_go_eos": marks == "add_go_eos",
        "line_breaks": marks == "line_breaks",
        "with_oov_words": True,
    }
    few = encode_rows(TOKENIZERS[name], texts, **limits)
    column = encode_texts(TOKENIZERS[name], pl.Series(texts, dtype=pl.String), **limits)
    assert to_rows(column.column) == [
        few.rows.values[start:end].tolist()
        for start, end in zip(few.rows.offsets[:-1], few.rows.offsets[1:], strict=True)
    ]
    assert few.truncated.tolist() == column.truncated.tolist()
    assert few.oov_words == column.oov_words


def _token_names(tokenizer: WordTokenizer, text: str, **limits: int) -> tuple[list[str], bool]:
    encoded = encode_rows(tokenizer, [text], add_go_eos=False, **limits)
    ids = encoded.rows.values.tolist()
    return tokenizer.vocabulary.tokens_of(ids), bool(encoded.truncated[0])


def test_max_length_counts_words_and_keeps_their_markers() -> None:
    tokenizer = TOKENIZERS["words"]
    assert isinstance(tokenizer, WordTokenizer)
    text = "film Paris NASA film"
    assert _token_names(tokenizer, text, max_length=1) == (["film"], True)
    assert _token_names(tokenizer, text, max_length=2) == (["film", CAPITAL, "paris"], True)
    whole = ["film", CAPITAL, "paris", CAPITALS, "nasa", "film"]
    assert _token_names(tokenizer, text, max_length=4) == (whole, False)


def test_marker_is_cut_with_its_word() -> None:
    tokenizer = TOKENIZERS["words"]
    assert isinstance(tokenizer, WordTokenizer)
    text = "film Paris NASA film"
    assert _token_names(tokenizer, text, max_length=9, max_tokens=2) == (["film"], True)
    assert _token_names(tokenizer, text, max_length=9, max_tokens=4) == (
        ["film", CAPITAL, "paris"],
        True,
    )
    assert _token_names(tokenizer, text, max_length=9, max_tokens=6)[1] is False


def test_marker_is_cut_with_its_word_in_pairs() -> None:
    kept, cut = truncate(make_column([[5, 9, 6], [9, 5], [5]]), 2, signs=[9])
    assert (to_rows(kept), cut) == ([[5], [9, 5], [5]], 1)


def test_single_row_equals_its_batch() -> None:
    few = encode_rows(TOKENIZERS["words"], ["The film Paris"], max_length=9, add_go_eos=True)
    (batch,) = few.rows.in_order_of_length()
    pair = encode_rows(TOKENIZERS["words"], ["The film Paris"] * 2, max_length=9, add_go_eos=True)
    (both,) = pair.rows.in_order_of_length()
    assert batch.ids.tolist() == both.ids[:1].tolist()
    assert batch.ids[0, 0] == GO
    assert batch.ids[0, -1] == EOS
    assert batch.mask.tolist() == both.mask[:1].tolist()
    assert (batch.lengths.tolist(), batch.rows.tolist()) == (both.lengths[:1].tolist(), [0])
