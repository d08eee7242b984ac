"""Check labeled texts, and measure the cost of a training on them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import polars as pl

from munjang.checking.input_check import InputCheck
from munjang.checking.text_blocks import text_blocks
from munjang.config import merge
from munjang.data.checks import check_data
from munjang.data.data_report import DataReport
from munjang.data.readers import read_table
from munjang.data.readers.values import ReadLabels, clean_labels
from munjang.data.settings import DataSettings
from munjang.data.table import Table
from munjang.errors import DataError
from munjang.estimates import estimate_training
from munjang.inputs.text import TextInput
from munjang.inputs.text_lengths import count_kept_tokens
from munjang.preparation import Prepared, prepare
from munjang.recipe import check_given
from munjang.reporting import discard, pluralize, stage
from munjang.text.tokenizer import Tokenizer


def check_text_data(data: Any, test: Any, given: Mapping[str, Any], seconds: float) -> DataReport:
    """Check labeled texts as a training with these settings would read them.

    Args:
        data: of `munjang.data.readers.read_table`. Without labels there is no estimate.
        test: held-out texts, or None.
        given: the user's settings, nested as in `config.yaml`.
        seconds: upper bound of the time spent on real training steps.

    Raises:
        DataError: a row cannot be used.
        ConfigError: an unknown setting, or a value that it cannot take.
    """
    recipe = check_given(given)
    read_labels, settings = recipe.task_class.reader(recipe), recipe.section("data")
    with stage("reading texts"):
        table = _read(data, settings, read_labels)
        held_out = None if test is None else _read(test, settings, read_labels)
    prepared, estimate, notes = _cost(table, given, seconds)
    with stage(f"checking {pluralize(len(table), 'row')}"):
        report = check_data(table, held_out, None if prepared is None else _tokenizer(prepared))
    return replace(report, estimate=estimate, notes=(*report.notes, *notes))


def _tokenizer(prepared: Prepared) -> Tokenizer:
    assert isinstance(prepared.input, TextInput)
    return prepared.input.tokenizer


def _read(data: Any, settings: DataSettings, read_labels: ReadLabels | None) -> Table:
    """Read texts with their labels, which a task without a reader of labels ignores."""
    table = read_table(
        data,
        text_column=settings.text_column,
        label_column=settings.label_column,
        encoding=settings.encoding,
        skip_bad_rows=settings.skip_bad_rows,
        need_labels=False,
        read_labels=read_labels or clean_labels,
    )
    return table.with_targets(None) if read_labels is None else table


def _cost(
    table: Table, given: Mapping[str, Any], seconds: float
) -> tuple[Prepared | None, dict[str, Any] | None, list[str]]:
    """Prepare a training and measure its cost; return both, with notes."""
    columns = {"data": {"text_column": "text", "label_column": "label"}}
    rows: Any = (table.keys, table.targets)
    recipe = check_given(given)
    if recipe.task_class.reader(recipe) is None:
        columns = {"data": {"text_column": "text"}}
        rows = pl.DataFrame({"text": table.keys})
    elif table.targets is None:
        return None, None, ["no estimate: there are no labels to train on"]
    try:
        prepared = prepare(rows, None, merge(given, columns), discard)
    except DataError as error:
        return None, None, [f"a training would refuse this data: {error}"]
    facts = prepared.facts
    notes = [
        f"tokens: {facts['tokenizer']}, vocabulary {facts['vocabulary']:,}, "
        f"OOV rate {facts['oov_rate']:.2%} on validation"
    ]
    truncated = facts["truncated"] + facts["valid_truncated"]
    if truncated:
        texts = "1 text is" if truncated == 1 else f"{truncated:,} texts are"
        notes.append(f"{texts} longer than {count_kept_tokens(prepared.recipe)} tokens: truncated")
    return prepared, estimate_training(prepared, seconds=seconds).to_json(), notes


CHECK = InputCheck(check_text_data, DataReport, text_blocks)
