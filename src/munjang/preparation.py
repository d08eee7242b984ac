"""Preparation of a training, for every input: read, check, split, fit and encode."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, cast, runtime_checkable

from torch import nn

from munjang.baselines.kneser_ney import KneserNey
from munjang.data.dataset import Dataset
from munjang.data.streams.dataset import StreamDataset
from munjang.data.table import Table
from munjang.errors import ConfigError
from munjang.folder.workspace import Workspace
from munjang.inputs.input import Encoded, Input
from munjang.network import build_network
from munjang.pretrained.sources import Pretrained, PretrainedSource, open_pretrained
from munjang.recipe import (
    Recipe,
    check_given,
    make_recipe,
    named_input,
    named_task,
    section_of,
)
from munjang.registry import ENGINES, INPUTS, TASK_ALIASES, InputRow, find_architectures, inputs_of
from munjang.reporting import Report, pluralize, stage
from munjang.tasks.task import ComparesWithNgrams, SolvesLinearModel, Task
from munjang.text.columns import Int32s
from munjang.training.fingerprints import compute_fingerprint


@runtime_checkable
class FollowsVocabulary(Protocol):
    """Settings of an architecture some of whose sizes follow from the vocabulary."""

    def for_vocabulary(self, tokens: Sequence[str]) -> Any:
        """Return the settings for a vocabulary, [size] strings in the order of their ids."""


@runtime_checkable
class FollowsTokens(Protocol):
    """Settings of an architecture some of whose sizes follow from the tokens of running text."""

    def for_tokens(self, ids: Int32s) -> Any:
        """Return the settings for a training text of these tokens, [tokens]."""


@dataclass(frozen=True)
class Prepared:
    """Everything that a training needs before its first step.

    Attributes:
        recipe: complete, with what was inferred from the data.
        input: fitted on the training part.
        task: fitted on the training part.
        encoded: the training part and the validation part, by `train` and `valid`.
        train: the training part with its targets.
        valid: the validation part with its targets.
        facts: statistics of the data, for `metrics.json`.
        pretrained: pretrained initial weights; None if all are random.
    """

    recipe: Recipe
    input: Input
    task: Task
    encoded: Mapping[str, Encoded]
    train: Dataset
    valid: Dataset
    facts: dict[str, Any]
    pretrained: Pretrained | None = None

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the recipe, without settings of the process, and of the encoded data."""
        recipe = self.recipe.to_dict()
        if self.pretrained is not None:
            # the content rather than the path, as file and folder may be moved
            recipe["pretrained"][self.pretrained.setting] = self.pretrained.fingerprint
        targets = {"training part": self.train.targets, "validation part": self.valid.targets}
        return compute_fingerprint(
            recipe,
            {
                **self.input.fingerprint(self.encoded),
                "set of labels": [self.task.state()],
                **{f"labels of the {name}": [t] for name, t in targets.items() if t is not None},
            },
        )

    def bare_network(self) -> nn.Module:
        """Return a network with random weights of torch's generator, unprepared for the data."""
        return build_network(self.recipe, self.task, self.input.size)

    def network(self) -> nn.Module:
        """Return a network with weights of torch's generator, ready for the first step."""
        network = self.bare_network()
        solve = self.task.solve if isinstance(self.task, SolvesLinearModel) else None
        self.input.prepare_network(network, self.encoded, self.train, solve)
        if self.pretrained is not None:
            self.pretrained.apply(network)
        return network


def prepare(
    data: Any,
    valid: Any,
    given: Mapping[str, Any],
    report: Report,
    *,
    vectors: Any = None,
    from_folder: Any = None,
    source: PretrainedSource | None = None,
    workspace: Workspace | None = None,
) -> Prepared:
    """Prepare a training: read, check, split, fit and encode.

    Args:
        data: as the input reads it; see `munjang.inputs.input.Input.read`.
        valid: validation data, or None to hold out a part of `data`.
        given: the user's settings, nested as in `config.yaml`.
        report: called with lines for people.
        vectors: pretrained word vectors in memory, or their path; those of `given` if omitted.
        from_folder: model folder to begin from, or its model; the one of `given` if omitted.
        source: the opened source of initial weights, if `given` is what `open_pretrained` gave.
        workspace: place for files that are needed until the model is saved; temporary if omitted.

    Raises:
        MunjangError: the data or a setting cannot be used.
    """
    given = choose_input(given, data, report)
    if source is None:
        source, given = open_pretrained(given, vectors=vectors, folder=from_folder)
    checked = check_given(given)
    ENGINES.require(checked.training.engine).require_package()
    if checked.distillation is not None:
        raise ConfigError(
            "distillation: teachers are learned from by munjang distil; leave this section out"
        )
    input_class, task_class = checked.input_class, checked.task_class
    place = workspace or Workspace()
    rows = input_class.read_training(data, checked, task_class.reader(checked), report, place)
    if valid is None:
        return prepare_rows(rows, given, source, report)

    def read_validation(recipe: Recipe) -> Any:
        return input_class.read_validation(valid, recipe, task_class.reader(recipe), report, place)

    return prepare_rows(rows, given, source, report, read_validation)


