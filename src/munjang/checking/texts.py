"""A look at labelled texts, and at what a training on them costs."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from munjang.config import merge
from munjang.data.checks import check_data
from munjang.data.data_report import DataReport
from munjang.data.readers import read_table
from munjang.data.readers.values import ReadLabels
from munjang.data.table import Table
from munjang.defaults import make_recipe
from munjang.errors import DataError
from munjang.estimates import estimate_training
from munjang.preparation import Prepared, prepare
from munjang.recipe import DataSettings
from munjang.reporting import pluralize, stage


def check_texts(
    data: Any, test: Any, model: str, given: Mapping[str, Any], seconds: float
) -> DataReport:
    """Look at labelled texts as a training with these settings would see them.

    Args:
        data: of `munjang.data.readers.read_table`. Labels may be missing; then there is no
            estimate.
        test: likewise, or None.
        model: name of the architecture, unless `given` names one.
        given: the user's settings, nested as in `config.yaml`.
        seconds: the most time to spend on real training steps.

    Raises:
        DataError: a row cannot be used.
        ConfigError: a setting that does not exist, or a value that it cannot take.
    """
    asked = make_recipe(model, "other", 0, given)
    read_labels = asked.task_class.reader(asked.task_settings)
    with stage("reading texts"):
        table = _read(data, asked.data, read_labels)
        held_out = None if test is None else _read(test, asked.data, read_labels)
    prepared, estimate, notes = _cost(table, model, given, seconds)
    with stage(f"looking at {pluralize(len(table), 'row')}"):
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
    """What a training would start from, what it would cost, and notes on both."""
    if table.targets is None:
        return None, None, ["no estimate: there are no labels to train on"]
    renamed = {"data": {"text_column": "text", "label_column": "label"}}
    pair = (table.keys, table.targets)
    try:
        prepared = prepare(pair, None, model, merge(given, renamed), lambda line: None)
    except DataError as error:
        return None, None, [f"a training would refuse this data: {error}"]
    facts = prepared.facts
    notes = [
        f"tokens: {facts['tokenizer']}, vocabulary {facts['vocabulary']:,}, "
        f"{facts['oov_rate']:.2%} of held-out tokens out of vocabulary"
    ]
    cut = facts["truncated"] + facts["valid_truncated"]
    if cut:
        texts = "1 text is" if cut == 1 else f"{cut:,} texts are"
        notes.append(f"{texts} longer than {prepared.recipe.longest_kept} tokens: cut")
    return prepared, estimate_training(prepared, seconds=seconds).to_json(), notes
