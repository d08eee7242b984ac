"""What a look at pairs of texts found, drawn for people."""

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from munjang.cli.fitting import Column, FittedTable
from munjang.cli.output import console, show, shown
from munjang.cli.report import EXAMPLE, show_estimate
from munjang.cli.tables import plain_table
from munjang.reporting import pluralize

if TYPE_CHECKING:
    from munjang.data.data_report import Lengths
    from munjang.data.pairs.checks import FarPair, PairReport, PairTestReport
    from munjang.data.pairs.tokens import LeftOut, PairTokens
    from munjang.data.repeats import Repeat, Repeats

MOST_TARGETS = 3


def show_pairs(report: "PairReport", *, wide: bool = False) -> None:
    """Everything that was found but the notes."""
    screen = console(wide=wide)
    show(f"{pluralize(report.rows, 'pair')} of {', '.join(map(shown, report.files))}")
    _show_skipped(report.skipped)
    screen.print(lengths_table(report))
    ratios = report.ratios
    show(
        f"characters of a target over those of its source: {ratios.median:.3g} (median, ten added)"
    )
    show(f"  the shortest for its source: {far(ratios.smallest)}")
    show(f"  the longest for its source: {far(ratios.largest)}")
    show_repeats("the same pair more than once", report.duplicates, "pair")
    show_repeats("the same source with several targets", report.several, "source")
    show_repeats("targets that are their source", report.copies, "text")
    if report.test is not None:
        show_test(report.test)
    if report.tokens is not None:
        screen.print(tokens_table(report.tokens))
        if report.tokens.shared:
            show("both sides share one vocabulary")
        show(f"{report.tokens.padding:.1%} of the batches of a training is padding")
        show_left_out(report.tokens)
    if report.estimate is not None:
        show_estimate(report.estimate, screen)


def lengths_table(report: "PairReport") -> FittedTable:
    """How long both sides are, in characters, words and tokens."""
    table = plain_table(
        "lengths",
        Column("shortest", rank=1),
        "median",
        Column("mean", rank=2),
        Column("95%", rank=3),
        "99%",
        "longest",
    )
    sides = (("source", report.source_column), ("target", report.target_column))
    for side, column in sides:
        name = side if shown(column) == side else f"{side} ({shown(column)})"
        measured = getattr(report, side)
        found: list[Lengths] = [measured.characters, measured.words]
        if report.tokens is not None:
            found.append(getattr(report.tokens, side).lengths)
        for lengths in found:
            table.add_row(f"{name}, {lengths.unit}", *_figures(lengths))
    return table


def _figures(lengths: "Lengths") -> list[str]:
    quantiles = lengths.quantiles
    middle = f"{quantiles['0.5']:,.0f}", f"{lengths.mean:,.1f}"
    upper = f"{quantiles['0.95']:,.0f}", f"{quantiles['0.99']:,.0f}"
    return [f"{lengths.shortest:,}", *middle, *upper, f"{lengths.longest:,}"]


def far(pair: "FarPair") -> str:
    """A pair whose sides are far apart in length, and where it stands."""
    texts = f"{short(pair.source)} -> {short(pair.target)}"
    return f"{pair.ratio:.3g}, {texts}  {place(pair.file, pair.row)}"


def show_repeats(what: str, repeats: "Repeats", noun: str) -> None:
    """How often something stands several times, and the most frequent of it."""
    show(f"\n{what}: {pluralize(repeats.texts, noun)}, {pluralize(repeats.rows, 'row')}")
    for one in repeats.examples:
        show(f"  {one.rows:,} x {short(one.text)} -> {targets(one)}  {places(one)}")


def targets(one: "Repeat") -> str:
    """The first targets of a source, with how often each stands where there are several."""
    if len(one.labels) == 1:
        return short(next(iter(one.labels)))
    first = islice(one.labels.items(), MOST_TARGETS)
    told = " | ".join(f"{short(name)} ({count:,})" for name, count in first)
    more = len(one.labels) - MOST_TARGETS
    return told if more <= 0 else f"{told} | {more:,} more"


def short(text: str) -> str:
    """The beginning of a text, on one line."""
    line = shown(text)
    return line if len(line) <= EXAMPLE else f"{line[:EXAMPLE]}..."


def places(one: "Repeat") -> str:
    """Where its first rows stand: `pairs.tsv:2, 9; test.tsv:4`."""
    rows: dict[str, list[str]] = {}
    for each in one.places[:3]:
        rows.setdefault(file_name(each.file), []).append(f"{each.row:,}")
    return "; ".join(f"{file}:{', '.join(found)}" for file, found in rows.items())


def place(file: str, row: int) -> str:
    """`pairs.tsv:2`."""
    return f"{file_name(file)}:{row:,}"


def file_name(file: str) -> str:
    """Without folders; of two aligned files both."""
    return shown(" and ".join(Path(part).name for part in file.split(" and ")))


def show_test(test: "PairTestReport") -> None:
    """What the test shares with the training pairs."""
    show(f"\ntest: {pluralize(test.rows, 'pair')}")
    _show_skipped(test.skipped)
    show_repeats("the same pair in DATA and in the test", test.pairs, "pair")
    show_repeats("the same source in DATA and in the test", test.sources, "source")


def _show_skipped(skipped: dict[str, int]) -> None:
    for reason, count in skipped.items():
        show(f"  skipped {pluralize(count, 'row')}: {reason}")


def tokens_table(tokens: "PairTokens") -> FittedTable:
    """Tokenizer and vocabulary of each side."""
    table = plain_table("tokens", "tokenizer", "vocabulary", "out of it, of validation tokens")
    for name, side in (("source", tokens.source), ("target", tokens.target)):
        table.add_row(name, side.tokenizer, f"{side.vocabulary:,}", f"{side.oov_rate:.2%}")
    return table


def show_left_out(tokens: "PairTokens") -> None:
    """How many pairs a training leaves out for their length, and where the first stand."""
    found: LeftOut = tokens.left_out
    most = f"{tokens.source.max_length:,} source or {tokens.target.max_length:,} target tokens"
    show(f"{pluralize(found.rows, 'pair')} with more than {most}, which a training leaves out")
    for one in found.examples:
        counts = f"{one.source_tokens:,} and {one.target_tokens:,} tokens"
        show(f"  {place(one.file, one.row)}: {counts}")
