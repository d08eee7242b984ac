"""Check running text that is read as one stream of tokens, as a training reads it."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, cast

import numpy as np
import polars as pl

from munjang.checking.blocks import Block, Line, grid
from munjang.checking.input_check import InputCheck
from munjang.checking.preparation import prepare_or_note
from munjang.checking.shared_blocks import estimate_blocks, read_blocks, short
from munjang.checking.text_blocks import length_histogram, lengths_text
from munjang.data.checks import describe_lengths
from munjang.data.data_report import Lengths, to_plain
from munjang.data.streams.text import RunningText
from munjang.estimates import estimate_training
from munjang.pretrained.sources import open_pretrained
from munjang.recipe import check_given
from munjang.reporting import discard, pluralize, stage
from munjang.units import format_bytes

# Characters that are counted one by one in the report, the rarest of all.
_RAREST = 20


@dataclass(frozen=True)
class StreamTestReport:
    """Comparison of a held-out text with the training text.

    Attributes:
        rows: its lines.
        characters: its characters, line breaks included.
        in_train: share of its lines that are lines of the training text, too; blank ones do not
            count.
        unknown_characters: share of its characters that the training text does not have.
    """

    rows: int
    characters: int
    in_train: float
    unknown_characters: float


@dataclass(frozen=True)
class StreamReport:
    """Findings of a check of running text; `rows` are its lines.

    Attributes:
        files: files that were read.
        rows: number of lines.
        characters: number of characters, line breaks included.
        bytes: size in UTF-8.
        skipped: bad rows that were left out, by reason.
        notes: what was inferred while reading.
        lines: lengths of lines in characters.
        distinct: number of distinct characters.
        rare: occurrences of the rarest characters.
        test: comparison of the test text with this one, if there is one.
        estimate: memory and time of a training; None if it would refuse the text.
    """

    files: tuple[str, ...]
    rows: int
    characters: int
    bytes: int
    skipped: dict[str, int]
    notes: tuple[str, ...]
    lines: Lengths
    distinct: int
    rare: dict[str, int]
    test: StreamTestReport | None = None
    estimate: dict[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON: dictionaries, lists, strings and numbers."""
        return to_plain(asdict(self))


def check_stream_data(
    data: Any, test: Any, given: Mapping[str, Any], seconds: float
) -> StreamReport:
    """Check a text as a training with these settings would read it.

    Args:
        data: as for `munjang.inputs.stream.StreamInput.read`.
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
    text = cast(RunningText, recipe.input_class.read(data, recipe, None, discard))
    held_out = None
    if test is not None:
        held_out = cast(RunningText, recipe.input_class.read(test, recipe, None, discard))
    with stage(f"checking {pluralize(len(text), 'line')}"):
        counts = _count_characters(text.lines)
        compared = None if held_out is None else _compare(held_out, text, counts)
    prepared = prepare_or_note(text, given, source, notes)
    return StreamReport(
        files=text.files,
        rows=len(text),
        characters=text.characters,
        bytes=text.bytes,
        skipped=dict(text.skipped),
        notes=tuple(notes),
        lines=describe_lengths(
            text.lines.str.len_chars().to_numpy().astype(np.int64), "characters"
        ),
        distinct=len(counts),
        rare=dict(list(counts.items())[:_RAREST]),
        test=compared,
        estimate=None
        if prepared is None
        else estimate_training(prepared, seconds=seconds).to_json(),
    )


def _count_characters(lines: pl.Series) -> dict[str, int]:
    """Return how often each character occurs, the rarest first."""
    characters = lines.str.extract_all(r"(?s).").list.explode(keep_nulls=False, empty_as_null=False)
    counted = characters.value_counts(name="count").sort("count", characters.name)
    return dict(zip(counted[characters.name], counted["count"], strict=True))


def _compare(test: RunningText, train: RunningText, known: Mapping[str, int]) -> StreamTestReport:
    lines = test.lines.filter(test.lines.str.strip_chars() != "")
    counts = _count_characters(test.lines)
    unknown = sum(count for character, count in counts.items() if character not in known)
    return StreamTestReport(
        rows=len(test),
        characters=test.characters,
        in_train=float(lines.is_in(train.lines.unique().implode()).mean() or 0),  # type: ignore[arg-type]
        unknown_characters=unknown / max(1, sum(counts.values())),
    )


def stream_blocks(report: StreamReport) -> Iterator[Block]:
    """Yield all that was measured, except the notes."""
    yield from read_blocks(report.rows, "line", report.files, report.skipped)
    yield Line(f"{report.characters:,} characters, {format_bytes(report.bytes)}")
    yield Line()
    yield Line(lengths_text(report.lines, "line"))
    yield length_histogram(report.lines)
    yield Line(f"{report.distinct:,} distinct characters")
    rare = [(short(character), f"{count:,}") for character, count in report.rare.items()]
    yield grid(["rarest characters", "times"], rare)
    if report.test is not None:
        test = report.test
        yield Line()
        yield Line(f"test: {pluralize(test.rows, 'line')}, {test.characters:,} characters")
        yield Line(f"  {test.in_train:.1%} of its lines are lines of DATA, blank ones left out")
        yield Line(f"  {test.unknown_characters:.2%} of its characters are not in DATA")
    if report.estimate is not None:
        yield from estimate_blocks(report.estimate)


CHECK = InputCheck(check_stream_data, StreamReport, stream_blocks)
