"""Running text: lines to one stream of tokens, its parts, and its batches."""

from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from munjang.data.buckets import Bucketing
from munjang.data.streams.dataset import StreamDataset
from munjang.data.streams.encode import encode_prompt, encode_stream, unknown_bytes_per_line
from munjang.data.streams.text import RunningText
from munjang.errors import DataError
from munjang.text.columns import to_lists
from munjang.text.registry import make_tokenizer
from munjang.text.vocabulary import EOS, OOV
from tests.unit.text.strategies import hostile_text


def text_of(*lines: str) -> RunningText:
    return RunningText.of(pl.Series(lines, dtype=pl.String), ["text.txt"], Counter(), 0)


def dataset(tokens: int, *, window: int = 4, before: int = 1) -> StreamDataset:
    return StreamDataset(np.arange(100, 100 + tokens, dtype=np.int32), window, before)


def test_characters_and_bytes_count_line_breaks_of_composed_text() -> None:
    text = text_of("가", "\u1100\u1161", "", "ab")  # the second one is 가 in NFD
    assert (text.characters, text.bytes) == (4 + 4, 3 + 3 + 2 + 4)


@given(st.lists(st.integers(0, 30), min_size=2, max_size=20), st.floats(0.01, 0.99))
def test_parts_are_the_whole_text_in_order_and_neither_is_empty(
    lengths: list[int], share: float
) -> None:
    text = text_of(*("x" * length for length in lengths))
    train, valid = text.split(share)
    assert [*train.lines, *valid.lines] == text.lines.to_list()
    assert len(train) > 0
    assert len(valid) > 0
    # no other cut between lines is nearer to what was asked
    ends = np.cumsum([length + 1 for length in lengths])[:-1]
    wanted = (1 - share) * text.characters
    assert abs(train.characters - wanted) == pytest.approx(np.abs(ends - wanted).min())


def test_a_single_line_is_not_split() -> None:
    with pytest.raises(DataError, match="single line"):
        text_of("one line").split(0.1)


@settings(max_examples=30)
@given(st.lists(hostile_text(), min_size=1, max_size=6))
def test_a_stream_is_the_tokens_of_each_line_and_a_break_after_each(lines: list[str]) -> None:
    lines = [line.replace("\n", " ") for line in lines]
    tokenizer = make_tokenizer("characters").fit(pl.Series(lines))
    expected = [id for line in lines for id in [*tokenizer.encode_text(line).tolist(), EOS]]
    assert encode_stream(tokenizer, pl.Series(lines, dtype=pl.String)).tolist() == expected


@given(
    st.lists(st.integers(0, 30), min_size=3, max_size=20),
    st.lists(st.floats(0.01, 0.3), max_size=2),
)
def test_parts_at_the_end_are_in_the_order_of_the_text(
    lengths: list[int], shares: list[float]
) -> None:
    text = text_of(*("x" * length for length in lengths))
    parts = text.cut(shares)
    assert [line for part in parts for line in part.lines] == text.lines.to_list()
    assert len(parts) == len(shares) + 1
    assert all(len(part) > 0 for part in parts)


def test_parts_have_their_shares_of_a_long_text() -> None:
    text = text_of(*["x" * 9] * 1000)
    assert [len(part) for part in text.cut([0.2, 0.1])] == [700, 200, 100]
    with pytest.raises(DataError, match="2 lines cannot be cut into 3 parts"):
        text_of("a", "b").cut([0.1, 0.1])


@settings(max_examples=30)
@given(st.lists(hostile_text(), min_size=1, max_size=6))
def test_bytes_out_of_vocabulary_are_counted_by_line(lines: list[str]) -> None:
    series = text_of(*(line.replace("\n", " ") for line in lines)).lines
    for name in ("characters", "jamo", "bytes"):
        tokenizer = make_tokenizer(name).fit(pl.Series(["가나 abc", "", "x"]))
        counts = unknown_bytes_per_line(tokenizer, series, encode_stream(tokenizer, series))
        tokens = tokenizer.encode_with_offsets(series)
        columns = (to_lists(part) for part in (tokens.ids, tokens.starts, tokens.ends))
        expected = [
            sum(
                len(line[start:end].encode())
                for start, end in {(a, b) for id, a, b in zip(*row, strict=True) if id == OOV}
            )
            for line, *row in zip(series.to_list(), *columns, strict=True)
        ]
        assert counts.tolist() == expected


def test_a_prompt_goes_on_in_its_last_line() -> None:
    tokenizer = make_tokenizer("characters").fit(pl.Series(["ab"]))
    a, b = tokenizer.encode_text("ab").tolist()
    assert encode_prompt(tokenizer, "a\n\nb").tolist() == [EOS, a, EOS, EOS, b]
    assert encode_prompt(tokenizer, "a\n").tolist() == [EOS, a, EOS]
    assert encode_prompt(tokenizer, "").tolist() == [EOS]


def test_rows_go_on_from_batch_to_batch_and_targets_are_the_next_tokens() -> None:
    data = dataset(50)
    order = data.order(Bucketing(batch_size=3), seed=1)
    batches = list(data.batches(order.groups(0)))
    assert len(batches) == order.steps(0) == 50 // 12
    assert [bool(batch.begins) for batch in batches] == [True, False, False, False]
    whole = np.concatenate([batch.ids.numpy() for batch in batches], axis=1)
    assert whole.shape == (3, 16)
    assert (np.diff(whole, axis=1) % 50 == 1).all()
    for batch in batches:
        targets = batch.targets.numpy().reshape(3, 4)
        assert ((targets - batch.ids.numpy()) % 50 == 1).all()
        assert ((batch.ids.numpy()[:, :1] - batch.previous.numpy()) % 50 == 1).all()


def test_an_epoch_sees_nearly_every_token_and_each_epoch_begins_elsewhere() -> None:
    data = dataset(200)
    order = data.order(Bucketing(batch_size=4), seed=7)
    seen = [[b.ids for b in data.batches(order.groups(epoch))] for epoch in (0, 1)]
    assert len({int(i) for batch in seen[0] for i in batch.flatten()}) >= 192
    assert seen[0][0].tolist() != seen[1][0].tolist()


def test_batches_may_begin_in_the_middle_of_an_epoch() -> None:
    order = dataset(100).order(Bucketing(batch_size=2), seed=3)
    whole, rest = list(order.groups(2)), list(order.groups(2, 5))
    assert [g.rows.tolist() for g in whole[5:]] == [g.rows.tolist() for g in rest]
    assert not rest[0].begins


@pytest.mark.parametrize("tokens", [2, 3, 5, 63])
def test_short_texts_have_smaller_batches(tokens: int) -> None:
    data = dataset(tokens, window=64)
    [batch, *_] = data.batches(data.order(Bucketing(batch_size=32), seed=0).groups(0))
    assert batch.ids.shape == (1, tokens - 1)
    assert batch.size == tokens - 1


def test_blank_lines_are_kept(tmp_path: Path) -> None:
    import munjang

    path = tmp_path / "text.txt"
    path.write_bytes("가나다\r\n\r\n라마\n   \n".encode() * 40)
    notes: list[str] = []
    trained = munjang.train(
        path,
        task="language",
        overrides=[
            "training.max_steps=2",
            "model.hidden_dim=4",
            "model.dim=4",
            "model.ngram_buckets=16",
            "language.ngram_order=2",
        ],
        report=notes.append,
    )
    assert "read 160 lines, 480 characters, of text.txt" in notes
    assert trained.model.input.size == 4 + 6
