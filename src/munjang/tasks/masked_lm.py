"""Masked language modeling: tokens are masked, and predicted from what stands on both sides.

Devlin et al. (2018), "BERT: Pre-training of deep bidirectional Transformers for language
understanding". It needs texts without labels. The encoder that it trains is what other tasks
begin from.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Self

import torch
import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import Tensor, nn

from munjang.config import Settings
from munjang.data.batches import Batch
from munjang.data.dataset import AnyBatch, Dataset
from munjang.data.table import Table
from munjang.errors import DataError
from munjang.tasks.explained import ExplainedScores
from munjang.tasks.explained_tokens import explain_masks
from munjang.tasks.heads import MaskedHead, MaskedOutputs
from munjang.tasks.inference import evaluating
from munjang.tasks.masked_answers import DEFAULT_TOP, MaskAnswer, fill_masks, read_top
from munjang.tasks.masked_rows import RowScores
from munjang.tasks.masked_scores import (
    FREQUENCIES,
    MaskedScorer,
    MaskedScores,
    place_scores,
    unigram_log_probabilities,
)
from munjang.tasks.masking import MaskedBatch, Masking
from munjang.tasks.memory_check import require_memory
from munjang.tasks.sentence_pairs import NO_PAIR, Pairs, rearrange_pairs
from munjang.tasks.shared_loss import MeanLoss
from munjang.tasks.task import Answer, Bools, Card, Encoded, Floats, RunSettings
from munjang.tasks.token_task import TokenTask
from munjang.text.capitals import sign_ids
from munjang.text.masks import MaskReader, TokenTexts, find_mask_id
from munjang.text.word_pieces import find_continuations

# Rows per batch in evaluation.
_BATCH_ROWS = 256


class MaskedLmSettings(Settings):
    """Settings of the task `masked_lm`."""

    mask_rate: float = Field(
        0.3, gt=0, lt=1, description="share of the tokens that are predicted at the first step"
    )
    mask_rate_end: float = Field(
        0.15,
        gt=0,
        lt=1,
        description="share at the last step; between them it changes along a line",
    )
    masked_share: float = Field(
        0.8, ge=0, le=1, description="share of the chosen tokens that [MASK] replaces"
    )
    random_share: float = Field(
        0.1,
        ge=0,
        le=1,
        description="share of the chosen tokens that a random token replaces; the rest stays",
    )
    whole_words: bool = Field(False, description="mask all tokens of a word together")
    pairs: Pairs = Field(
        "none",
        description="judge also pairs of texts: next_sentence (does the second follow the first?) "
        "or sentence_order (which of them came first?)",
    )
    validation_mask_rate: float = Field(
        0.15, gt=0, lt=1, description="share of the tokens that are predicted in validation"
    )
    validation_seed: int = Field(
        1, ge=0, lt=2**63, description="random seed for the masks of validation"
    )

    @model_validator(mode="after")
    def _check_shares(self) -> Self:
        if self.masked_share + self.random_share > 1 + 1e-9:
            raise ValueError(
                "masked_share and random_share: expected a sum of at most 1, got "
                f"{self.masked_share + self.random_share:g}"
            )
        return self

    def rate_at(self, progress: float) -> float:
        """Return the share of masked tokens at a progress of the schedule from 0 to 1."""
        return self.mask_rate + (self.mask_rate_end - self.mask_rate) * min(max(progress, 0.0), 1.0)


@dataclass(frozen=True)
class MaskedLm(MeanLoss, TokenTask):
    """The task `masked_lm`.

    Attributes:
        settings: rates of masking.
    """

    settings: MaskedLmSettings
    sections: ClassVar[Mapping[str, type[Settings]]] = {"masked_lm": MaskedLmSettings}
    default_top: ClassVar[int] = DEFAULT_TOP

    @classmethod
    def check_recipe(cls, recipe: RunSettings) -> None:
        """Refuse labels, ensembles, linear models, and pairs where rows hold one text."""
        if recipe.labels is not None:
            raise ValueError("labels: the task masked_lm has no labels; leave them out")
        for key, alone in (("ensemble_size", 1), ("linear_weight", 0)):
            if getattr(recipe.model, key, alone) != alone:
                raise ValueError(
                    f"model.{key}: the task masked_lm trains one network; leave it out"
                )
        pairs = recipe.section("masked_lm").pairs
        if pairs == "none":
            return
        if not getattr(recipe.section("data"), "join_next", False):
            raise ValueError(
                f"masked_lm.pairs: {pairs} needs rows of two lines that follow one another; add "
                "--input lines --set data.join_next=true, or set it to none"
            )
        if not recipe.section("tokenizer").add_go_eos:
            raise ValueError(
                f"masked_lm.pairs: {pairs} needs the ends of texts; set tokenizer.add_go_eos to "
                "true"
            )

    @classmethod
    def restore(cls, recipe: RunSettings) -> Self:
        """Return the task of a model folder."""
        return cls(recipe.section("masked_lm"))

    def for_prediction(self, fitted: Any) -> Any:
        """Return the input with a tokenizer that reads each [MASK] of a text."""
        return replace(fitted, tokenizer=MaskReader(fitted.tokenizer))

    @cached_property
    def masking(self) -> Masking:
        """How tokens of that vocabulary are masked in training."""
        settings, continues = self.settings, None
        if settings.whole_words:
            continues = find_continuations(self.vocabulary)
        return Masking(
            find_mask_id(self.vocabulary),
            self.vocabulary.size,
            masked_share=settings.masked_share,
            random_share=settings.random_share,
            continues=None if continues is None else torch.from_numpy(continues),
            excluded=sign_ids(self.vocabulary),
        )

    def remarks(self, train: Table) -> list[str]:
        """Return a note if whole words are asked of a tokenizer that does not tell them."""
        if not self.settings.whole_words or self.masking.continues is not None:
            return []
        return [
            f"masked_lm.whole_words: tokens of the tokenizer {self.fitted_tokenizer.name} do not "
            "say where a word goes on; each token is masked as a word of its own"
        ]

    def dataset(self, encoded: Encoded, rows: Table) -> Dataset:
        """Return encoded rows; their targets are drawn in every step."""
        return encoded.dataset()

    def network(self, body: nn.Module) -> nn.Module:
        """Return the encoder with a head that begins with the frequencies of tokens."""
        head = MaskedHead(body, self.vocabulary.size, pairs=self.settings.pairs != "none")
        frequencies = torch.from_numpy(unigram_log_probabilities(self.vocabulary)).float()
        # what is never a target begins as rare as the rarest
        frequencies[frequencies.isinf()] = frequencies[frequencies.isfinite()].min()
        with torch.no_grad():
            head.bias.copy_(frequencies)
        return head

    def loss(self, outputs: MaskedOutputs, targets: Tensor) -> Tensor:
        """Return the mean cross-entropy of the masked tokens in nats, a scalar.

        That of the pairs, if they are judged, is added.
        """
        count = len(outputs.tokens.states)
        loss = outputs.tokens.loss(targets[:count])
        if outputs.pairs is None:
            return loss
        labels = targets[count:]
        pairs = (labels != NO_PAIR).sum().clamp(min=1)
        return loss + _sum_of_pairs(outputs.pairs, labels) / pairs

    def part_loss(self, outputs: MaskedOutputs, part: AnyBatch, whole: AnyBatch) -> Tensor:
        """Return a part's share of the loss of a batch, by its masked tokens and its pairs."""
        assert part.targets is not None
        assert whole.targets is not None
        count, all_count = (len(batch.inputs[-1]) for batch in (part, whole))
        loss = outputs.tokens.loss(part.targets[:count]) * (count / max(1, all_count))
        if outputs.pairs is None:
            return loss
        pairs = (whole.targets[all_count:] != NO_PAIR).sum().clamp(min=1)
        return loss + _sum_of_pairs(outputs.pairs, part.targets[count:]) / pairs

    def draw_targets(
        self, batch: AnyBatch, generator: torch.Generator, progress: float
    ) -> MaskedBatch:
        """Return the batch with tokens masked at the rate of that progress of the schedule."""
        return self._mask(batch, generator, self.settings.rate_at(progress), self.masking)

    def _mask(
        self, batch: AnyBatch, generator: torch.Generator, rate: float, masking: Masking
    ) -> MaskedBatch:
        assert isinstance(batch, Batch)
        if self.settings.pairs == "none":
            return masking.mask(batch, generator, rate)
        batch, labels = rearrange_pairs(batch, generator, self.settings.pairs)
        masked = masking.mask(batch, generator, rate)
        return replace(masked, targets=torch.cat([masked.targets, labels]))

    def validate(self, network: nn.Module, data: Dataset) -> MaskedScores:
        """Return scores on all of `data`."""
        return self.evaluate(network, data)

    def evaluate(self, network: nn.Module, data: Dataset) -> MaskedScores:
        """Return scores on masks that are always the same, and those of token frequencies.

        Raises:
            DataError: no token can be masked.
        """
        scorer = MaskedScorer(self.vocabulary)
        with evaluating(network), torch.inference_mode():
            for batch in self._batches_for(network, data):
                scorer.add(network(*batch.inputs), batch.targets)
        if not scorer.tokens:
            raise DataError(
                "no token of the validation rows can be masked: all are out of vocabulary; give "
                "other rows, or lower tokenizer.min_frequency"
            )
        return scorer.scores(len(data))

    def score_rows(self, network: nn.Module, data: Dataset) -> RowScores:
        """Return the scores of each row, on the masks of `evaluate`."""

        def score(batch: MaskedBatch) -> tuple[Floats, Bools]:
            outputs: MaskedOutputs = network(*batch.inputs)
            return place_scores(outputs.tokens, batch.targets[: len(batch.places)])

        with evaluating(network), torch.inference_mode():
            return RowScores.compute(self._batches_for(network, data), len(data), score)

    def _batches_for(self, network: nn.Module, data: Dataset) -> Iterator[MaskedBatch]:
        device = next(network.parameters()).device
        for batch in self.masked_batches(data):
            require_memory(network, batch)
            yield batch.to(device)

    def masked_batches(self, data: Dataset) -> Iterator[MaskedBatch]:
        """Yield the batches of an evaluation, the shortest rows first, masked alike every time."""
        generator = torch.Generator().manual_seed(self.settings.validation_seed)
        # whatever training masks, models are compared on the same tokens, masked alike
        masking = Masking(
            self.masking.mask_id, self.vocabulary.size, excluded=self.masking.excluded
        )
        for batch in data.in_order_of_length(_BATCH_ROWS):
            masked = self._mask(batch, generator, self.settings.validation_mask_rate, masking)
            if len(masked.places):
                yield masked

    def answers(self, network: nn.Module, encoded: Encoded, **options: Any) -> Sequence[Answer]:
        """Return the likeliest tokens of each masked place.

        Args:
            network: the masked language model.
            encoded: rows with masked places, see `for_prediction`.
            options: `top`, the number of tokens per place.

        Raises:
            ConfigError: an option that the task does not have.
        """
        filled = fill_masks(
            encoded.adapt(network),
            encoded.dataset(),
            mask_id=self.masking.mask_id,
            texts=TokenTexts(self.fitted_tokenizer),
            top=read_top(options),
        )
        cut = encoded.truncated.tolist()
        return [MaskAnswer(masks, is_cut) for masks, is_cut in zip(filled, cut, strict=True)]

    def explain_scores(
        self, network: nn.Module, sides: Sequence[Tensor], wanted: str | None
    ) -> ExplainedScores:
        """Return the logit of the token of each [MASK], see `explain_masks`."""
        texts = TokenTexts(self.fitted_tokenizer)
        return explain_masks(network, sides[0], wanted, mask_id=self.masking.mask_id, texts=texts)

    def card(self, scores: Mapping[str, Any], noun: str) -> Card:
        """Return the scores beside those of token frequencies."""
        rows = "".join(
            f"| {title} | {_number(scores[key])} | {_number(scores[f'baseline_{key}'])} |\n"
            for key, title in (
                ("cross_entropy", "cross-entropy (nats per masked token)"),
                ("perplexity", "perplexity"),
                ("accuracy", "accuracy"),
            )
        )
        baseline = scores.get("baseline", FREQUENCIES)
        return Card(
            kind="masked language model",
            about="It predicts tokens that are masked, from what stands on both sides of them.",
            details=f"On {scores['tokens']:,} masked tokens, beside answers by the frequency of "
            "each token in training:\n\n"
            f"| | model | {baseline} |\n|---|---|---|\n{rows}".rstrip(),
            limits="It predicts what is usual in its\ntraining texts, not what is true.",
        )


def _sum_of_pairs(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the summed cross-entropy of logits [rows, 2] of pairs; rows of one text have none."""
    return F.cross_entropy(logits.float(), labels, ignore_index=NO_PAIR, reduction="sum")


def _number(value: float | None) -> str:
    return "not defined" if value is None else f"{value:.4f}"
