"""From data to what a training loop takes: read, check, split, fit, encode; once for every input."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

from munjang.data.dataset import Dataset
from munjang.data.splits import split
from munjang.data.table import Table
from munjang.inputs.input import Encoded, Input
from munjang.network import build_network
from munjang.pretrained.word_vectors import Pretrained, open_pretrained
from munjang.recipe import Recipe, check_given, make_recipe, named_input, named_task
from munjang.registry import INPUTS, inputs_of
from munjang.reporting import Report
from munjang.tasks.task import SolvesLinearModel, Task
from munjang.training.fingerprints import compute_fingerprint


@dataclass(frozen=True)
class Prepared:
    """Everything that stands before the first step.

    Attributes:
        recipe: complete, with what was inferred from the data.
        input: fitted on the training part.
        task: fitted on the training part.
        encoded: the training part and the validation part, by `train` and `valid`.
        train: the training part with its targets.
        valid: the validation part with its targets.
        facts: what was counted on the way, for `metrics.json`.
        pretrained: what weights begin from; None if they are random.
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
        """Fingerprint of the recipe, without how it is run, and of all that was made of the data."""
        recipe = self.recipe.to_dict()
        if self.pretrained is not None:
            recipe["pretrained"]["vectors"] = (
                self.pretrained.fingerprint
            )  # wherever the file lies now
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
        """Return a fresh network that has not looked at any data, from torch's generator."""
        return build_network(self.recipe, self.task, self.input.size)

    def network(self) -> nn.Module:
        """Return a fresh network, from torch's generator, ready for the first step."""
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
) -> Prepared:
    """Read, check, split, fit and encode.

    Args:
        data: of the `read` of the input, such as `munjang.data.readers.read.read_table`.
        valid: likewise, or None to hold out a part of `data`.
        given: the user's settings, nested as in `config.yaml`.
        report: takes lines for people.
        vectors: pretrained word vectors in memory, or their path; those of `given` if omitted.

    Raises:
        MunjangError: the data or a setting cannot be used.
    """
    given = settle_input(given, data, report)
    source, given = open_pretrained(vectors, given)
    asked = check_given(given)
    kind, learned = asked.input_class, asked.task_class
    rows = kind.read(data, asked, learned.reader(asked), report)
    recipe = make_recipe(given, rows)
    least = 1 if valid is not None else 2
    kind.check_rows(rows, least)
    learned.check_rows(rows, least)
    if valid is not None:
        parts = {"train": rows, "valid": kind.read(valid, recipe, learned.reader(recipe), report)}
    else:
        parts = _hold_out(rows, recipe)
    task = learned.fit(parts["train"], rows, recipe)
    for line in task.remarks(parts["train"]):
        report(line)
    fitted = kind.fit(parts["train"], recipe)
    task = task.with_input(fitted)
    both = fitted.encode_parts(parts)
    encoded = {name: part for name, (part, _) in both.items()}
    facts = fitted.facts(parts, encoded)
    pretrained = None if source is None else source.find(recipe, fitted)
    lines = fitted.fact_lines(facts)
    if pretrained is not None:
        facts["vectors"] = pretrained.facts(encoded)
        lines += pretrained.fact_lines(facts["vectors"])
    for line in lines:
        report(line)
    train, held_out = (task.dataset(*both[name]) for name in ("train", "valid"))
    return Prepared(recipe, fitted, task, encoded, train, held_out, facts, pretrained)


def settle_input(given: Mapping[str, Any], data: Any, report: Report) -> dict[str, Any]:
    """Return the user's settings with the name of the input: named, or inferred and reported."""
    named = named_input(given).name
    if given.get("input") is None:
        for row in INPUTS.rows:
            if row.name != named and row.load().accepts(data):
                inferred = _accepting(given, row.name)
                if inferred is not None:
                    report(f"input: {row.name} (inferred from the data)")
                    return inferred
    return {**given, "input": named}


def _accepting(given: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    """Return the settings with that input, if the task that they name works on it."""
    if name not in [row.name for row in inputs_of(named_task(given))]:
        return None
    return {**given, "input": name}


def _hold_out(rows: Table, recipe: Recipe) -> dict[str, Table]:
    share, stratify = recipe.section("data").validation_split, recipe.task_class.stratified
    parts = split(rows, valid=share, seed=recipe.seed, stratify=stratify)
    return {"train": rows.take(parts.train), "valid": rows.take(parts.valid)}
