"""One compared task: its data, its models, how they answer and how the answers are judged."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from munjang.errors import ConfigError

if TYPE_CHECKING:
    from munjang.comparison.gather import Judge
    from munjang.comparison.plan import Job, Plan
    from munjang.comparison.results import Comparison
    from munjang.data.table import Table
    from munjang.recipe import Recipe
    from munjang.report.html import Markup
    from munjang.reporting import Report

Given = Mapping[str, Any]  # settings, nested as in config.yaml


@dataclass(frozen=True)
class Parts:
    """The data after the split.

    Attributes:
        tables: Train, valid and test, a `Table` each.
        labels: Known labels in order; empty where the targets have no names.
    """

    tables: dict[str, Any]
    labels: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Any:
        """Return one of the tables."""
        return self.tables[name]


@dataclass(frozen=True)
class Sources:
    """The data that a person gave.

    Attributes:
        data: All of it, or what is left to train on.
        valid: Chooses the best step of each network; None holds out a part of `data`.
        test: All models are judged on it; None holds out a part of `data`.
    """

    data: Any
    valid: Any = None
    test: Any = None


class Contest(ABC):
    """One compared task.

    Attributes:
        metrics: Metrics that may decide; the first is the default.
        also_shown: Further scores that the table has.
        baselines: Models without a network: name and summary.
        constant: Baselines whose answer is the same for every row.
        noun: What a row is, in words.
        refused: options of a comparison that the models cannot have, `tokenizers` or `from`, and
            why.
        network_imports: Modules whose import must not count as time of the first evaluation.
    """

    metrics: ClassVar[tuple[str, ...]]
    also_shown: ClassVar[tuple[str, ...]] = ()
    baselines: ClassVar[Mapping[str, str]]
    constant: ClassVar[frozenset[str]] = frozenset()
    noun: ClassVar[str] = "text"
    refused: ClassVar[Mapping[str, str]] = {}
    network_imports: ClassVar[tuple[str, ...]] = ("sklearn.metrics",)

    def __init__(self, task: str, input_name: str) -> None:
        self.task = task
        self.input = input_name

    @property
    def unit(self) -> Literal["tokens", "images", "rows"]:
        """Unit of a budget that is not in seconds."""
        from munjang.registry import INPUTS

        return INPUTS.require(self.input).unit

    @property
    def constant_answer(self) -> str:
        """Description of a model whose answer does not depend on the row: a verb and its object."""
        return f"gives every {self.noun} of the test part the same answer"

    def networks(self) -> tuple[str, ...]:
        """Return the names of the architectures."""
        from munjang.registry import TASKS, find_architectures

        needs = TASKS.require(self.task).needs
        return tuple(row.name for row in find_architectures(self.input, needs))

    # The data.

    def named(self, given: Given) -> dict[str, Any]:
        """Return settings that name task and input."""
        return {**given, "task": self.task, "input": self.input}

    def split(self, sources: Sources, given: Given, report: "Report") -> Parts:
        """Read the data once and cut it into train, valid and test; equal rows stay together.

        Raises:
            MunjangError: The data or a setting cannot be used.
        """
        from munjang.comparison.parts import read_sources, report_sizes
        from munjang.errors import ConfigError
        from munjang.recipe import check_given

        common = check_given(self.named(without(given, "model")))
        if common.labels is not None:
            raise ConfigError(
                "labels: a comparison finds the labels in DATA; leave this setting out"
            )
        kind, task = common.input_class, common.task_class
        table, held_out = read_sources(sources, common, report)
        least = 3 - len(held_out)
        kind.check_rows(table, least)
        task.check_rows(table, least)
        parts = self.check_parts(self.cut(table, held_out, common), table, common)
        report_sizes(parts, report)
        return parts

    def cut(
        self, table: "Table", held_out: "dict[str, Table]", recipe: "Recipe"
    ) -> "dict[str, Table]":
        """Return train, valid and test; equal rows stay together.

        Args:
            table: All rows of the data.
            held_out: Parts with files of their own.
            recipe: The settings that all models share.

        Raises:
            DataError: There are too few rows.
        """
        from munjang.comparison.parts import split_table

        share, stratify = recipe.section("data").validation_split, recipe.task_class.stratified
        return split_table(table, held_out, share, recipe.seed, stratify=stratify)

    def check_parts(self, tables: "dict[str, Table]", table: "Table", recipe: "Recipe") -> Parts:
        """Return the parts, their labels known and named alike.

        Args:
            tables: The three parts.
            table: All rows of the data.
            recipe: The settings that all models share.

        Raises:
            DataError: A given part has a label that the data lacks.
        """
        return Parts(tables)

    def digest(self, parts: Parts) -> str:
        """Return the SHA-256 of all rows, in their order."""
        from munjang.comparison.parts import digest_tables

        return digest_tables(parts)

    def write(self, parts: Parts, folder: Path) -> None:
        """Write each part as a Parquet file of inputs and targets, and the labels in order.

        Raises:
            OSError: A file cannot be written.
        """
        from munjang.comparison.parts import write_tables

        write_tables(parts, folder)

    def settings(self, given: Given, parts: Parts) -> dict[str, Any]:
        """Return the settings of every run: they read the parts; the seed is the run's own."""
        train = parts["train"]
        columns = {f"{role}_column": role for role in train.names}
        return {**self.named(without(given, "data", "seed")), "data": columns}

    def check(self, model: str, given: Given, parts: Parts) -> None:
        """Raise `ConfigError` about settings that a network of that name cannot take."""
        from munjang.config import merge
        from munjang.recipe import make_recipe

        make_recipe(merge(given, {"model": {"name": model}}), parts["train"])

    def margin_unit(self, parts: Parts) -> float:
        """Return what the default margin of a metric without a range of its own is relative to."""
        return 1.0

    # The models: in the process of a run.

    def prepare(self, folder: Path, given: Given, report: "Report") -> Any:
        """Prepare a training on the parts in a folder."""
        from munjang.preparation import prepare

        train, valid = (self.training_data(folder, name) for name in ("train", "valid"))
        return prepare(train, valid, given, report)

    def training_data(self, folder: Path, name: str) -> Any:
        """Return a part as a training reads it."""
        from munjang.comparison.stored import part_file

        return str(part_file(folder, name))

    @abstractmethod
    def fit_baseline(self, job: "Job", folder: Path) -> tuple[Any, float]:
        """Fit a baseline on the parts in a folder; return it, and the seconds that this took."""

    def inputs(self, folder: Path) -> Sequence[Any]:
        """Return the inputs of the test part, as models take them."""
        from munjang.comparison.stored import read_part

        return read_part(folder, "test").inputs

    def answer(self, model: Any) -> Callable[[Sequence[Any]], Any]:
        """Return the function of inputs to answers whose time is measured."""
        answer: Callable[[Sequence[Any]], Any] = model.predict
        return answer

    @abstractmethod
    def write_answers(self, model: Any, folder: Path, run: Path) -> dict[str, float]:
        """Answer the test part, and write the answers into the folder of the run.

        Returns:
            Scores that only this process can compute, by name.
        """

    # The results.

    @abstractmethod
    def judge(self, plan: "Plan", folder: Path) -> "Judge":
        """Return the judge of the comparison in a folder."""

    def sections(self, comparison: "Comparison") -> "list[Markup]":
        """Return the sections of the page below table and curves."""
        return []

    def notes(self, comparison: "Comparison") -> list[str]:
        """Return notes below the table."""
        return []

    def deciding_metric(self, name: str | None) -> str:
        """Return the metric of that name, or the default.

        Raises:
            ConfigError: Models of the task are not compared by it.
        """
        if name is None:
            return self.metrics[0]
        if name not in self.metrics:
            raise ConfigError(f"metric: expected {', '.join(self.metrics)}; got '{name}'")
        return name


def without(given: Given, *keys: str) -> dict[str, Any]:
    """Return the settings without some sections."""
    return {key: value for key, value in given.items() if key not in keys}
