"""Word vectors from running text, by the words around each word.

Mikolov et al. (2013), "Distributed representations of words and phrases and their
compositionality". It needs texts without labels. The architectures `skipgram` and `cbow` differ in
what predicts what; see `munjang.layers.negative_sampling`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from munjang.config import Settings
from munjang.data.batches import Batch
from munjang.data.dataset import AnyBatch, Dataset
from munjang.errors import DataError
from munjang.tasks.inference import evaluating
from munjang.tasks.masked_answers import DEFAULT_TOP, read_top
from munjang.tasks.task import Answer, Card, Encoded, Ints, RunSettings
from munjang.tasks.token_task import TokenTask
from munjang.tasks.word_answers import nearest_words
from munjang.tasks.word_head import SampledLoss, WordHead
from munjang.tasks.word_scores import WordVectorScorer, WordVectorScores, frequency_scores
from munjang.tasks.word_windows import Sampling, WindowBatch
from munjang.text.masks import find_predictable

# Rows per batch in evaluation.
_BATCH_ROWS = 256


class VectorsSettings(Settings):
    """Settings of the task `vectors`."""

    window: int = Field(
        5, ge=1, le=100, description="largest distance of a neighbor; drawn per token from 1 up"
    )
    negatives: float = Field(
        5.0, gt=0, le=1000, description="weight of the negatives of a prediction: their number"
    )
    shared_negatives: int = Field(
        64, ge=1, le=4096, description="negatives that are drawn per 64 tokens, for all of these"
    )
    sample: float = Field(
        1e-3,
        ge=0,
        le=1,
        description="words more frequent than this are left out at random; 0 = none",
    )
    validation_seed: int = Field(
        1, ge=0, lt=2**63, description="random seed for the windows and negatives of validation"
    )


@dataclass(frozen=True)
class VectorsTask(TokenTask):
    """The task `vectors`.

    Attributes:
        settings: windows and negatives.
    """

    settings: VectorsSettings
    sections: ClassVar[Mapping[str, type[Settings]]] = {"vectors": VectorsSettings}
    default_top: ClassVar[int] = DEFAULT_TOP

    @classmethod
    def check_recipe(cls, recipe: RunSettings) -> None:
        """Refuse labels, and rows of two lines."""
        if recipe.labels is not None:
            raise ValueError("labels: the task vectors has no labels; leave them out")
        if getattr(recipe.section("data"), "join_next", False):
            raise ValueError(
                "data.join_next: word vectors are learned from single lines; set it to false"
            )
        if recipe.training.engine == "munjang" and (
            getattr(recipe.model, "subword_scheme", "sum") != "sum"
        ):
            raise ValueError(
                "model.subword_scheme: the engine munjang learns n-grams as a part of every token; "
                "set it to sum, or set training.engine=gensim"
            )

    @classmethod
    def restore(cls, recipe: RunSettings) -> Self:
        """Return the task of a model folder."""
        return cls(recipe.section("vectors"))

    @cached_property
    def counts(self) -> Ints:
        """Occurrences of each word in training; 0 for ids that no one learns, [size]."""
        counts = np.maximum(1, np.asarray(self.vocabulary.counts, dtype=np.int64))
        return np.where(find_predictable(self.vocabulary), counts, 0)

    @cached_property
    def sampling(self) -> Sampling:
        """Distributions from which tokens, windows and negatives are drawn."""
        settings = self.settings
        return Sampling.of(
            self.counts,
            sample=settings.sample,
            window=settings.window,
            shared=settings.shared_negatives,
        )

    def remarks(self, train: Any) -> list[str]:
        """Return no notes."""
        return []

    def dataset(self, encoded: Encoded, rows: Any) -> Dataset:
        """Return encoded rows; windows and negatives are drawn in every step."""
        return encoded.dataset()

    def network(self, body: nn.Module) -> nn.Module:
        """Return the encoder, which learns the frequencies of words, with an output vector each."""
        frequencies = torch.from_numpy(self.counts / max(1, self.counts.sum()))
        with torch.no_grad():
            body.get_buffer("frequencies").copy_(frequencies)
        settings = self.settings
        return WordHead(
            body, self.vocabulary.size, window=settings.window, negatives=settings.negatives
        )

    def loss(self, outputs: SampledLoss, targets: Tensor) -> Tensor:
        """Return the mean loss per prediction in nats, a scalar."""
        return outputs.total / outputs.predicted.sum().clamp(min=1)

    def draw_targets(
        self, batch: AnyBatch, generator: torch.Generator, progress: float
    ) -> WindowBatch:
        """Return the tokens that are left, with windows and negatives."""
        assert isinstance(batch, Batch)
        return self.sampling.draw(batch, generator)

    def validate(self, network: nn.Module, data: Dataset) -> WordVectorScores:
        """Return scores on all of `data`."""
        return self.evaluate(network, data)

    def evaluate(self, network: nn.Module, data: Dataset) -> WordVectorScores:
        """Return scores on windows and negatives that are always the same.

        Raises:
            DataError: no two words are neighbors.
        """
        settings = self.settings
        baseline = frequency_scores(
            self.counts, sample=settings.sample, negatives=settings.negatives
        )
        scorer = WordVectorScorer(baseline, settings.negatives)
        with evaluating(network), torch.inference_mode():
            for batch in self._validation_batches(network, data):
                scorer.add(batch, network(*batch.inputs))
        if not scorer.predictions:
            raise DataError(
                "no two words of the validation rows are neighbors; give longer lines, raise "
                "vectors.sample, or lower tokenizer.min_frequency"
            )
        return scorer.scores(len(data))

    def _validation_batches(self, network: nn.Module, data: Dataset) -> Iterator[WindowBatch]:
        # drawn on the CPU, so that every device is scored on the same windows
        generator = torch.Generator().manual_seed(self.settings.validation_seed)
        device = next(network.parameters()).device
        for batch in data.in_order_of_length(_BATCH_ROWS):
            assert isinstance(batch, Batch)
            yield self.sampling.draw(batch, generator).to(device)

    def answers(self, network: nn.Module, encoded: Encoded, **options: Any) -> Sequence[Answer]:
        """Return the words nearest to each text.

        Args:
            network: the word vectors.
            encoded: the texts; of several words the mean of their vectors counts.
            options: `top`, the number of words per text.

        Raises:
            ConfigError: an option that the task does not have.
        """
        return nearest_words(network, encoded, self.vocabulary, read_top(options))

    def card(self, scores: Mapping[str, Any], noun: str) -> Card:
        """Return the loss beside that of word frequencies."""
        loss, baseline = (
            "not defined" if value is None else f"{value:.4f}"
            for value in (scores["sampled_loss"], scores["baseline_sampled_loss"])
        )
        return Card(
            kind="word vectors",
            about="Words that stand among the same words have similar vectors; its answers are "
            "the nearest words.",
            details=f"Loss with negative sampling on {scores['predictions']:,} held-out "
            f"predictions, in nats per prediction: {loss}; by the frequency of each word alone: "
            f"{baseline}.",
            limits="Its vectors repeat what its\ntraining texts say of words, prejudice included.",
        )
