"""Check labeled texts, and measure the cost of a training on them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from munjang.config import merge
from munjang.data.checks import DataReport, check_data
from munjang.data.readers import read_table
from munjang.data.readers.values import ReadLabels
from munjang.data.table import Table
from munjang.defaults import make_recipe
from munjang.errors import DataError
from munjang.estimates import estimate_training
from munjang.preparation import Prepared, prepare
from munjang.recipe import DataSettings
from munjang.telling import counted, silent, stage


def check_text_data(
    data: Any, test: Any, model: str | None, given: Mapping[str, Any], seconds: float
) -> DataReport:
    """Check labeled texts as a training with these settings would read them.

    Args:
        data: of `munjang.data.readers.read_table`. Without labels there is no estimate.
        test: held-out texts, or None.
        model: name of the architecture, unless `given` names one; None for the default.
        given: the user's settings, nested as in `config.yaml`.
        seconds: upper bound of the time spent on real training steps.

    Raises:
        DataError: a row cannot be used.
        ConfigError: an unknown setting, or a value that it cannot take.
    """
    model = model or "cnn"
    recipe = make_recipe(model, "other", 0, given)
    read_labels = recipe.task_class.reader(recipe.task_settings)
    with stage("reading texts"):
        table = _read(data, recipe.data, read_labels)
        held_out = None if test is None else _read(test, recipe.data, read_labels)
    prepared, estimate, notes = _cost(table, model, given, seconds)
    with stage(f"checking {counted(len(table), 'row')}"):
        report = check_data(table, held_out, None if prepared is None else prepared.tokenizer)
    return replace(report, estimate=estimate, notes=(*report.notes, *notes))


def _read(data: Any, settings: DataSettings, read_labels: ReadLabels) -> Table:
    return read_table(
        data,
        text_column=settings.text_column,
        label_column=settings.label_column,
        encoding=settings.encoding,
        skip_bad_rows=settings.skip_bad_rows,
        need_labels=False,
        read_labels=read_labels,
    )


def _cost(
    table: Table, model: str, given: Mapping[str, Any], seconds: float
) -> tuple[Prepared | None, dict[str, Any] | None, list[str]]:
    """Prepare a training and measure its cost; return both, with notes."""
    if table.labels is None:
        return None, None, ["no estimate: there are no labels to train on"]
    columns = {"data": {"text_column": "text", "label_column": "label"}}
    rows = (table.texts, table.labels)
    try:
        prepared = prepare(rows, None, model, merge(given, columns), silent)
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
        notes.append(f"{texts} longer than {prepared.recipe.longest_kept} tokens: truncated")
    return prepared, estimate_training(prepared, seconds=seconds).to_json(), notes
