"""A look at data and cost before training: what `munjang check` shows."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from munjang.config import merge, parse_overrides, read_yaml
from munjang.data.checks import DataReport, check_data
from munjang.data.readers import read_table
from munjang.data.readers.values import ReadLabels
from munjang.data.table import Table
from munjang.errors import DataError
from munjang.estimates import estimate_training
from munjang.preparation import Prepared, prepare
from munjang.recipe import DataSettings, make_recipe

Given = Mapping[str, Any]


def check(
    data: Any,
    *,
    test: Any = None,
    task: str | None = None,
    model: str = "cnn",
    config: str | Path | Mapping[str, Any] | None = None,
    columns: Mapping[str, Any] | None = None,
    tokenizer: str | None = None,
    overrides: Iterable[str] = (),
    seconds: float = 2.0,
) -> DataReport:
    """Look at data as a training with these settings would see it.

    Args:
        data: as for `munjang.train`. Labels may be missing; then there is no estimate.
        test: held-out data likewise, to find texts that stand in both.
        task: what the labels are for; that of `config`, else classify, when left out.
        model: name of the architecture to estimate.
        config: a YAML file or a mapping of settings.
        columns: settings of reading, such as `text_column`; None counts as not given.
        tokenizer: name of a tokenizer; chosen by the script of the text when left out.
        overrides: `key=value` strings laid on top.
        seconds: the most time to spend on real training steps.

    Raises:
        DataError: a row cannot be used.
        ConfigError: a setting that does not exist, or a value that it cannot take.
    """
    base = read_yaml(config) if isinstance(config, str | Path) else dict(config or {})
    reading = {key: value for key, value in (columns or {}).items() if value is not None}
    named: dict[str, Any] = {"data": reading}
    named |= {"tokenizer": {"name": tokenizer}} if tokenizer else {}
    named |= {"task": task} if task else {}
    given = merge(merge(base, named), parse_overrides(overrides))
    asked = make_recipe(model, "other", 0, given)
    read_labels = asked.task_class.reader(asked.task_settings)
    table = _read(data, asked.data, read_labels)
    held_out = None if test is None else _read(test, asked.data, read_labels)
    prepared, estimate, notes = _cost(table, model, given, seconds)
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
    table: Table, model: str, given: Given, seconds: float
) -> tuple[Prepared | None, dict[str, Any] | None, list[str]]:
    """What a training would start from, what it would cost, and notes on both."""
    if table.labels is None:
        return None, None, ["no estimate: there are no labels to train on"]
    renamed = {"data": {"text_column": "text", "label_column": "label"}}
    pair = (table.texts, table.labels)
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
