"""The report of a check of labeled texts, as blocks."""

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from munjang.checking.blocks import Block, Grid, Histogram, Line, grid
from munjang.checking.shared_blocks import (
    estimate_blocks,
    label_blocks,
    label_counts_text,
    places_text,
    read_blocks,
    repeat_blocks,
    share_grid,
    short,
    unknown_label_blocks,
)
from munjang.reporting import pluralize

if TYPE_CHECKING:
    from munjang.data.data_report import DataReport, Lengths, OovRate, Padding, TestReport
    from munjang.data.distributions import Numbers
    from munjang.data.repeats import Repeat, Repeats


def text_blocks(report: "DataReport") -> Iterator[Block]:
    """Yield all that was measured, except the notes."""
    yield from read_blocks(report.rows, "row", report.files, report.skipped)
    yield from target_blocks(report)
    yield Line()
    yield Line(lengths_text(report.characters))
    yield Line(lengths_text(report.tokens))
    yield length_histogram(report.tokens)
    yield from _repeats("the same text more than once", report.duplicates)
    if report.labels or report.numbers or report.sets:
        yield from _repeats("the same text with two labels", report.conflicts)
    if report.test is not None:
        yield from _test_blocks(report.test)
    yield oov_grid(report.unknown)
    yield padding_grid(report.padding)
    if report.estimate is not None:
        yield from estimate_blocks(report.estimate)


def target_blocks(report: "DataReport") -> Iterator[Block]:
    """Yield how classes, numbers or sets of labels are distributed."""
    if report.numbers is not None:
        yield from _number_blocks(report.numbers)
    if report.sets is not None:
        sizes = {f"{size:,}": count for size, count in report.sets.items()}
        yield share_grid("labels per row", "rows", sizes, sum(sizes.values()))
    if report.labels:
        yield from label_blocks(report.labels, report.majority, report.rows)


def _number_blocks(numbers: "Numbers") -> Iterator[Block]:
    quantiles = numbers.quantiles
    yield Line()
    yield Line(
        f"numbers from {numbers.smallest:g} to {numbers.largest:g}, mean {numbers.mean:.4g}, "
        f"standard deviation {numbers.deviation:.4g}; median {quantiles['0.5']:g}, 90% between "
        f"{quantiles['0.05']:g} and {quantiles['0.95']:g}"
    )
    bounds = zip(numbers.lows, numbers.highs, strict=True)
    bins = (f"{low:g}" if low == high else f"{low:.4g} to {high:.4g}" for low, high in bounds)
    yield Histogram(tuple(bins), tuple(numbers.counts))
    yield Line(f"always answering the mean would have an RMSE of {numbers.deviation:.4g}")


def lengths_text(lengths: "Lengths", noun: str = "text") -> str:
    """Return a line about the lengths of texts."""
    quantiles = lengths.quantiles
    return (
        f"{lengths.unit} per {noun}: {lengths.shortest:,} to {lengths.longest:,}, mean "
        f"{lengths.mean:,.1f}, median {quantiles['0.5']:,.0f}, 95% up to "
        f"{quantiles['0.95']:,.0f}, 99% up to {quantiles['0.99']:,.0f}"
    )


def length_histogram(lengths: "Lengths") -> Histogram:
    """Return the texts per range of lengths; empty ranges at the end are left out."""
    used = max((i for i, count in enumerate(lengths.counts) if count), default=-1) + 1
    edges = lengths.edges
    bins = [
        f"{low:,}" if high == low + 1 else f"{low:,}-{high - 1:,}" for low, high in pairwise(edges)
    ]
    return Histogram((*bins, f"{edges[-1]:,}+")[:used], tuple(lengths.counts[:used]))


def _repeats(title: str, repeats: "Repeats") -> Iterator[Block]:
    return repeat_blocks(title, repeats, "text", example_line)


def example_line(repeat: "Repeat") -> str:
    """Return the line of a repeated text: its beginning, its labels and its first rows."""
    labels = f"  {label_counts_text(repeat)}" if repeat.labels else ""
    return f"{short(repeat.text)}{labels}  {places_text(repeat.places)}"


def _test_blocks(test: "TestReport") -> Iterator[Block]:
    yield Line()
    yield Line(f"test: {pluralize(test.rows, 'row')}")
    yield from unknown_label_blocks(test.unknown_labels)
    yield from _repeats("the same text in DATA and in the test", test.in_train)


def oov_grid(thresholds: "tuple[OovRate, ...]") -> Grid:
    """Return the OOV rates at several thresholds."""
    rows = [
        (pluralize(row.min_frequency, "time"), f"{row.vocabulary_size:,}", f"{row.share:.2%}")
        for row in thresholds
    ]
    return grid(["words seen at least", "vocabulary", "OOV rate (held-out 10%)"], rows)


def padding_grid(padding: "Padding") -> Grid:
    """Return the share of padding of three ways of batching."""
    rows = [
        ("to the longest text of all", f"{padding.longest:.1%}"),
        ("to the longest of a random batch", f"{padding.random:.1%}"),
        ("in buckets of like length (munjang)", f"{padding.buckets:.1%}"),
    ]
    return grid([f"padding, batches of {padding.batch_size:,}", "share of all places"], rows)
