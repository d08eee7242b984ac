"""Check running text of any size, which is read as a stream, as a training reads it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from munjang.checking.blocks import Block, Line
from munjang.checking.input_check import InputCheck
from munjang.checking.preparation import prepare_or_note
from munjang.checking.shared_blocks import estimate_blocks, repeat_blocks, short, skipped_blocks
from munjang.checking.text_blocks import length_histogram, lengths_text, oov_grid, padding_grid
from munjang.data.checks import describe_histogram, measure_oov_rates, measure_padding
from munjang.data.data_report import DataReport, OovRate, TestReport
from munjang.data.repeats import Repeat, Repeats
from munjang.data.shards.hashing import hash_texts
from munjang.data.shards.lines import VALIDATION, Lines
from munjang.data.shards.measures import Copies, CopyCounter, LengthCounts, Overlap
from munjang.data.splits import number_distinct_texts
from munjang.estimates import estimate_training
from munjang.folder.workspace import ENCODED, Workspace
from munjang.inputs.lines import EncodedLines, find_lines, name_files
from munjang.preparation import Prepared
from munjang.pretrained.sources import open_pretrained
from munjang.recipe import Recipe, check_given
from munjang.reporting import discard, pluralize, stage
from munjang.text.columns import Int64s
from munjang.text.normalize import normalize
from munjang.units import format_bytes

# Random seed of the hashes by which lines are compared.
_SEED = 0
# Lengths by which padding is measured: of more rows as many are drawn.
_MOST_LENGTHS = 1 << 20


@dataclass(frozen=True)
class LinesReport(DataReport):
    """Findings of a check of running text; `rows` are its lines.

    Attributes:
        documents: number of documents.
        bytes: size of the lines in UTF-8.
        compared: number of lines among which copies were looked for: those with the smallest
            hashes; None if it was all of them.
    """

    documents: int = 0
    bytes: int = 0
    compared: int | None = None


def check_line_data(data: Any, test: Any, given: Mapping[str, Any], seconds: float) -> LinesReport:
    """Check the lines of a text as a training with these settings would read them.

    Memory is bounded, whatever the size of the text, and so is what is compared: the copies of the
    lines with the smallest hashes, and the words of the tokenizer's sample.

    Args:
        data: as for `munjang.inputs.lines.LinesInput.read`.
        test: held-out text, or None.
        given: the user's settings, nested as in `config.yaml`.
        seconds: upper bound of the time spent on real training steps.

    Raises:
        DataError: a row cannot be used.
        ConfigError: an unknown setting, or a value that it cannot take.
    """
    source, given = open_pretrained(given)
    recipe = check_given(given)
    notes: list[str] = []
    workspace = Workspace()
    try:
        lines = find_lines(data, recipe, notes.append, workspace)
        held_out = _read_test(test, recipe, workspace)
        counts = lines.counts  # reads all lines
        with stage(f"checking {pluralize(counts.lines, 'line')}"):
            found = _measure(lines, held_out)
        prepared = prepare_or_note(lines, given, source, notes)
        lengths, unit = found.words.histogram, "words"
        if prepared is not None:
            lengths, unit = _count_tokens(prepared), "tokens"
        return LinesReport(
            files=lines.files,
            rows=counts.lines,
            skipped=dict(counts.skipped),
            notes=tuple(notes),
            labels=None,
            majority=None,
            characters=describe_histogram(*found.characters.histogram, "characters"),
            tokens=describe_histogram(*lengths, unit),
            duplicates=found.copies.repeats(),
            conflicts=Repeats(0, 0, ()),
            unknown=_measure_oov(lines),
            padding=measure_padding(_draw(*lengths)),
            test=None if held_out is None else _compare(held_out, found),
            estimate=None
            if prepared is None
            else estimate_training(prepared, seconds=seconds).to_json(),
            documents=counts.documents,
            bytes=counts.bytes,
            compared=None if found.copies.is_whole else found.copies.rows,
        )
    finally:
        workspace.remove()


@dataclass(frozen=True)
class _Test:
    """Lines of a test: their number, and how often each occurs."""

    lines: int
    copies: Copies


@dataclass(frozen=True)
class _Found:
    """Measures of all lines."""

    characters: LengthCounts
    words: LengthCounts
    copies: Copies
    overlap: Overlap | None


def _read_test(test: Any, recipe: Recipe, workspace: Workspace) -> _Test | None:
    if test is None:
        return None
    copies, count = CopyCounter(), 0
    lines = find_lines(test, recipe, discard, workspace, f"{ENCODED}-{VALIDATION}")
    with stage(f"reading {', '.join(lines.files[:3])}"):
        for block in lines.reader.blocks():
            copies.add(hash_texts(block.texts, _SEED), block.texts, block.lines)
            count += len(block.texts)
    return _Test(count, copies.finish())


def _measure(lines: Lines, test: _Test | None) -> _Found:
    """Read all lines once more, and measure them."""
    characters, words, copies = LengthCounts(), LengthCounts(), CopyCounter()
    overlap = None if test is None else Overlap(test.copies)
    for block in lines.reader.blocks():
        characters.add(block.texts.str.len_chars().to_numpy().astype(np.int64))
        words.add(block.texts.str.count_matches(r"\S+").to_numpy().astype(np.int64))
        hashes = hash_texts(block.texts, _SEED)
        copies.add(hashes, block.texts, block.lines)
        if overlap is not None:
            overlap.add(hashes)
    return _Found(characters, words, copies.finish(), overlap)


def _compare(test: _Test, found: _Found) -> TestReport:
    assert found.overlap is not None
    return TestReport(test.lines, None, {}, found.overlap.repeats())


def _count_tokens(prepared: Prepared) -> tuple[Int64s, Int64s]:
    """Return the numbers of tokens of a row, ascending, and how many rows have each."""
    counts = LengthCounts()
    for part in prepared.encoded.values():
        assert isinstance(part, EncodedLines)
        lengths, rows = part.rows.histogram(range(len(part.rows.entries)))
        counts.add(lengths, rows)
    return counts.histogram


def _measure_oov(lines: Lines) -> tuple[OovRate, ...]:
    """Measure the share of unknown words in the sample of the tokenizer."""
    sample = lines.scan.sample
    if not len(sample):
        return ()
    words = normalize(sample).str.extract_all(r"\S+")
    return measure_oov_rates(words, number_distinct_texts(sample), _SEED)


def _draw(lengths: Int64s, counts: Int64s) -> Int64s:
    """Return the length of every row, or of some that are drawn if there are very many."""
    total = int(counts.sum())
    if total <= _MOST_LENGTHS:
        return np.repeat(lengths, counts)
    return np.random.default_rng(_SEED).choice(lengths, _MOST_LENGTHS, p=counts / total)


def line_blocks(report: LinesReport) -> Iterator[Block]:
    """Yield all that was measured, except the notes."""
    yield Line(
        f"{pluralize(report.rows, 'line')} of {name_files(report.files)}, "
        f"{format_bytes(report.bytes)}, {pluralize(report.documents, 'document')}"
    )
    yield from skipped_blocks(report.skipped, "row")
    yield Line()
    yield Line(lengths_text(report.characters, "line"))
    yield Line(lengths_text(report.tokens, "row" if report.tokens.unit == "tokens" else "line"))
    yield length_histogram(report.tokens)
    among = "" if report.compared is None else f", among {pluralize(report.compared, 'line')}"
    yield from repeat_blocks(f"the same line more than once{among}", report.duplicates, *_LINE)
    if report.test is not None:
        yield Line()
        yield Line(f"test: {pluralize(report.test.rows, 'line')}")
        title = "the same line in DATA and in the test"
        yield from repeat_blocks(title, report.test.in_train, *_LINE)
    if report.unknown:
        yield oov_grid(report.unknown)
    yield padding_grid(report.padding)
    if report.estimate is not None:
        yield from estimate_blocks(report.estimate)


def _example(repeat: Repeat) -> str:
    return short(repeat.text)


_LINE = ("line", _example)

CHECK = InputCheck(check_line_data, LinesReport, line_blocks)
