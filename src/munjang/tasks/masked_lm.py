"""Masked language modeling: tokens are masked, and predicted from what stands on both sides.

Devlin et al. (2018), "BERT: Pre-training of deep bidirectional Transformers for language
understanding". It needs texts without labels. The encoder that it trains is what other tasks
begin from.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import torch
from pydantic import Field
from torch import Tensor, nn

from munjang.config import Settings
from munjang.data.batches import Batch
from munjang.data.dataset import AnyBatch, Dataset
from munjang.data.table import Table
from munjang.errors import ConfigError
from munjang.layers.projection import Projected
from munjang.tasks.heads import MaskedHead
from munjang.tasks.inference import evaluating
from munjang.tasks.masked_scores import MaskedScores, unigram_log_probabilities
from munjang.tasks.masking import MaskedBatch, find_mask_id, mask_batch
from munjang.tasks.task import Answer, Card, Encoded, RunSettings
from munjang.text.vocabulary import Vocabulary

# Rows per batch in evaluation.
_BATCH_ROWS = 256


class MaskedLmSettings(Settings):
    """Settings of the task `masked_lm`."""

    mask_rate: float = Field(
        0.15, gt=0, lt=1, description="share of the tokens that are predicted in training"
    )
    validation_mask_rate: float = Field(
        0.15, gt=0, lt=1, description="share of the tokens that are predicted in validation"
    )
    validation_seed: int = Field(
        1, ge=0, lt=2**63, description="random seed for the masks of validation"
    )


@dataclass(frozen=True)
class MaskedLm:
    """The task `masked_lm`.

    Attributes:
        settings: rates of masking.
        vocabulary: tokens and counts; None before the input is fitted.
    """

    settings: MaskedLmSettings
    vocabulary: Vocabulary | None = None
    labels: ClassVar[tuple[str, ...]] = ()
    has_labels: ClassVar[bool] = False
    stratified: ClassVar[bool] = False
    sections: ClassVar[Mapping[str, type[Settings]]] = {"masked_lm": MaskedLmSettings}

    @classmethod
    def check_recipe(cls, recipe: RunSettings) -> None:
        """Refuse labels, ensembles and linear models."""
        if recipe.labels is not None:
            raise ValueError("labels: the task masked_lm has no labels; leave them out")
        for key, alone in (("ensemble_size", 1), ("linear_weight", 0)):
            if getattr(recipe.model, key, alone) != alone:
                raise ValueError(
                    f"model.{key}: the task masked_lm trains one network; leave it out"
                )

    @classmethod
    def defaults(cls, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return no defaults of its own."""
        return {}

    @classmethod
    def reader(cls, recipe: RunSettings) -> None:
        """Return None: there is no target column."""
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
        return cls(recipe.section("masked_lm"))

    def with_input(self, fitted: Any) -> Self:
        """Return the task with the vocabulary of the input."""
        return replace(self, vocabulary=fitted.tokenizer.vocabulary)

    @property
    def known_vocabulary(self) -> Vocabulary:
        """The vocabulary of the fitted input."""
        assert self.vocabulary is not None, "the input is not fitted"
        return self.vocabulary

    @property
    def mask_id(self) -> int:
        """Id of a masked place."""
        return find_mask_id(self.known_vocabulary)

    def remarks(self, train: Table) -> list[str]:
        """Return no notes."""
        return []

    def dataset(self, encoded: Encoded, rows: Table) -> Dataset:
        """Return encoded rows; their targets are drawn in every step."""
        return encoded.dataset()

    def network(self, body: nn.Module) -> nn.Module:
        """Return the encoder with a fresh head for the vocabulary."""
        return MaskedHead(body, self.known_vocabulary.size)

    def loss(self, outputs: Projected, targets: Tensor) -> Tensor:
        """Return the mean cross-entropy of the masked tokens in nats, a scalar."""
        return outputs.loss(targets)

    def draw_targets(self, batch: AnyBatch, generator: torch.Generator) -> MaskedBatch:
        """Return the batch with tokens masked at the rate of training."""
        return self._mask(batch, generator, self.settings.mask_rate)

    def _mask(self, batch: AnyBatch, generator: torch.Generator, rate: float) -> MaskedBatch:
        assert isinstance(batch, Batch)
        size = self.known_vocabulary.size
        return mask_batch(batch, generator, rate=rate, mask_id=self.mask_id, vocabulary_size=size)

    def validate(self, network: nn.Module, data: Dataset) -> MaskedScores:
        """Return scores on all of `data`."""
        return self.evaluate(network, data)

    def evaluate(self, network: nn.Module, data: Dataset) -> MaskedScores:
        """Return scores on masks that are always the same, and those of token frequencies."""
        losses, correct, tokens = 0.0, 0, 0
        base = torch.from_numpy(unigram_log_probabilities(self.known_vocabulary))
        best = int(base.argmax())
        base_losses, base_correct = 0.0, 0
        for batch in self._validation_batches(network, data):
            outputs: Projected = network(*batch.inputs)
            losses += float(outputs.loss(batch.targets)) * len(batch.targets)
            correct += int((outputs.logits().argmax(1) == batch.targets).sum())
            tokens += len(batch.targets)
            targets = batch.targets.cpu()
            base_losses -= float(base[targets].sum())
            base_correct += int((targets == best).sum())
        return MaskedScores(
            rows=len(data),
            tokens=tokens,
            cross_entropy=losses / max(1, tokens),
            accuracy=correct / max(1, tokens),
            baseline_cross_entropy=base_losses / max(1, tokens),
            baseline_accuracy=base_correct / max(1, tokens),
        )

    def _validation_batches(self, network: nn.Module, data: Dataset) -> Iterator[MaskedBatch]:
        generator = torch.Generator().manual_seed(self.settings.validation_seed)
        device = next(network.parameters()).device
        rate = self.settings.validation_mask_rate
        with evaluating(network), torch.inference_mode():
            for batch in data.in_order_of_length(_BATCH_ROWS):
                masked = self._mask(batch, generator, rate)
                if len(masked.targets):
                    yield masked.to(device)

    def finalize(self, network: nn.Module, data: Dataset) -> Self:
        """Return the task as it is: nothing is tuned."""
        return self

    def state(self) -> dict[str, Any]:
        """Return an empty mapping: nothing is fitted."""
        return {}

    def answers(self, network: nn.Module, encoded: Encoded, **options: Any) -> Sequence[Answer]:
        """Return the likeliest tokens of each masked place.

        Raises:
            ConfigError: an option that the task does not have.
        """
        raise ConfigError("a model of the task masked_lm has no answers yet")

    def card(self, scores: Mapping[str, Any], noun: str) -> Card:
        """Return the scores beside those of token frequencies."""
        return Card(
            kind="masked language model",
            about="It predicts tokens that are masked, from what stands on both sides of them.",
            details=f"Always answering with the most frequent token has an accuracy of "
            f"{scores['baseline_accuracy']:.4f}.",
            limits="It predicts what is usual in its\ntraining texts, not what is true.",
        )
