"""Similarity of two texts: one encoder reads each of them, and the cosine of both vectors answers.

Reimers and Gurevych (2019), "Sentence-BERT: Sentence embeddings using Siamese BERT-networks". Each
text has a vector of its own, so that a model embeds a million texts once and finds the nearest by
products of vectors. Use `regress` or `classify` on two texts instead if every pair is asked for
itself and vectors are not needed: a network that reads both texts together answers better.

    cosine               (cosine - (number - lowest) / (highest - lowest))^2
    in_batch_negatives   -log softmax_j(scale * cosine(first_i, second_j))[i], and the reverse

The second loss (Henderson et al. 2017, "Efficient natural language response suggestion") needs only
pairs that mean the same: the other texts of a batch are what they are told apart from.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol, Self, runtime_checkable

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import Tensor, nn

from munjang.config import Settings, merge
from munjang.data.dataset import AnyBatch, Dataset
from munjang.data.labels import require_labels
from munjang.data.readers.targets import clean_numbers
from munjang.data.readers.values import ReadLabels
from munjang.data.table import Table
from munjang.errors import ConfigError, DataError
from munjang.models.vectors import VectorPooling
from munjang.registry import ARCHITECTURES
from munjang.tasks.explained import ExplainedScores, arguments_of
from munjang.tasks.heads import Towers, TwoTowers
from munjang.tasks.inference import device_of, evaluating
from munjang.tasks.memory_check import require_memory
from munjang.tasks.shared_loss import MeanLoss
from munjang.tasks.similarity_scores import (
    PartnerScores,
    SimilarityScores,
    score_cosines,
    score_partners,
)
from munjang.tasks.task import Bools, Card, Encoded, Floats, RunSettings
from munjang.tasks.vectors import Vectors

# Rows per batch in evaluation.
_BATCH_ROWS = 256
# Random vectors of terms keep the cosines of counted terms only if they are wide: `mean` with few
# dimensions, which suffice for classes, is far below. See docs/embed.md.
_BY_MODEL: dict[str, dict[str, Any]] = {
    "mean": {
        "model": {"dim": 256, "ngram_buckets": 2**16},
        "training": {"batch_size": 64, "embedding_learning_rate": 0.005},
    },
}


class SimilaritySettings(Settings):
    """Settings of the task `similarity`."""

    loss: Literal["cosine", "in_batch_negatives"] = Field(
        "cosine",
        description="cosine: pairs have numbers; in_batch_negatives: pairs mean the same",
    )
    pooling: VectorPooling | None = Field(
        None,
        description="pooling of the vectors: mean, first or max of the states, or pooled, the "
        "encoder's own; mean if omitted, pooled without states",
    )
    lowest: float | None = Field(
        None,
        ge=-1e30,
        le=1e30,
        description="number of pairs with cosine 0; that of the training part if omitted",
    )
    highest: float | None = Field(
        None,
        ge=-1e30,
        le=1e30,
        description="number of pairs with cosine 1; that of the training part if omitted",
    )
    scale: float = Field(
        20.0, gt=0, le=1000, description="factor of the cosines in in_batch_negatives"
    )
    threshold: float | None = Field(
        None,
        ge=-1e30,
        le=1e30,
        description="in_batch_negatives: a pair means the same from this number on; all pairs do, "
        "and no numbers are read, if omitted",
    )

    @model_validator(mode="after")
    def _check_range(self) -> Self:
        if self.lowest is not None and self.lowest == self.highest:
            raise ValueError("highest: expected another number than lowest")
        if self.threshold is not None and self.loss == "cosine":
            raise ValueError("threshold: is for the loss in_batch_negatives; leave it out")
        return self

    @property
    def reads_numbers(self) -> bool:
        """True if the pairs have a column of numbers."""
        return self.loss == "cosine" or self.threshold is not None


@runtime_checkable
class HasTowers(Protocol):
    """Encoded rows of two texts."""

    @property
    def truncated_alone(self) -> Bools:
        """True for each row of which a text was truncated, [rows]."""

    def towers(self, targets: Any = None) -> Dataset:
        """Return both texts side by side, with their targets or without."""


@dataclass(frozen=True)
class SimilarityAnswer:
    """The similarity of one pair.

    Attributes:
        cosine: cosine of the vectors of both texts, -1 to 1.
        value: the number that it stands for, in the unit of the training data; None if the model
            was trained without numbers.
        truncated: True if a text was longer than the model reads and its end was ignored.
    """

    cosine: float
    value: float | None = None
    truncated: bool = False

    def lines(self, row: int, text: str) -> list[list[str]]:
        """Return the cosine, the number if there is one, and the texts."""
        numbers = [self.cosine] if self.value is None else [self.value, self.cosine]
        return [[*(f"{number:.4f}" for number in numbers), text]]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        value = {} if self.value is None else {"value": self.value}
        return {**value, "cosine": self.cosine, "truncated": self.truncated}


@dataclass(frozen=True)
class Similarity(MeanLoss):
    """The task `similarity`.

    Attributes:
        lowest: number of pairs with cosine 0.
        highest: number of pairs with cosine 1.
        settings: loss and pooling.
    """

    lowest: float = 0.0
    highest: float = 1.0
    settings: SimilaritySettings = field(default_factory=SimilaritySettings)
    labels: ClassVar[tuple[str, ...]] = ()
    has_labels: ClassVar[bool] = False
    stratified: ClassVar[bool] = False
    sections: ClassVar[Mapping[str, type[Settings]]] = {"similarity": SimilaritySettings}

    @classmethod
    def check_recipe(cls, recipe: RunSettings) -> None:
        """Refuse labels, ensembles, linear models, and metrics that the loss does not have."""
        if recipe.labels is not None:
            raise ValueError("labels: the task similarity has no labels; leave them out")
        for key, alone in (("ensemble_size", 1), ("linear_weight", 0)):
            if getattr(recipe.model, key, alone) != alone:
                raise ValueError(
                    f"model.{key}: the task similarity trains one network; leave it out"
                )
        metric = recipe.section("training").metric
        known = metrics_of(recipe.section("similarity"))
        if metric not in known:
            raise ValueError(
                f"training.metric: with similarity.loss {recipe.section('similarity').loss} "
                f"it should be {' or '.join(known)}, got {metric}"
            )

    @classmethod
    def defaults(cls, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what suits vectors of an architecture, and a metric that the pairs have."""
        section = given.get("similarity")
        settings = SimilaritySettings.parse(section or {}, where="similarity")
        metric = {} if settings.reads_numbers else {"training": {"metric": "mrr"}}
        name = str(given["model"]["name"])
        row = ARCHITECTURES.find(name)
        parts = {} if row is None else getattr(row.config_class(), "pooled_parts", {})
        # only the encoder's own pooled vector has the bag of n-grams
        is_unused = "bag" in parts and settings.pooling != "pooled"
        bag = {"model": {"bag_dim": 0}} if is_unused else {}
        return merge(merge(_BY_MODEL.get(name, {}), bag), metric)

    @classmethod
    def reader(cls, recipe: RunSettings) -> ReadLabels | None:
        """Return the reader of a finite number per row; None if pairs only mean the same."""
        return clean_numbers if recipe.section("similarity").reads_numbers else None

    @classmethod
    def check_rows(cls, rows: Table, least: int) -> None:
        """Refuse numbers that are all equal."""
        numbers = rows.targets
        if numbers is not None and numbers.n_unique() == 1:
            raise DataError(
                f"expected numbers that differ in column {rows.target_name!r}, but all "
                f"{len(rows):,} pairs have {numbers[0]:g}; for pairs that all mean the same set "
                "similarity.loss to in_batch_negatives",
                file=rows.files[0],
            )

    @classmethod
    def fit(cls, train: Table, whole: Table, recipe: RunSettings) -> Self:
        """Return the task with the range of the numbers, unless it is set.

        Raises:
            DataError: a number is outside the range that is set.
        """
        settings: SimilaritySettings = recipe.section("similarity")
        if not settings.reads_numbers:
            return cls.restore(recipe)
        numbers = require_labels(train).to_numpy()
        lowest = float(numbers.min()) if settings.lowest is None else settings.lowest
        highest = float(numbers.max()) if settings.highest is None else settings.highest
        if lowest == highest:
            raise ConfigError(
                f"similarity.lowest and similarity.highest are both {lowest:g}; set them to the "
                "numbers of the least and the most similar pairs"
            )
        outside = (numbers < min(lowest, highest)) | (numbers > max(lowest, highest))
        if outside.any():
            row = int(outside.argmax())
            raise train.error(
                row,
                f"expected a number from {min(lowest, highest):g} to {max(lowest, highest):g} "
                f"(similarity.lowest, similarity.highest), got {numbers[row]:g}",
            )
        return cls(lowest, highest, settings)

    @classmethod
    def restore(cls, recipe: RunSettings) -> Self:
        """Return the task of a model folder."""
        settings: SimilaritySettings = recipe.section("similarity")
        lowest = 0.0 if settings.lowest is None else settings.lowest
        highest = 1.0 if settings.highest is None else settings.highest
        return cls(lowest, highest, settings)

    def with_input(self, fitted: Any) -> Self:
        """Return the task as it is."""
        return self

    def remarks(self, train: Table) -> list[str]:
        """Return range and mean of the numbers, which show a wrong column."""
        if train.targets is None:
            return ["no numbers are read: every pair counts as one that means the same"]
        numbers = train.targets.to_numpy()
        lines = [
            f"numbers from {numbers.min():g} to {numbers.max():g}, mean {numbers.mean():.4g}; "
            f"cosine 0 stands for {self.lowest:g}, cosine 1 for {self.highest:g}"
        ]
        threshold = self.settings.threshold
        if threshold is not None:
            same = int((self._scale(numbers) >= self._scale(threshold)).sum())
            lines.append(f"{same:,} of {len(train):,} pairs mean the same")
        return lines

    def _scale(self, numbers: Any) -> Any:
        """Return numbers, of any form, in units of cosines."""
        return (numbers - self.lowest) / (self.highest - self.lowest)

    def dataset(self, encoded: Encoded, rows: Table) -> Dataset:
        """Return both texts of each pair side by side, with the numbers [rows].

        Pairs without numbers have 1.
        """
        if self.settings.reads_numbers:
            return _with_towers(encoded).towers(require_labels(rows).to_numpy())
        return _with_towers(encoded).towers(np.ones(len(rows)))

    def network(self, body: nn.Module) -> nn.Module:
        """Return the encoder as both towers."""
        return TwoTowers(body, self.settings.pooling)

    def loss(self, outputs: Towers, targets: Tensor) -> Tensor:
        """Return the mean loss of a batch, a scalar.

        Args:
            outputs: vectors of both texts.
            targets: numbers [batch] in the user's unit.
        """
        if self.settings.loss == "cosine":
            cosines = outputs.cosines()
            return F.mse_loss(cosines, self._scale(targets).to(cosines.dtype))
        threshold = self.settings.threshold
        same = torch.ones_like(targets, dtype=torch.bool)
        if threshold is not None:
            same = self._scale(targets) >= self._scale(threshold)
        return in_batch_negatives_loss(outputs, same, self.settings.scale)

    @property
    def unshared(self) -> str:
        """Why workers cannot share a batch; "" if they can."""
        if self.settings.loss == "cosine":
            return ""
        return (
            "similarity.loss: in_batch_negatives compares each pair with all others of its batch; "
            "set it to cosine"
        )

    def validate(self, network: nn.Module, data: Dataset) -> SimilarityScores | PartnerScores:
        """Return scores on all of `data`."""
        return self.evaluate(network, data)

    def evaluate(self, network: nn.Module, data: Dataset) -> SimilarityScores | PartnerScores:
        """Return correlations with the numbers, or, without numbers, ranks of the partners."""
        if not self.settings.reads_numbers:
            return score_partners(*compute_towers(network, data))
        assert data.targets is not None
        unit = abs(self.highest - self.lowest) if self.settings.loss == "cosine" else None
        return score_cosines(compute_cosines(network, data), self._scale(data.targets), unit)

    def _answers(self, cosines: Floats) -> Floats | None:
        """Return the numbers that cosines stand for; None if the loss does not relate them."""
        if self.settings.loss != "cosine":
            return None
        return self.lowest + (self.highest - self.lowest) * cosines

    def finalize(self, network: nn.Module, data: Dataset) -> Self:
        """Return the task as it is: nothing is tuned."""
        return self

    def state(self) -> dict[str, Any]:
        """Return the range of the numbers."""
        if not self.settings.reads_numbers:
            return {}
        return {"similarity": {"lowest": self.lowest, "highest": self.highest}}

    def answers(
        self, network: nn.Module, encoded: Encoded, **options: Any
    ) -> Sequence[SimilarityAnswer]:
        """Return the similarity of each pair.

        Raises:
            ConfigError: an option that the task does not have.
        """
        if options:
            raise ConfigError(
                f"{next(iter(options))}: expected a model that generates text (task translate)"
            )
        rows = _with_towers(encoded)
        cosines = compute_cosines(encoded.adapt(network), rows.towers())
        values = self._answers(cosines)
        numbers = [None] * len(cosines) if values is None else values.tolist()
        return [
            SimilarityAnswer(cosine, number, bool(is_cut))
            for cosine, number, is_cut in zip(
                cosines.tolist(), numbers, rows.truncated_alone, strict=True
            )
        ]

    def explain_scores(
        self, network: nn.Module, sides: Sequence[Tensor], wanted: str | None
    ) -> ExplainedScores:
        """Return the cosine of one pair as the score; see `ExplainsScores`.

        Raises:
            ConfigError: a class is asked for.
        """
        if wanted is not None:
            raise ConfigError("class: a model of similarity has no classes; leave it out")

        def compute(network: nn.Module, ids: Sequence[Tensor], places: Sequence[Tensor]) -> Tensor:
            towers: Towers = network(*arguments_of(ids))
            return towers.cosines().float()[:, None]

        with evaluating(network), torch.no_grad():
            cosine = float(compute(network, sides, sides)[0, 0])
        value = self._answers(np.array([cosine]))
        answer = f"{cosine if value is None else float(value[0]):.4g}"
        return ExplainedScores(answer, ("cosine of both texts",), compute)

    def card(self, scores: Mapping[str, Any], noun: str) -> Card:
        """Return what cosines stand for."""
        about = "The similarity of two texts is the cosine of their vectors, one vector per text."
        if self.settings.loss == "cosine" and scores:
            about += f"\nCosine 0 stands for {self.lowest:g}, cosine 1 for {self.highest:g}."
        details = ""
        if "mrr" in scores:
            details = (
                "The mean reciprocal rank is that of each text's partner among all texts of the "
                "other column."
            )
        return Card(
            kind="model of sentence vectors",
            about=about,
            details=details,
            limits="Similar vectors mean similar\ntexts only for texts like those in training.",
        )


