"""Base of tasks without labels, whose targets are texts."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from torch import nn

from munjang.data.dataset import Dataset
from munjang.data.table import Table
from munjang.tasks.task import RunSettings


class UnlabeledTask:
    """A task that fits nothing of its own to the data. A subclass implements `restore`."""

    labels: ClassVar[tuple[str, ...]] = ()
    has_labels: ClassVar[bool] = False
    stratified: ClassVar[bool] = False

    @classmethod
    def defaults(cls, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return no defaults of its own: those of the input depend on the task."""
        return {}

    @classmethod
    def reader(cls, recipe: RunSettings) -> None:
        """Return None: no column holds labels; the input reads what is learned."""
        return

    @classmethod
    def check_rows(cls, rows: Table, least: int) -> None:
        """Accept any."""

    @classmethod
    def fit(cls, train: Table, whole: Table, recipe: RunSettings) -> Self:
        """Return the task for its settings."""
        return cls.restore(recipe)

    @classmethod
    def restore(cls, recipe: RunSettings) -> Self:
        """Return the task of a model folder."""
        raise NotImplementedError

    def finalize(self, network: nn.Module, data: Dataset) -> Self:
        """Return the task as it is: nothing is tuned."""
        return self

    def state(self) -> dict[str, Any]:
        """Return an empty mapping: nothing is fitted."""
        return {}
