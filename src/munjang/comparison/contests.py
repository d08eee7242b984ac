"""What can be compared: models of texts with a label each, and models from text to text."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from munjang.comparison import class_tallies, pair_tallies
from munjang.comparison.entrants import ComparedTask
from munjang.comparison.pair_fits import COLUMNS, COUNTED
from munjang.comparison.parts import (
    Sources,
    cut_pairs,
    cut_texts,
    write_parts,
    write_texts,
)
from munjang.config import merge
from munjang.data.table import Table
from munjang.defaults import make_recipe, script_of
from munjang.errors import ConfigError
from munjang.pair_preparation import recipe_of
from munjang.pair_recipe import PairTexts, make_pair_recipe
from munjang.reporting import Report

Given = Mapping[str, Any]
Parts = dict[str, Table]

# To answer is the dear part of a look: so many pairs choose the best step, the same for all models.
_ANSWERED = 200


@dataclass(frozen=True)
class Contest:
    """One thing that can be compared.

    Attributes:
        metrics: which may decide; the first does when nothing is said.
        cut: from (what the person gave, settings, report) to the three parts.
        write: keeps the parts in a folder.
        settings: those of every run, from the person's: it reads the parts that were cut, and has a
            seed of its own.
        check: refuses settings that a network of that name cannot take, on these parts.
    """

    metrics: tuple[str, ...]
    cut: Callable[[Sources, Given, Report], Parts]
    write: Callable[[Parts, Path], None]
    settings: Callable[[Given], dict[str, Any]]
    check: Callable[[str, Given, Parts], object]


def _cut_texts(sources: Sources, given: Given, report: Report) -> Parts:
    common = make_recipe("mean", "other", 0, _without(given, "model"))
    if common.labels is not None:
        raise ConfigError("labels: a comparison finds the classes in DATA; leave this setting out")
    return cut_texts(sources, common.data, common.seed, report)


def _cut_pairs(sources: Sources, given: Given, report: Report) -> Parts:
    common = make_pair_recipe("transformer", PairTexts(), _without(given, "model"))
    return cut_pairs(sources, common.data, common.seed, report)


def _of_texts(given: Given) -> dict[str, Any]:
    columns = {"text_column": "text", "label_column": "label"}
    return {**_without(given, "task", "data", "seed"), "data": columns}


def _of_pairs(given: Given) -> dict[str, Any]:
    given = merge({"translate": {"decoded_rows": _ANSWERED}}, given)
    own = make_pair_recipe("transformer", PairTexts(), _without(given, "model"))
    # said, so that whoever judges without a recipe, a baseline too, counts in the same way
    counted = {key: getattr(own.translate, key) for key in COUNTED}
    source, target = COLUMNS
    # what is absurd in all pairs was refused or left out of them
    columns = {"source_column": source, "target_column": target, "max_ratio": None}
    return merge(
        {**_without(given, "data", "seed"), "data": columns},
        {"task": "translate", "translate": counted},
    )


def _check_texts(model: str, given: Given, parts: Parts) -> None:
    texts = parts["train"].texts
    make_recipe(model, script_of(texts), len(texts), given)


def _check_pairs(model: str, given: Given, parts: Parts) -> None:
    recipe_of(model, parts["train"], given)


def _without(given: Given, *keys: str) -> dict[str, Any]:
    return {key: value for key, value in given.items() if key not in keys}


CONTESTS: dict[ComparedTask, Contest] = {
    "classify": Contest(class_tallies.METRICS, _cut_texts, write_texts, _of_texts, _check_texts),
    "translate": Contest(
        pair_tallies.METRICS,
        _cut_pairs,
        partial(write_parts, columns=COLUMNS),
        _of_pairs,
        _check_pairs,
    ),
}


def compared_task(name: object) -> ComparedTask:
    """The task of that name, if its models can be compared.

    Raises:
        ConfigError: they cannot.
    """
    for known in CONTESTS:
        if known == name:
            return known
    raise ConfigError(f"task: a comparison is of {' or '.join(CONTESTS)}; got '{name}'")


def deciding_metric(task: ComparedTask, name: str | None) -> str:
    """The metric that decides: the one that is named, or the first of the task.

    Raises:
        ConfigError: it is none by which models of the task are compared.
    """
    known = CONTESTS[task].metrics
    if name is None:
        return known[0]
    if name not in known:
        raise ConfigError(f"metric: expected {', '.join(known)}; got '{name}'")
    return name
