"""What a look at labelled texts found, drawn for people."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from munjang.cli.fitting import WIDEST_BAR, Column, FittedTable, bar
from munjang.cli.output import console, show, shown
from munjang.cli.progress import clock
from munjang.cli.tables import label, plain_table
from munjang.reporting import pluralize

if TYPE_CHECKING:
    from rich.console import Console

    from munjang.data.data_report import DataReport, Lengths, OovRate, Padding, TestReport
    from munjang.data.distributions import Numbers
    from munjang.data.repeats import Repeat, Repeats

MOST_LABELS = 30
BARS = Column("", rank=1, left=True, bar=True)
EXAMPLE = 60


def show_texts(report: "DataReport", *, wide: bool = False) -> None:
    """What was found in labelled texts."""
    screen = console(wide=wide)
    show(f"{pluralize(report.rows, 'row')} of {', '.join(report.files)}")
    for reason, count in report.skipped.items():
        show(f"  skipped {pluralize(count, 'row')}: {reason}")
    show_labels(report, screen)
    show(f"\n{spread(report.characters)}\n{spread(report.tokens)}")
    show_histogram(report.tokens)
    show_repeats("the same text more than once", report.duplicates)
    show_repeats("the same text with two labels", report.conflicts)
    if report.test is not None:
        show_test(report.test)
    screen.print(unknown_table(report.unknown))
    screen.print(padding_table(report.padding))
    if report.estimate is not None:
        show_estimate(report.estimate, screen)


def show_labels(report: "DataReport", screen: "Console") -> None:
    """How the labels are distributed: classes, numbers, or sets."""
    if report.numbers is not None:
        show_numbers(report.numbers)
    if report.sets is not None:
        screen.print(sets_table(report.sets))
    if report.labels:
        screen.print(labels_table(report.labels, report.rows))
    if report.labels and report.majority is not None:
        first = shown(next(iter(report.labels)))
        show(f"always answering {first} would be right for {report.majority:.1%}")


def show_numbers(numbers: "Numbers") -> None:
    """Numbers in one line, and as bars."""
    quantiles = numbers.quantiles
    show(
        f"\nnumbers from {numbers.smallest:g} to {numbers.largest:g}, mean {numbers.mean:.4g}, "
        f"standard deviation {numbers.deviation:.4g}; median {quantiles['0.5']:g}, 90% between "
        f"{quantiles['0.05']:g} and {quantiles['0.95']:g}"
    )
    bins = zip(numbers.lows, numbers.highs, strict=True)
    names = [f"{low:g}" if low == high else f"{low:.4g} to {high:.4g}" for low, high in bins]
    show_bars(names, numbers.counts)
    show(f"always answering the mean would have an RMSE of {numbers.deviation:.4g}")


def sets_table(sets: Mapping[int, int]) -> FittedTable:
    """Rows by how many labels they have, as bars."""
    total = sum(sets.values())
    table = plain_table("labels a row", "rows", "share", BARS)
    for size, count in sets.items():
        table.add_row(f"{size:,}", f"{count:,}", f"{count / total:.1%}", count / total)
    return table


def labels_table(labels: Mapping[str, int], total: int) -> FittedTable:
    """Rows and share of each label, as bars, of so many rows."""
    table = plain_table("label", "rows", "share", BARS)
    for name, count in list(labels.items())[:MOST_LABELS]:
        share = count / total
        table.add_row(label(name), f"{count:,}", f"{share:.1%}", share)
    if len(labels) > MOST_LABELS:
        rest = list(labels.values())[MOST_LABELS:]
        table.add_row(f"{len(rest):,} more", f"{sum(rest):,}", f"{sum(rest) / total:.1%}")
    return table


def spread(lengths: "Lengths") -> str:
    """Lengths in one line."""
    quantiles = lengths.quantiles
    return (
        f"{lengths.unit} a text: {lengths.shortest:,} to {lengths.longest:,}, mean "
        f"{lengths.mean:,.1f}, median {quantiles['0.5']:,.0f}, 95% up to "
        f"{quantiles['0.95']:,.0f}, 99% up to {quantiles['0.99']:,.0f}"
    )


def show_histogram(lengths: "Lengths") -> None:
    """Texts of each range of lengths. Empty ranges at the end are left out."""
    used = max((i for i, count in enumerate(lengths.counts) if count), default=-1) + 1
    show_bars(_bins(lengths)[:used], lengths.counts[:used])


def show_bars(names: Sequence[str], counts: Sequence[int]) -> None:
    """A bar a line, the longest for the largest count."""
    widest, most = max(map(len, names)), max(counts)
    taken = len(f"  {'':>{widest}}  {most:,}")
    room = min(WIDEST_BAR, max(1, console().width - taken))
    for name, count in zip(names, counts, strict=True):
        show(f"  {name:>{widest}} {bar(count / most, room)} {count:,}")


def _bins(lengths: "Lengths") -> list[str]:
    edges = lengths.edges
    names = [
        f"{low:,}" if high == low + 1 else f"{low:,}-{high - 1:,}" for low, high in pairwise(edges)
    ]
    return [*names, f"{edges[-1]:,}+"]


def show_repeats(what: str, repeats: "Repeats") -> None:
    """How many texts stand several times, and the most frequent of them."""
    show(f"\n{what}: {pluralize(repeats.texts, 'text')}, {pluralize(repeats.rows, 'row')}")
    for one in repeats.examples:
        text = shown(one.text)
        short = text if len(text) <= EXAMPLE else f"{text[:EXAMPLE]}..."
        labels = ", ".join(f"{shown(name)}: {count:,}" for name, count in one.labels.items())
        show(f"  {one.rows:,} x {short}  ({labels})  {places(one)}")


def places(one: "Repeat") -> str:
    """Where the first rows of a text stand: `train.tsv:207, 738; test.tsv:9`."""
    rows: dict[str, list[str]] = {}
    for place in one.places[:3]:
        rows.setdefault(Path(place.file).name, []).append(f"{place.row:,}")
    return "; ".join(f"{file}:{', '.join(found)}" for file, found in rows.items())


def show_test(test: "TestReport") -> None:
    """What the test file shares with the training file, and what it should."""
    show(f"\ntest: {pluralize(test.rows, 'row')}")
    if test.unknown_labels:
        names = ", ".join(f"{shown(n)} ({count:,})" for n, count in test.unknown_labels.items())
        show(f"  labels that are not in DATA: {names}")
    show_repeats("the same text in DATA and in the test", test.in_train)


def unknown_table(rows: "tuple[OovRate, ...]") -> FittedTable:
    """Words out of vocabulary at several thresholds."""
    table = plain_table("words seen at least", "vocabulary", "out of it, of a held-out tenth")
    for row in rows:
        table.add_row(
            pluralize(row.min_frequency, "time"), f"{row.vocabulary_size:,}", f"{row.share:.2%}"
        )
    return table


def padding_table(padding: "Padding") -> FittedTable:
    """What padding costs, three ways of batching."""
    table = plain_table(f"padding, batches of {padding.batch_rows:,}", "share of all places")
    table.add_row("to the longest text of all", f"{padding.longest:.1%}")
    table.add_row("to the longest of a random batch", f"{padding.random:.1%}")
    table.add_row("in buckets of like length (munjang)", f"{padding.buckets:.1%}")
    return table


def show_estimate(estimate: Mapping[str, Any], screen: "Console") -> None:
    """Memory and time of a training, and where that comes from."""
    screen.print(estimate_table(estimate))
    steps = pluralize(estimate["timed_steps"], "real step")
    show(f"an estimate, from {steps} on this machine as busy as it is now")


def estimate_table(estimate: Mapping[str, Any]) -> FittedTable:
    """Memory and time of a training."""
    table = plain_table(f"a training of {estimate['model']}, estimated", "")
    table.add_row("parameters", f"{estimate['parameters']:,}")
    table.add_row("model folder", size(estimate["weights_bytes"]))
    table.add_row("optimiser", size(estimate["optimiser_bytes"]))
    table.add_row("best and averaged weights", size(estimate["copies_bytes"]))
    table.add_row("checkpoint on disk", size(estimate["checkpoint_bytes"]))
    table.add_row("peak memory", size(estimate["memory_bytes"]))
    table.add_row("steps", f"{estimate['steps']:,}")
    table.add_row("tokens per second", f"{estimate['tokens_per_second']:,.0f}")
    table.add_row("time", clock(estimate["seconds"]))
    if estimate["answering_seconds"]:
        table.add_row("answers to validate with, at the end", clock(estimate["answering_seconds"]))
    return table


def size(count: int) -> str:
    """Bytes in a unit that reads well, to three digits."""
    if count < 1000:
        return f"{count} B"
    value, unit = next(
        (count / scale, unit)
        for scale, unit in ((1e3, "kB"), (1e6, "MB"), (1e9, "GB"))
        if count < 1000 * scale or unit == "GB"
    )
    places = 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:,.{places}f} {unit}"
