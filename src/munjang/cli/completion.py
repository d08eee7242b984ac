"""Completion of names in a shell: from the registries, and without importing torch.

Settings and baselines belong to classes that import torch. So their names are kept in `names.tsv`,
which docs/generate.py writes from the registries:

    kind <tab> name <tab> architectures <tab> values <tab> description

The architectures are those that have the setting, if not all, and the values are the possible ones,
or else the default. Lists are separated by commas.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from munjang.registry import ArchitectureRow, TaskRow

FILE = "names.tsv"
SETTING, BASELINE = "setting", "baseline"
# A name, and a description for shells that show one.
Completion = tuple[str, str]


@dataclass(frozen=True)
class Name:
    """One line of `names.tsv`.

    Attributes:
        kind: `setting` or `baseline`.
        name: dotted name of a setting, or name of a baseline.
        models: architectures that have the setting; empty for all.
        values: possible values of a setting, or its default.
        help: description.
    """

    kind: str
    name: str
    models: tuple[str, ...]
    values: tuple[str, ...]
    help: str


@cache
def read_names() -> tuple[Name, ...]:
    """Read `names.tsv`."""
    text = Path(__file__).with_name(FILE).read_text(encoding="utf-8")
    return tuple(_parse(line) for line in text.splitlines())


def _parse(line: str) -> Name:
    kind, name, models, values, description = line.split("\t")
    return Name(kind, name, _listed(models), _listed(values), description)


def _listed(cell: str) -> tuple[str, ...]:
    return tuple(cell.split(",")) if cell else ()


def tasks(incomplete: str) -> list[Completion]:
    """Return the tasks, and short names for a task on an input."""
    from munjang.registry import TASK_ALIASES, TASKS

    aliases = [(name, f"{task} on {kind}") for name, (task, kind) in TASK_ALIASES.items()]
    return [*((row.name, row.summary) for row in TASKS.rows), *aliases]


def inputs(incomplete: str) -> list[Completion]:
    """Return the inputs."""
    from munjang.registry import INPUTS

    return [(row.name, row.summary) for row in INPUTS.rows]


def models(context: typer.Context, incomplete: str) -> list[Completion]:
    """Return the architectures that suit `--task` and `--input`, as far as those are typed."""
    return list({row.name: row.summary for row in _architectures(context)}.items())


def compared_models(context: typer.Context, incomplete: str) -> list[Completion]:
    """Return architectures and baselines, after those that are typed with commas between."""
    baselines = [(row.name, row.help) for row in read_names() if row.kind == BASELINE]
    return _after_comma(incomplete, [("all", "all"), *models(context, ""), *baselines])


def encoders(incomplete: str) -> list[Completion]:
    """Return the architectures that write no text."""
    from munjang.registry import ARCHITECTURES

    rows = (row for row in ARCHITECTURES.rows if "decoder" not in row.gives)
    return [(row.name, row.summary) for row in rows]


def tokenizers(incomplete: str) -> list[Completion]:
    """Return the tokenizers, after those that are typed with commas between."""
    from munjang.text.rows import TOKENIZERS

    return _after_comma(incomplete, [(name, "") for name in TOKENIZERS])


def metrics(context: typer.Context, incomplete: str) -> list[Completion]:
    """Return the metrics that may rank models of `--task`, or of any task."""
    from munjang.registry import TASKS

    task = _task(context)
    rows = TASKS.rows if task is None else [task]
    return [(name, "") for name in dict.fromkeys(name for row in rows for name in row.metrics)]


def settings(context: typer.Context, incomplete: str) -> list[Completion]:
    """Return the settings of the architecture, or of all; once only one is left, its values.

    Of one setting both `key=` and `key=value` are returned, so that a shell writes what they share
    and adds no space after it.
    """
    model = context.params.get("model")
    known = {
        row.name: row
        for row in read_names()
        if row.kind == SETTING and (not row.models or model is None or model in row.models)
    }
    key, equals, _ = incomplete.partition("=")
    matching = [name for name in known if name.startswith(key)]
    if equals or len(matching) == 1:
        rows = [known[name] for name in ([key] if equals else matching) if name in known]
        return [item for row in rows for item in _with_values(row)]
    exact = [(f"{name}=", known[name].help) for name in matching if name == key]
    return [*((name, known[name].help) for name in matching), *exact]


def decoding_settings(context: typer.Context, incomplete: str) -> list[Completion]:
    """Return the settings of the section `decoding`."""
    return [item for item in settings(context, incomplete) if item[0].startswith("decoding.")]


def corpora(incomplete: str) -> list[Completion]:
    """Return the names of public corpora."""
    from munjang.data.samples.catalog import list_catalog

    return [(entry.name, entry.about) for entry in list_catalog()]


def _with_values(row: Name) -> list[Completion]:
    return [(f"{row.name}=", row.help), *((f"{row.name}={v}", row.help) for v in row.values)]


def _after_comma(incomplete: str, items: list[Completion]) -> list[Completion]:
    """Return the items with what is typed before the last comma; those typed are left out."""
    before, comma, _ = incomplete.rpartition(",")
    typed = before.split(",")
    return [(f"{before}{comma}{name}", text) for name, text in items if name not in typed]


def _task(context: typer.Context) -> "TaskRow | None":
    """Return the row of `--task`; None without it, or if there is none of that name."""
    from munjang.registry import TASK_ALIASES, TASKS

    name = str(context.params.get("task"))
    return TASKS.find(TASK_ALIASES[name][0] if name in TASK_ALIASES else name)


def _architectures(context: typer.Context) -> "Iterator[ArchitectureRow]":
    from munjang.registry import ARCHITECTURES, TASK_ALIASES, inputs_of

    task, name = _task(context), str(context.params.get("task"))
    kinds = {row.name for row in inputs_of(task)} if task is not None else None
    if name in TASK_ALIASES:
        kinds = {TASK_ALIASES[name][1]}
    if context.params.get("input_name"):
        kinds = {str(context.params["input_name"])}
    for row in ARCHITECTURES.rows:
        suits_task = task is None or task.needs in row.gives
        if suits_task and (kinds is None or not kinds.isdisjoint(row.takes)):
            yield row
