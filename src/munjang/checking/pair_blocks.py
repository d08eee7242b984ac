"""The report of a check of pairs of texts, as blocks."""

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from munjang.checking.blocks import Block, Column, Grid, Line, grid
from munjang.checking.shared_blocks import (
    estimate_blocks,
    place_text,
    places_text,
    read_blocks,
    repeat_blocks,
    short,
    skipped_blocks,
)
from munjang.reporting import escape_line, pluralize

if TYPE_CHECKING:
    from munjang.data.data_report import Lengths
    from munjang.data.pairs.checks import PairReport, PairTestReport, RatioExtreme
    from munjang.data.pairs.tokens import PairTokens
    from munjang.data.repeats import Repeat, Repeats

_MOST_TARGETS = 3


def pair_blocks(report: "PairReport") -> Iterator[Block]:
    """Yield all that was measured, except the notes."""
    yield from read_blocks(report.rows, "pair", report.files, report.skipped)
    yield _lengths_grid(report)
    ratios = report.ratios
    yield Line(f"characters of target / source, 10 added to both: median {ratios.median:.3g}")
    yield Line(f"  the shortest for its source: {_extreme_text(ratios.smallest)}")
    yield Line(f"  the longest for its source: {_extreme_text(ratios.largest)}")
    yield from _repeats("the same pair more than once", report.duplicates, "pair")
    yield from _repeats("the same source with several targets", report.several, "source")
    yield from _repeats("targets that are their source", report.copies, "text")
    if report.test is not None:
        yield from _test_blocks(report.test)
    if report.tokens is not None:
        yield from _token_blocks(report.tokens)
    if report.estimate is not None:
        yield from estimate_blocks(report.estimate)


def _lengths_grid(report: "PairReport") -> Grid:
    """Return the lengths of both sides, in characters, words and tokens."""
    heads: list[str | Column] = [
        "lengths",
        Column("shortest", rank=1),
        "median",
        Column("mean", rank=2),
        Column("95%", rank=3),
        "99%",
        "longest",
    ]
    rows = []
    for side, column in (("source", report.source_column), ("target", report.target_column)):
        name = side if escape_line(column) == side else f"{side} ({escape_line(column)})"
        measured = getattr(report, side)
        lengths: list[Lengths] = [measured.characters, measured.words]
        if report.tokens is not None:
            lengths.append(getattr(report.tokens, side).lengths)
        rows += [(f"{name}, {length.unit}", *_length_figures(length)) for length in lengths]
    return grid(heads, rows)


def _length_figures(lengths: "Lengths") -> tuple[str, ...]:
    quantiles = lengths.quantiles
    return (
        f"{lengths.shortest:,}",
        f"{quantiles['0.5']:,.0f}",
        f"{lengths.mean:,.1f}",
        f"{quantiles['0.95']:,.0f}",
        f"{quantiles['0.99']:,.0f}",
        f"{lengths.longest:,}",
    )


def _extreme_text(pair: "RatioExtreme") -> str:
    texts = f"{short(pair.source)} -> {short(pair.target)}"
    return f"{pair.ratio:.3g}, {texts}  {place_text(pair.file, pair.row)}"


def _repeats(title: str, repeats: "Repeats", noun: str) -> Iterator[Block]:
    return repeat_blocks(title, repeats, noun, _example)


def _example(repeat: "Repeat") -> str:
    return f"{short(repeat.text)} -> {_targets_text(repeat)}  {places_text(repeat.places)}"


def _targets_text(repeat: "Repeat") -> str:
    """Return the first targets of a source, with the count of each where there are several."""
    if len(repeat.labels) == 1:
        return short(next(iter(repeat.labels)))
    first = islice(repeat.labels.items(), _MOST_TARGETS)
    text = " | ".join(f"{short(name)} ({count:,})" for name, count in first)
    more = len(repeat.labels) - _MOST_TARGETS
    return text if more <= 0 else f"{text} | {more:,} more"


def _test_blocks(test: "PairTestReport") -> Iterator[Block]:
    yield Line()
    yield Line(f"test: {pluralize(test.rows, 'pair')}")
    yield from skipped_blocks(test.skipped, "row")
    yield from _repeats("the same pair in DATA and in the test", test.pairs, "pair")
    yield from _repeats("the same source in DATA and in the test", test.sources, "source")


def _token_blocks(tokens: "PairTokens") -> Iterator[Block]:
    """Yield tokenizers, vocabularies, padding, and pairs that are too long."""
    rows = [
        (name, side.tokenizer, f"{side.vocabulary:,}", f"{side.oov_rate:.2%}")
        for name, side in (("source", tokens.source), ("target", tokens.target))
    ]
    yield grid(["tokens", "tokenizer", "vocabulary", "OOV rate (validation)"], rows)
    if tokens.shared:
        yield Line("both sides share one vocabulary")
    yield Line(f"{tokens.padding:.1%} of the batches of a training is padding")
    left_out = tokens.left_out
    most = f"{tokens.source.max_length:,} source or {tokens.target.max_length:,} target tokens"
    yield Line(
        f"{pluralize(left_out.rows, 'pair')} with more than {most}, which a training leaves out"
    )
    for pair in left_out.examples:
        counts = f"{pair.source_tokens:,} and {pair.target_tokens:,} tokens"
        yield Line(f"  {place_text(pair.file, pair.row)}: {counts}")
