"""Held-out documents, hashes and the sample, against slow references."""

import unicodedata
from collections import defaultdict
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from munjang.data.shards import blocks
from munjang.data.shards.blocks import LineReader
from munjang.data.shards.files import find_files
from munjang.data.shards.hashing import hash_texts
from munjang.data.shards.held_out import SmallestHashes
from munjang.data.shards.sample import LineSample
from munjang.data.shards.scan import Scan, scan_lines
from munjang.data.shards.settings import LinesSettings
from munjang.errors import DataError

FACTOR, MASK = 0x9E3779B97F4A7C15 | 1, 2**64 - 1


def mix_bits(value: int) -> int:
    value ^= value >> 30
    value = value * 0xBF58476D1CE4E5B9 & MASK
    value ^= value >> 27
    value = value * 0x94D049BB133111EB & MASK
    return value ^ value >> 31


def reference_hash(text: str, seed: int) -> int:
    data = unicodedata.normalize("NFC", text).strip().encode()
    total = sum((byte + 1) * pow(FACTOR, index, 2**64) for index, byte in enumerate(data))
    return mix_bits((total & MASK) ^ (seed * FACTOR & MASK))


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20)), st.integers(0, 99))
def test_hashes_equal_integer_arithmetic(texts: list[str], seed: int) -> None:
    # white space at the ends is that of Polars, which the reference leaves to letters
    texts = [f"a{text}가" for text in texts]
    hashes = hash_texts(pl.Series(texts, dtype=pl.String), seed)
    assert hashes.tolist() == [reference_hash(text, seed) for text in texts]


def test_hashes_ignore_normal_form_and_outer_spaces() -> None:
    same = pl.Series(["각 ", unicodedata.normalize("NFD", "각"), "  각"])
    assert len(set(hash_texts(same, 0).tolist())) == 1
    assert hash_texts(same, 0)[0] != hash_texts(same, 1)[0]


def reference_smallest(documents: list[tuple[int, int]], most: int, count: int) -> list[int]:
    """Numbers of the chosen documents, from the hash and the lines of each."""
    groups = defaultdict(list)
    for number, (value, lines) in enumerate(documents):
        groups[value].append((number, lines))
    numbers: list[int] = []
    total = 0
    for value in sorted(groups):
        size = sum(lines for _, lines in groups[value])
        if size > most:
            continue
        if numbers and total + size > count:
            break
        numbers += [number for number, _ in groups[value]]
        total += size
    return sorted(numbers)


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 5)), max_size=200),
    st.integers(1, 12),
    st.integers(1, 12),
    st.integers(1, 30),
)
def test_smallest_hashes_do_not_depend_on_order_of_arrival(
    documents: list[tuple[int, int]], most: int, expected: int, piece: int
) -> None:
    expected = min(most, expected)
    smallest = SmallestHashes(most)
    for start in range(0, len(documents), piece):
        values, lines = zip(*documents[start : start + piece], strict=True)
        numbers = np.arange(start, start + len(values))
        smallest.add(np.array(values, dtype=np.uint64), numbers, np.array(lines, dtype=np.int64))
    numbers, count = smallest.choose(expected)
    assert numbers.tolist() == reference_smallest(documents, most, expected)
    assert count == sum(documents[number][1] for number in numbers)


def scan(path: Path, **settings: object) -> Scan:
    parsed = LinesSettings.parse(settings)
    files = find_files(str(path), None, lambda: path.parent)
    return scan_lines(LineReader(files, parsed), seed=3)


def held_out_texts(path: Path, result: Scan) -> tuple[list[str], list[str]]:
    """The texts of both parts."""
    files = find_files(str(path), None, lambda: path.parent)
    parts: tuple[list[str], list[str]] = ([], [])
    for block in LineReader(files, LinesSettings()).blocks():
        for text, is_held_out in zip(block.texts, result.is_held_out(block), strict=True):
            parts[bool(is_held_out)].append(text)
    return parts


@pytest.mark.parametrize("size", [40, 1 << 20])
def test_documents_are_held_out_whole_and_duplicates_together(
    tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "BLOCK", size)
    documents = [f"문서 {n % 90}\n줄 {n % 90} 둘\n줄 {n % 90} 셋" for n in range(120)]
    path = tmp_path / "a.txt"
    path.write_text("\n\n".join(documents))
    result = scan(path, validation_split=0.2)
    assert result.counts.held_out_documents
    assert (result.counts.lines, result.counts.documents) == (360, 120)
    train, valid = held_out_texts(path, result)
    assert len(valid) == result.counts.held_out_lines
    assert 40 <= len(valid) <= 72
    assert not set(train) & set(valid)
    assert {text.split()[1] for text in train}.isdisjoint({text.split()[1] for text in valid})
    assert set(result.sample.to_list()) == set(train)
    # the same documents in another order, in other blocks
    path.write_text("\n\n".join(documents[::-1]))
    monkeypatch.setattr(blocks, "BLOCK", 1 << 20)
    assert sorted(held_out_texts(path, scan(path, validation_split=0.2))[1]) == sorted(valid)


def test_lines_are_held_out_without_documents_up_to_limit(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.txt"
    path.write_text("\n".join(f"줄 {number}" for number in range(3000)) + "\n같은 줄" * 500)
    result = scan(path, validation_rows=50)
    assert not result.counts.held_out_documents
    assert result.counts.held_out_lines == 50
    train, valid = held_out_texts(path, result)
    assert len(valid) == 50
    assert "같은 줄" in train
    assert "같은 줄" not in valid, "its 500 copies are more than 50"


def test_tokenizer_sample_is_bounded_and_spread(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("\n".join(f"line number {number:06}" for number in range(20_000)))
    result = scan(path, tokenizer_sample=0.02)
    size = int(result.sample.str.len_bytes().sum())
    assert 15_000 < size <= 20_000
    assert result.counts.is_sampled
    numbers = [int(text.split()[2]) for text in result.sample]
    assert numbers == sorted(numbers)
    assert sum(number < 10_000 for number in numbers) / len(numbers) == pytest.approx(0.5, abs=0.1)
    assert scan(path, tokenizer_sample=0.02).sample.to_list() == result.sample.to_list()
    assert not scan(path).counts.is_sampled


def test_sample_does_not_depend_on_blocks() -> None:
    texts = [f"text {number}" * (1 + number % 5) for number in range(500)]

    def drawn(piece: int) -> list[str]:
        sample = LineSample(3000, seed=1)
        for start in range(0, len(texts), piece):
            some = pl.Series("text", texts[start : start + piece])
            numbers = np.arange(start, start + len(some))
            sample.add(some, numbers, numbers)
        return sample.finish()[0].to_list()

    assert drawn(1) == drawn(7) == drawn(500)


def test_file_without_lines_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("\n \n\u200b\n")
    with pytest.raises(DataError, match="expected lines of text"):
        scan(path)