def metrics_of(settings: SimilaritySettings) -> tuple[str, ...]:
    """Return the metrics that a loss has."""
    if settings.loss == "cosine":
        return "spearman", "pearson", "rmse"
    return ("spearman", "pearson") if settings.reads_numbers else ("mrr", "accuracy")


def in_batch_negatives_loss(outputs: Towers, same: Tensor, scale: float) -> Tensor:
    """Return the mean cross-entropy of finding each partner in the batch, both ways; a scalar.

    A text that equals the partner is no negative: it would be right, too.

    Args:
        outputs: vectors of both texts of each pair.
        same: True for pairs that mean the same [batch]; the texts of the others are negatives only.
        scale: factor of the cosines.
    """
    if not bool(same.any()):
        return (outputs.first.sum() + outputs.second.sum()) * 0.0
    cosines = outputs.first @ outputs.second.T * scale
    ways = ((cosines, outputs.second_keys), (cosines.T, outputs.first_keys))
    losses = [_partner_loss(scores, keys)[same] for scores, keys in ways]
    return torch.cat(losses).mean()


def _partner_loss(scores: Tensor, keys: Tensor) -> Tensor:
    """Return the cross-entropy of candidate i for query i, [batch].

    Args:
        scores: scaled cosines [queries, candidates].
        keys: equal numbers for equal candidates, [candidates].
    """
    partners = torch.arange(len(keys), device=keys.device)
    repeats = (keys[:, None] == keys[None]) & (partners[:, None] != partners[None])
    return F.cross_entropy(scores.masked_fill(repeats, -math.inf), partners, reduction="none")


