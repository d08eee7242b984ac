"""Parts of running text: documents stay together, and no line is lost."""

from collections import Counter

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from munjang.comparison.line_parts import DOCUMENT, TEXT, split_lines, to_lines
from munjang.data.streams.text import RunningText
from munjang.errors import DataError


def make_text(lines: list[str]) -> RunningText:
    return RunningText.of(pl.Series(lines, dtype=pl.String), ["text.txt"], Counter(), 0)


@given(st.lists(st.sampled_from(["", " ", "a", "b", "가나", "\u3000", "😀"]), min_size=1))
def test_lines_are_those_that_are_not_blank(lines: list[str]) -> None:
    kept = [(n, line) for n, line in enumerate(lines, start=1) if line.strip()]
    if not kept:
        with pytest.raises(DataError, match="blank ones only"):
            to_lines(make_text(lines))
        return
    table = to_lines(make_text(lines))
    assert list(zip(table.rows.tolist(), table[TEXT].to_list(), strict=True)) == kept
    # the slow way: a document ends with a blank line
    documents: list[list[str]] = [[]]
    for line in lines:
        if line.strip():
            documents[-1].append(line)
        else:
            documents.append([])
    own = [tuple(document) for document in documents for _ in document]
    if all(line.strip() for line in lines):
        own = [(line,) for line in lines]
    keys = table[DOCUMENT].to_list()
    assert all(
        (keys[a] == keys[b]) == (own[a] == own[b]) for a in range(len(own)) for b in range(a)
    )


def test_whole_documents_are_in_one_part() -> None:
    lines = [f"line {n // 4}" if n % 4 else "" for n in range(400)]
    parts = split_lines(to_lines(make_text(lines)), {}, 0.1, seed=0)
    found = {name: set(part[TEXT].to_list()) for name, part in parts.items()}
    assert sum(map(len, parts.values())) == 300
    assert not found["train"] & found["test"]
    assert not found["train"] & found["valid"]
    assert not found["valid"] & found["test"]


@pytest.mark.parametrize("documents", [1, 2, 3])
def test_few_documents_are_split_by_lines(documents: int) -> None:
    lines = [line for n in range(documents) for line in [*(f"{n} {m}" for m in range(100)), ""]]
    parts = split_lines(to_lines(make_text(lines)), {}, 0.1, seed=0)
    for name in ("valid", "test"):
        assert len(parts[name]) == pytest.approx(10 * documents, abs=1)


def test_given_parts_stay_as_they_are() -> None:
    test = to_lines(make_text(["x", "y"]))
    parts = split_lines(to_lines(make_text([str(n) for n in range(50)])), {"test": test}, 0.2, 0)
    assert parts["test"] is test
    assert (len(parts["train"]), len(parts["valid"])) == (40, 10)


def test_too_few_lines_are_refused() -> None:
    with pytest.raises(DataError, match="cannot be split into 3 parts"):
        split_lines(to_lines(make_text(["a", "a", "b"])), {}, 0.1, 0)
