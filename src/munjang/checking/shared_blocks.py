"""Blocks that the reports of texts, pairs and images have in common."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from munjang.checking.blocks import Block, Column, Grid, Line, grid
from munjang.reporting import escape_line, pluralize
from munjang.units import format_bytes, format_duration

if TYPE_CHECKING:
    from munjang.data.repeats import Place, Repeat, Repeats

BARS = Column("", rank=1, is_bar=True)
_EXAMPLE = 60  # characters of a text that stands as an example
_MOST_LABELS = 30
_MOST_PLACES = 3


def read_blocks(
    count: int, noun: str, files: Sequence[str], skipped: Mapping[str, int]
) -> Iterator[Block]:
    """Yield what was read, and what was left out."""
    yield Line(f"{pluralize(count, noun)} of {', '.join(files)}")
    yield from skipped_blocks(skipped, "row")


def skipped_blocks(skipped: Mapping[str, int], noun: str) -> Iterator[Block]:
    """Yield how many rows were left out, by reason."""
    for reason, count in skipped.items():
        yield Line(f"  skipped {pluralize(count, noun)}: {reason}")


def label_blocks(
    labels: Mapping[str, int], majority: float | None, total: int, *, noun: str = "rows"
) -> Iterator[Block]:
    """Yield rows and share of each label, and the accuracy of the most frequent one."""
    yield share_grid("label", noun, labels, total, most=_MOST_LABELS)
    if majority is not None:
        first = escape_line(next(iter(labels)))
        yield Line(f"always answering {first} would be right for {majority:.1%}")


def share_grid(
    head: str, noun: str, counts: Mapping[str, int], total: int, *, most: int | None = None
) -> Grid:
    """Return a table of counts with their shares, as figures and as bars.

    Args:
        head: above the names.
        noun: above the counts.
        counts: by name.
        total: a share of 1.
        most: number of rows; the other names share one more row.
    """
    named = list(counts.items())
    rows: list[tuple[str | float, ...]] = [
        (name, f"{count:,}", f"{count / total:.1%}", count / total) for name, count in named[:most]
    ]
    if rest := [count for _, count in named[len(rows) :]]:
        rows.append((f"{len(rest):,} more", f"{sum(rest):,}", f"{sum(rest) / total:.1%}"))
    return grid([head, noun, "share", BARS], rows)


def repeat_blocks(
    title: str,
    repeats: "Repeats",
    noun: str,
    example: Callable[["Repeat"], str],
    *,
    row: str = "row",
) -> Iterator[Block]:
    """Yield how many inputs occur several times, and the most frequent of them.

    Args:
        title: which repeats these are.
        repeats: as measured.
        noun: what repeats, such as "text".
        example: from a repeat to its line, without the number of rows.
        row: what one occurrence is, such as "file".
    """
    yield Line()
    yield Line(f"{title}: {pluralize(repeats.texts, noun)}, {pluralize(repeats.rows, row)}")
    for repeat in repeats.examples:
        yield Line(f"  {repeat.rows:,} x {example(repeat)}")


def unknown_label_blocks(unknown: Mapping[str, int]) -> Iterator[Block]:
    """Yield the labels of a test that the training data lacks."""
    if unknown:
        names = ", ".join(f"{escape_line(name)} ({count:,})" for name, count in unknown.items())
        yield Line(f"  labels that are not in DATA: {names}")


def label_counts_text(repeat: "Repeat") -> str:
    """Return how often an input has each label: `(0: 1, 1: 9)`."""
    counts = ", ".join(f"{escape_line(name)}: {count:,}" for name, count in repeat.labels.items())
    return f"({counts})"


def short(text: str) -> str:
    """Return the beginning of a text, on one line."""
    line = escape_line(text)
    return line if len(line) <= _EXAMPLE else f"{line[:_EXAMPLE]}..."


def places_text(places: "Sequence[Place]") -> str:
    """Return the first rows of an input: `train.tsv:207, 738; test.tsv:9`."""
    rows: dict[str, list[str]] = {}
    for place in places[:_MOST_PLACES]:
        rows.setdefault(file_name(place.file), []).append(f"{place.row:,}")
    return "; ".join(f"{file}:{', '.join(numbers)}" for file, numbers in rows.items())


def place_text(file: str, row: int) -> str:
    """Return a file and a row: `pairs.tsv:2`."""
    return f"{file_name(file)}:{row:,}"


def file_name(file: str) -> str:
    """Return the name of a file, or of two files side by side, without their folders."""
    return " and ".join(Path(part).name for part in file.split(" and "))


def estimate_blocks(estimate: Mapping[str, Any]) -> Iterator[Block]:
    """Yield memory and time of a training, and how they were measured."""
    unit = estimate["unit"]
    rows = [
        ("parameters", f"{estimate['parameters']:,}"),
        ("model folder", format_bytes(estimate["weights_bytes"])),
        ("optimizer", format_bytes(estimate["optimizer_bytes"])),
        ("best and averaged weights", format_bytes(estimate["copies_bytes"])),
        ("checkpoint on disk", format_bytes(estimate["checkpoint_bytes"])),
        ("peak memory", format_bytes(estimate["memory_bytes"])),
        ("steps", f"{estimate['steps']:,}"),
        (f"{unit} per second", f"{estimate['units_per_second']:,.0f}"),
        ("time", format_duration(estimate["seconds"])),
    ]
    if estimate["answering_seconds"]:
        rows.append(
            ("final decoding of validation", format_duration(estimate["answering_seconds"]))
        )
    yield grid([f"estimated cost of training {estimate['model']}", ""], rows)
    steps = pluralize(estimate["timed_steps"], "real step")
    yield Line(f"estimated from {steps} on this machine, under its current load")
