"""Images: one class each. Classes, losses and scores are those of `classify`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import polars as pl
from torch import Tensor, nn

from munjang.data.labels import count_labels, require_labels
from munjang.data.readers.values import ReadLabels
from munjang.data.table import Table
from munjang.errors import DataError
from munjang.tasks.class_answers import ImageAnswer
from munjang.tasks.classify import Classify, ClassifySettings, ClassScorer
from munjang.tasks.judged import JudgedByLogits
from munjang.tasks.task import Bools, Card, Floats, Ints
from munjang.telling import counted


@dataclass(frozen=True)
class Images(JudgedByLogits):
    """The task: what the classes are called and how a guess is judged.

    Attributes:
        classes: the classification that it is, once images have become vectors.
    """

    classes: Classify
    stratified: ClassVar[bool] = True

    @property
    def labels(self) -> tuple[str, ...]:
        """Class names in order; the place is the class number."""
        return self.classes.labels

    @property
    def outputs(self) -> int:
        """Logits of the head."""
        return self.classes.outputs

    @classmethod
    def reader(cls, settings: ClassifySettings) -> ReadLabels:
        """One name an image."""
        return Classify.reader(settings)

    @classmethod
    def check(cls, table: Table, least: int) -> None:
        """Two classes or more, each with different images enough for every part.

        Raises:
            DataError: naming the class, and one of its files.
        """
        labels = require_labels(table)
        counts = count_labels(labels)
        if len(counts) < 2:
            raise table.error(
                0,
                f"expected at least two classes, but all {len(table):,} images are of the class "
                f"{next(iter(counts))!r}; each class is a subfolder of its own",
            )
        _refuse_contradictions(table, labels)
        different = count_labels(pl.DataFrame([table.texts, labels]).unique()[labels.name])
        label, count = min(different.items(), key=lambda pair: (pair[1], pair[0]))
        if count < least:
            raise table.error(
                labels.to_list().index(label),
                f"the class {label!r} has {counted(count, 'different image')}, but "
                f"each class needs at least {least}, one for each part of the split: add images, "
                "drop the class, or give the images to validate on with --valid",
            )

    @classmethod
    def fit(
        cls, train: Table, whole: Table, settings: ClassifySettings, known: Sequence[str] | None
    ) -> Self:
        """Names and weights of the classes of the training part."""
        return cls(Classify.fit(train, whole, settings, known))

    @classmethod
    def restore(cls, settings: ClassifySettings, labels: Sequence[str]) -> Self:
        """As it was; weights are for training alone."""
        return cls(Classify.restore(settings, labels))

    def remarks(self, train: Table) -> list[str]:
        """How many classes, since nobody has named them."""
        return [f"{len(self.labels)} classes: {_few(self.labels)}"]

    def targets(self, table: Table) -> Ints:
        """Class numbers [images].

        Raises:
            DataError: a class was never seen in training; its first file is named.
        """
        return self.classes.targets(table)

    def network(self, encoder: nn.Module) -> nn.Module:
        """A fresh head on an encoder of images."""
        return self.classes.network(encoder)

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The training loss of a batch: a scalar, in nats."""
        return self.classes.loss(logits, targets)

    def scorer(self, targets: Ints) -> ClassScorer:
        """Judges against class numbers [images]."""
        return self.classes.scorer(targets)

    def answers(self, logits: Tensor, truncated: Bools) -> list[ImageAnswer]:
        """The likeliest class of each image; no image is cut, so `truncated` says nothing."""
        return [
            ImageAnswer(one.label, one.probability, one.labels, one.row)
            for one in self.classes.answers(logits, truncated)
        ]

    def probabilities(self, logits: Tensor) -> Floats:
        """Logits [images, outputs] to probabilities [images, classes] that sum to 1."""
        return self.classes.probabilities(logits)

    def learned(self) -> dict[str, Any]:
        """The names of the classes."""
        return self.classes.learned()

    def card(self, scores: Mapping[str, Any]) -> Card:
        """Classes, and the figures of each."""
        return replace(
            self.classes.card(scores),
            kind="image classifier",
            limits="It always answers with one of the classes above,\nalso for an image of none of "
            "them.",
        )


def _refuse_contradictions(table: Table, labels: pl.Series) -> None:
    """The same image in two classes teaches nothing, and a split could not deal with it."""
    rows = pl.DataFrame({"image": table.texts, "class": labels}).with_row_index("row")
    found = rows.group_by("image").agg(pl.col("row"), pl.col("class"))
    torn = found.filter(pl.col("class").list.n_unique() > 1)
    if torn.is_empty():
        return
    first = min(torn.iter_rows(named=True), key=lambda one: min(one["row"]))
    place = first["row"][0]
    other = next(r for r, c in zip(first["row"], first["class"], strict=True) if c != labels[place])
    more = f" ({len(torn) - 1:,} more such images)" if len(torn) > 1 else ""
    raise DataError(
        f"the same image stands in another class as {table.place(other)[0]}{more}; leave it in one",
        file=table.place(place)[0],
    )


def _few(labels: Sequence[str]) -> str:
    return ", ".join(labels[:12]) + (", ..." if len(labels) > 12 else "")
