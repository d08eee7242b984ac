"""Check two texts per row, and measure the cost of a training on them."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from munjang.checking.blocks import Block, Line
from munjang.checking.input_check import InputCheck
from munjang.checking.shared_blocks import (
    estimate_blocks,
    label_counts_text,
    places_text,
    read_blocks,
    repeat_blocks,
    short,
    unknown_label_blocks,
)
from munjang.checking.text_blocks import (
    length_histogram,
    lengths_text,
    oov_grid,
    padding_grid,
    target_blocks,
)
from munjang.config import merge
from munjang.data.table import Table
from munjang.data.two_texts.checks import TwoTextsReport, check_two_texts
from munjang.data.two_texts.read import read_two_texts
from munjang.data.two_texts.table import FIRST, LABEL, SECOND, PairTable
from munjang.errors import DataError
from munjang.estimates import estimate_training
from munjang.inputs.text_lengths import count_kept_tokens
from munjang.inputs.two_texts import TwoTextsInput
from munjang.preparation import Prepared, prepare
from munjang.recipe import Recipe, check_given
from munjang.reporting import discard, escape_line, pluralize, stage

if TYPE_CHECKING:
    from munjang.data.repeats import Repeat, Repeats


def check_two_texts_data(
    data: Any, test: Any, given: Mapping[str, Any], seconds: float
) -> TwoTextsReport:
    """Check rows of two texts as a training with these settings would read them.

    Args:
        data: of `munjang.data.two_texts.read.read_two_texts`. Without labels there is no estimate.
        test: held-out pairs, or None.
        given: the user's settings, nested as in `config.yaml`.
        seconds: upper bound of the time spent on real training steps.

    Raises:
        DataError: a row cannot be used.
        ConfigError: an unknown setting, or a value that it cannot take.
    """
    recipe = check_given(given)
    with stage("reading pairs"):
        table = _read(data, recipe)
        held_out = None if test is None else _read(test, recipe)
    prepared, estimate, notes = _cost(table, given, seconds)
    tokenizer = None
    if prepared is not None:
        assert isinstance(prepared.input, TwoTextsInput)
        tokenizer = prepared.input.tokenizer
    with stage(f"checking {pluralize(len(table), 'pair')}"):
        report = check_two_texts(table, held_out, tokenizer)
    pairs = replace(report.pairs, estimate=estimate, notes=(*report.notes, *notes))
    return replace(report, pairs=pairs)


def _read(data: Any, recipe: Recipe) -> PairTable:
    settings, read_labels = recipe.section("data"), recipe.task_class.reader(recipe)
    labels = {} if read_labels is None else {"read_labels": read_labels}
    return read_two_texts(
        data,
        first_column=settings.first_column,
        second_column=settings.second_column,
        label_column=settings.label_column,
        encoding=settings.encoding,
        skip_bad_rows=settings.skip_bad_rows,
        need_labels=False,
        **labels,
    )


def _cost(
    table: Table, given: Mapping[str, Any], seconds: float
) -> tuple[Prepared | None, dict[str, Any] | None, list[str]]:
    """Prepare a training and measure its cost; return both, with notes."""
    if table.targets is None:
        return None, None, ["no estimate: there are no labels to train on"]
    columns = {f"{role}_column": role for role in (FIRST, SECOND, LABEL)}
    rows = ((table[FIRST], table[SECOND]), table.targets)
    try:
        prepared = prepare(rows, None, merge(given, {"data": columns}), discard)
    except DataError as error:
        return None, None, [f"a training would refuse this data: {error}"]
    facts = prepared.facts
    notes = [
        f"tokens: {facts['tokenizer']}, vocabulary {facts['vocabulary']:,}, "
        f"OOV rate {facts['oov_rate']:.2%} on validation"
    ]
    if truncated := facts["truncated"] + facts["valid_truncated"]:
        kept = count_kept_tokens(prepared.recipe)
        notes.append(f"{pluralize(truncated, 'pair')} longer than {kept} tokens: truncated")
    return prepared, estimate_training(prepared, seconds=seconds).to_json(), notes


def two_texts_blocks(report: TwoTextsReport) -> Iterator[Block]:
    """Yield all that was measured, except the notes."""
    pairs = report.pairs
    yield from read_blocks(pairs.rows, "pair", pairs.files, pairs.skipped)
    yield from target_blocks(pairs)
    yield Line()
    for name, lengths in (
        (report.first_column, report.first),
        (report.second_column, report.second),
    ):
        yield Line(lengths_text(lengths, escape_line(name)))
    yield Line(lengths_text(pairs.tokens, "pair"))
    yield length_histogram(pairs.tokens)
    yield Line()
    yield Line(f"{report.distinct_texts:,} different texts in both columns")
    yield Line(f"{pluralize(report.copies, 'pair')} of two equal texts{_by_label(report)}")
    yield Line(f"{pluralize(report.reversed, 'pair')} that also occur in the other order")
    yield from _repeats("the same pair more than once", pairs.duplicates)
    yield from _repeats("the same pair with two labels", pairs.conflicts)
    if pairs.test is not None:
        yield Line()
        yield Line(f"test: {pluralize(pairs.test.rows, 'pair')}")
        yield from unknown_label_blocks(pairs.test.unknown_labels)
        yield from _repeats("the same pair in DATA and in the test", pairs.test.in_train)
        yield Line(f"  {report.test_sharing_text:,} test pairs have a text that is in DATA")
    yield oov_grid(pairs.unknown)
    yield padding_grid(pairs.padding)
    if pairs.estimate is not None:
        yield from estimate_blocks(pairs.estimate)


def _by_label(report: TwoTextsReport) -> str:
    counts = ", ".join(f"{escape_line(k)}: {v:,}" for k, v in report.copy_labels.items())
    return f" ({counts})" if counts else ""


def _repeats(title: str, repeats: "Repeats") -> Iterator[Block]:
    return repeat_blocks(title, repeats, "pair", _example)


def _example(repeat: "Repeat") -> str:
    return f"{short(repeat.text)}  {label_counts_text(repeat)}  {places_text(repeat.places)}"


CHECK = InputCheck(check_two_texts_data, TwoTextsReport, two_texts_blocks)