def prepare_rows(
    rows: Any,
    given: Mapping[str, Any],
    source: PretrainedSource | None,
    report: Report,
    read_validation: Callable[[Recipe], Any] | None = None,
) -> Prepared:
    """Prepare a training on rows that are read already: check, split, fit and encode.

    Args:
        rows: what the input read.
        given: the user's settings, with the name of the input.
        source: pretrained weights; None if all are random.
        report: called with lines for people.
        read_validation: reads the rows to validate on; None holds out a part of `rows`.

    Raises:
        MunjangError: the rows or a setting cannot be used.
    """
    recipe = make_recipe(given, rows)
    input_class, task_class = recipe.input_class, recipe.task_class
    least = 2 if read_validation is None else 1
    input_class.check_rows(rows, least)
    task_class.check_rows(rows, least)
    if read_validation is not None:
        parts = {"train": rows, "valid": read_validation(recipe)}
    else:
        parts = input_class.hold_out(rows, recipe)
    task = task_class.fit(parts["train"], rows, recipe)
    return prepare_parts(recipe, task, parts, source, report)


def prepare_parts(
    recipe: Recipe,
    task: Any,
    parts: Mapping[str, Table],
    source: PretrainedSource | None,
    report: Report,
) -> Prepared:
    """Fit the input on the training part, and encode both parts.

    Args:
        recipe: complete.
        task: fitted.
        parts: rows to train on and to validate on, by `train` and `valid`.
        source: pretrained weights; None if all are random.
        report: called with lines for people.
    """
    input_class = recipe.input_class
    fit = input_class.fit if source is None else source.fit_input
    recipe, fitted = _follow_vocabulary(recipe, fit(parts["train"], recipe))
    task = task.with_input(fitted)
    for line in task.remarks(parts["train"]):
        report(line)
    encoded_parts = fitted.encode_parts(parts)
    encoded = {name: part for name, (part, _) in encoded_parts.items()}
    recipe, fitted = _follow_tokens(recipe, fitted, encoded)
    if isinstance(task, ComparesWithNgrams) and task.ngram_orders:
        task = task.with_ngrams(_fit_ngrams(task.ngram_orders, encoded, fitted.size))
    facts = fitted.facts(parts, encoded)
    pretrained = None if source is None else source.find(recipe, fitted, task)
    lines = fitted.fact_lines(facts)
    if pretrained is not None:
        initial = pretrained.facts(encoded)
        facts |= initial
        lines += pretrained.fact_lines(initial)
    for line in dict.fromkeys(lines):  # a checkpoint has told some of them
        report(line)
    datasets = {name: task.dataset(*part) for name, part in encoded_parts.items()}
    return Prepared(
        recipe, fitted, task, encoded, datasets["train"], datasets["valid"], facts, pretrained
    )


def _follow_vocabulary(recipe: Recipe, fitted: Any) -> tuple[Recipe, Any]:
    """Return recipe and input with the sizes of the model that follow from the vocabulary."""
    model: Any = recipe.model
    if not isinstance(model, FollowsVocabulary):
        return recipe, fitted
    return _with_model(recipe, fitted, model.for_vocabulary(fitted.tokenizer.vocabulary.tokens))


def _follow_tokens(
    recipe: Recipe, fitted: Any, encoded: Mapping[str, Encoded]
) -> tuple[Recipe, Any]:
    """Return recipe and input with the sizes of the model that follow from the training text."""
    model: Any = recipe.model
    if not isinstance(model, FollowsTokens):
        return recipe, fitted
    return _with_model(recipe, fitted, model.for_tokens(_stream_ids(encoded["train"])))


def _with_model(recipe: Recipe, fitted: Any, model: Any) -> tuple[Recipe, Any]:
    """Return recipe and input with other settings of the model."""
    recipe = recipe.model_copy(update={"model": model})
    return recipe, replace(fitted, recipe=recipe)


def _stream_ids(encoded: Encoded) -> Int32s:
    """Return the tokens of running text."""
    return cast(StreamDataset, encoded.dataset()).ids


def _fit_ngrams(orders: Sequence[int], encoded: Mapping[str, Encoded], size: int) -> KneserNey:
    """Return the n-gram model of the training stream whose order is best for validation."""
    train, valid = (_stream_ids(encoded[key]) for key in ("train", "valid"))
    with stage(f"counting n-grams of {pluralize(len(train), 'token')}"):
        return KneserNey.fit_best(train, valid, size, orders)


def choose_input(given: Mapping[str, Any], data: Any, report: Report) -> dict[str, Any]:
    """Return the user's settings with the name of the input: named, or inferred and reported."""
    named = named_input(given)
    if given.get("input") is not None or given.get("task") in TASK_ALIASES:
        return {**given, "input": named.name}
    reading = {k: v for k, v in section_of(given, "data").items() if v is not None}
    known = _settings_of(named)
    others = [
        row for row in INPUTS.rows if row is not named and reading.keys() <= _settings_of(row)
    ]
    unknown = next((key for key in reading if key not in known), None)
    for row in others:
        if unknown is None and not row.load().accepts(data, reading):
            continue
        inferred = _with_input(given, row.name)
        if inferred is not None:
            reason = "the data" if unknown is None else f"data.{unknown}"
            report(f"input: {row.name} (inferred from {reason})")
            return inferred
    return {**given, "input": named.name}


def _settings_of(row: InputRow) -> set[str]:
    """Return the names of an input's settings of reading."""
    return set(row.load().sections["data"].model_fields)


def _with_input(given: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    """Return the settings with that input, if their task and their model work on it."""
    task, model = named_task(given), section_of(given, "model").get("name")
    if name not in [row.name for row in inputs_of(task)]:
        return None
    if model is not None and model not in [a.name for a in find_architectures(name, task.needs)]:
        return None
    return {**given, "input": name}