def _with_towers(encoded: Encoded) -> HasTowers:
    if not isinstance(encoded, HasTowers):
        raise ConfigError("input: the task similarity needs two texts per row")
    return encoded


def _outputs(network: nn.Module, data: Dataset) -> Iterator[tuple[AnyBatch, Towers]]:
    device = device_of(network)
    with evaluating(network), torch.inference_mode():
        for batch in data.in_order_of_length(_BATCH_ROWS):
            require_memory(network, batch)
            yield batch, network(*batch.to(device).inputs)


def compute_cosines(network: nn.Module, data: Dataset) -> Floats:
    """Return the cosine of each pair, [rows]."""
    cosines = np.empty(len(data))
    for batch, outputs in _outputs(network, data):
        cosines[batch.rows.numpy()] = outputs.cosines().double().clamp(-1, 1).cpu().numpy()
    return cosines


def compute_towers(network: nn.Module, data: Dataset) -> tuple[Vectors, Vectors]:
    """Return the unit vectors of the first and of the second texts, [rows, dim] each."""
    sides: tuple[Vectors, Vectors] | None = None
    for batch, outputs in _outputs(network, data):
        if sides is None:
            shape = (len(data), outputs.first.shape[1])
            sides = np.empty(shape, np.float32), np.empty(shape, np.float32)
        for side, vectors in zip(sides, (outputs.first, outputs.second), strict=True):
            side[batch.rows.numpy()] = vectors.float().cpu().numpy()
    return sides if sides is not None else (np.empty((0, 1), np.float32),) * 2
