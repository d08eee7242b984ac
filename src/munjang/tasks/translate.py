"""From text to text: translations, headlines, answers."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, ClassVar, Protocol, Self, cast

import numpy as np
import polars as pl
import torch
from pydantic import Field
from torch import Tensor, nn

from munjang.config import Settings, merge
from munjang.data.dataset import Dataset
from munjang.data.pairs.dataset import PairDataset
from munjang.data.pairs.tokenizer_pair import TokenizerPair
from munjang.data.table import Table
from munjang.decoding.decode import decode_sources
from munjang.decoding.hypotheses import Hypothesis
from munjang.decoding.settings import DecodingSettings
from munjang.layers.projection import Projected
from munjang.models.sequence_to_sequence.model import EncoderDecoder
from munjang.tasks.alignment import align, copy_unknown_words
from munjang.tasks.inference import limit_threads_if_forked
from munjang.tasks.task import Card, EncodedRows, RunSettings
from munjang.tasks.text_answers import Candidate, TextAnswer
from munjang.tasks.translation_scores import (
    BLEU_TOKENIZERS,
    TranslationScores,
    score_translations,
)
from munjang.text.columns import TokenColumn, row_lengths, token_column
from munjang.text.detokenize import attach_punctuation

# Decoded together: sentences of about the same length.
_BATCH_ROWS = 128


class TranslateSettings(Settings):
    """Settings of the task `translate`."""

    label_smoothing: float = Field(0.1, ge=0, lt=1, description="share spread over all tokens")
    bleu_tokenizer: BLEU_TOKENIZERS = Field("13a", description="how sacrebleu cuts words")
    lowercase: bool = Field(False, description="capitals count as small letters in BLEU and chrF")
    validation_rows: int = Field(
        1000,
        ge=1,
        le=10**9,
        description="validation pairs that are answered at each look while it trains",
    )
    validation_seed: int = Field(
        1, ge=0, lt=2**63, description="draws those pairs; the same for the whole training"
    )
    copy_unknown: bool = Field(
        False, description="write what an unknown word looked at in the source in its place"
    )
    samples: int = Field(3, ge=0, le=1000, description="answers that are shown at each look")


# The answer to an empty text.
NOTHING = Hypothesis((), 0.0, 0.0, finished=True)


class EncodedSources(EncodedRows, Protocol):
    """Pairs as an encoder-decoder reads them; see `munjang.inputs.parallel.EncodedPairs`."""

    @property
    def examples(self) -> PairDataset:
        """The pairs as ids."""

    @property
    def texts(self) -> pl.Series:
        """The sources as they were given."""


@dataclass(frozen=True)
class Translate:
    """A target text, written token by token.

    Attributes:
        settings: loss and scores.
        decoding: how answers are searched for.
        tokenizers: the tokenizers; that of the targets writes the answers. None before the input is
            fitted.
    """

    settings: TranslateSettings
    decoding: DecodingSettings
    tokenizers: TokenizerPair = field(default=None, repr=False)  # type: ignore[assignment]
    labels: ClassVar[tuple[str, ...]] = ()
    has_labels: ClassVar[bool] = False
    stratified: ClassVar[bool] = False
    sections: ClassVar[Mapping[str, type[Settings]]] = {
        "translate": TranslateSettings,
        "decoding": DecodingSettings,
    }

    @classmethod
    def check_recipe(cls, recipe: RunSettings) -> None:
        """Refuse to copy unknown words without attention to copy by, and known labels."""
        if recipe.labels is not None:
            raise ValueError("labels: the task translate has none; leave it out")
        if recipe.section("translate").copy_unknown and not getattr(
            recipe.model, "has_attention", False
        ):
            raise ValueError(
                f"translate.copy_unknown: {recipe.model_name} attends to no word that it could "
                "copy; choose attentive or transformer, or set it to false"
            )

    @classmethod
    def defaults(cls, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return no defaults of its own."""
        return {}

    @classmethod
    def reader(cls, recipe: RunSettings) -> None:
        """Return None: the input reads targets as texts."""
        return

    @classmethod
    def check_rows(cls, rows: Table, least: int) -> None:
        """Refuse nothing."""

    @classmethod
    def fit(cls, train: Table, whole: Table, recipe: RunSettings) -> Self:
        """Return the task for its settings."""
        return cls.restore(recipe)

    @classmethod
    def restore(cls, recipe: RunSettings) -> Self:
        """Return the task of a model folder."""
        return cls(recipe.section("translate"), recipe.section("decoding"))

    def with_input(self, fitted: Any) -> Self:
        """Return the task with the tokenizers of the input."""
        return replace(self, tokenizers=fitted.tokenizers)

    def with_decoding(self, changes: Mapping[str, Any]) -> Self:
        """Return the task with other settings of `munjang.decoding.settings.DecodingSettings`.

        Raises:
            ConfigError: an unknown setting, or one that the model cannot follow.
        """
        wanted = merge(self.decoding.model_dump(exclude_unset=True), changes)
        return replace(self, decoding=DecodingSettings.parse(wanted, where="decoding"))

    @property
    def _decoding(self) -> DecodingSettings:
        if not self.settings.copy_unknown:
            return self.decoding
        # what may not be written cannot be replaced
        return self.decoding.model_copy(update={"allow_unknown": True})

    def remarks(self, train: Table) -> list[str]:
        """Return no notes."""
        return []

    def dataset(self, encoded: EncodedRows, rows: Table) -> Dataset:
        """Return encoded pairs."""
        return encoded.dataset()

    def network(self, body: nn.Module) -> nn.Module:
        """Return the encoder-decoder as it is: it has an output layer."""
        return body

    def loss(self, outputs: Projected, targets: Tensor) -> Tensor:
        """Return the mean cross-entropy of the target tokens of a batch in nats, smoothed."""
        return outputs.loss(targets, self.settings.label_smoothing)

    def validate(self, network: nn.Module, data: Dataset) -> TranslationScores:
        """Return scores of greedy answers to `validation_rows` pairs.

        They are drawn from all pairs, since a file may be sorted, and are the same at every
        validation run, in every training on the same validation part, and after `resume`.
        """
        pairs = cast(PairDataset, data)
        greedy = self._decoding.model_copy(
            update={"method": "greedy", "nbest": 1, "coverage_penalty": 0.0}
        )
        answered = pairs.sample(self.settings.validation_rows, self.settings.validation_seed)
        return self._scores(network, pairs, answered, greedy)

    def evaluate(self, network: nn.Module, data: Dataset) -> TranslationScores:
        """Return scores of answers to all pairs that are searched for as in prediction."""
        pairs = cast(PairDataset, data)
        return self._scores(network, pairs, pairs, self._decoding)

    def finalize(self, network: nn.Module, data: Dataset) -> Self:
        """Return the task as it is: nothing is tuned."""
        return self

    def hypotheses(
        self,
        network: nn.Module,
        encoded: EncodedSources,
        *,
        seed: int = 0,
        with_attention: bool = False,
    ) -> list[list[Hypothesis]]:
        """Return the hypotheses for each source, the best first."""
        return decode_pairs(
            network,
            encoded.examples,
            self._decoding,
            seed=seed,
            with_attention=with_attention or self.settings.copy_unknown,
        )

    def answers(
        self, network: nn.Module, encoded: EncodedRows, **options: Any
    ) -> Sequence[TextAnswer]:
        """Return an answer per source; one in which nothing can be seen has an empty answer.

        Args:
            network: the encoder-decoder.
            encoded: the sources.
            options: `alignment`, whether to give the source piece that each piece of an answer
                attended to most; `seed` of sampling.
        """
        sources, alignment = cast(EncodedSources, encoded), bool(options.get("alignment"))
        found = self.hypotheses(
            network, sources, seed=options.get("seed", 0), with_attention=alignment
        )
        lengths = row_lengths(sources.examples.source_ids)
        found = [best if n else [NOTHING] for best, n in zip(found, lengths, strict=True)]
        candidates = self._candidates(sources.texts.to_list(), found, alignment=alignment)
        several = self.decoding.nbest > 1
        return [
            TextAnswer(best, truncated=bool(cut), several=several)
            for best, cut in zip(candidates, encoded.truncated, strict=True)
        ]

    def _candidates(
        self, texts: Sequence[str], found: Sequence[Sequence[Hypothesis]], *, alignment: bool
    ) -> list[tuple[Candidate, ...]]:
        """Return the hypotheses of each text as people read them."""
        sources = [text for text, best in zip(texts, found, strict=True) for _ in best]
        flat = [hypothesis for best in found for hypothesis in best]
        written = self.texts_of(flat, sources)
        made = (
            Candidate(
                text=answer,
                score=hypothesis.score,
                log_probability=hypothesis.log_probability,
                finished=hypothesis.finished,
                alignment=align(self.tokenizers, text, hypothesis) if alignment else None,
            )
            for text, hypothesis, answer in zip(sources, flat, written, strict=True)
        )
        return [tuple(islice(made, len(best))) for best in found]

    def _scores(
        self,
        network: nn.Module,
        pairs: PairDataset,
        answered: PairDataset,
        decoding: DecodingSettings,
    ) -> TranslationScores:
        """Return the cross-entropy on `pairs`, and scores of answers to `answered`, a subset."""
        cross_entropy = compute_cross_entropy(network, pairs)
        if not math.isfinite(cross_entropy):
            return TranslationScores.unsound(len(answered), cross_entropy)
        assert answered.texts is not None
        copies = self.settings.copy_unknown
        best = decode_pairs(network, answered, decoding, with_attention=copies)
        found = [one[0] for one in best]
        sources, references = (side.to_list() for side in answered.texts)
        return score_translations(
            sources,
            references,
            self.texts_of(found, sources),
            cross_entropy=cross_entropy,
            cut_share=sum(not one.finished for one in found) / len(found),
            bleu_tokenizer=self.settings.bleu_tokenizer,
            lowercase=self.settings.lowercase,
            samples=self.settings.samples,
        )

    def texts_of(self, hypotheses: Sequence[Hypothesis], sources: Sequence[str]) -> list[str]:
        """Decode hypotheses into texts; with `copy_unknown`, OOV tokens come from the sources."""
        ids = column_of([hypothesis.ids for hypothesis in hypotheses])
        texts = self.tokenizers.target.decode(ids)
        if self.tokenizers.target.name == "words":  # the others know where spaces stood
            texts = attach_punctuation(texts)
        written = cast(list[str], texts.to_list())
        if not self.settings.copy_unknown:
            return written
        rows = zip(sources, hypotheses, written, strict=True)
        return [
            copy_unknown_words(self.tokenizers, source, found, answer)
            for source, found, answer in rows
        ]

    def state(self) -> dict[str, Any]:
        """Return nothing: the settings are all."""
        return {}

    def card(self, scores: Mapping[str, Any], noun: str) -> Card:
        """Return how it was judged."""
        return Card(
            kind="model that answers a text with a text",
            about="It writes one token after the other.",
            details=f"BLEU and chrF by sacrebleu: {'; '.join(scores['signatures'])}. "
            f"{scores['cut_share']:.1%} of the answers were cut at the length limit.",
            limits="It always answers, fluently\nalso where it is wrong.",
        )


def column_of(rows: Sequence[Sequence[int]]) -> TokenColumn:
    """Return rows of ids as a token column."""
    offsets = np.cumsum([0, *map(len, rows)])
    values = [token for row in rows for token in row]
    return token_column(np.asarray(values, dtype=np.int32), offsets)


@torch.inference_mode()
def compute_cross_entropy(network: nn.Module, pairs: PairDataset) -> float:
    """Return the cross-entropy of the targets under teacher forcing, in nats per token."""
    device = next(network.parameters()).device
    was_training = network.training
    network.eval()
    total, tokens = 0.0, 0
    try:
        for batch in pairs.in_order_of_length(_BATCH_ROWS):
            batch = batch.to(device)
            assert batch.targets is not None
            outputs: Projected = network(*batch.inputs)
            total += float(outputs.loss(batch.targets)) * len(batch.targets)
            tokens += len(batch.targets)
    finally:
        network.train(was_training)
    return total / max(1, tokens)


def decode_pairs(
    network: nn.Module,
    pairs: PairDataset,
    decoding: DecodingSettings,
    *,
    seed: int = 0,
    with_attention: bool = False,
) -> list[list[Hypothesis]]:
    """Decode all sources; return their hypotheses, the best first, in the order of the rows.

    Targets, where there are any, are not looked at. The training mode is put back.
    """
    limit_threads_if_forked()
    device = next(network.parameters()).device
    was_training = network.training
    network.eval()
    answers: list[list[Hypothesis]] = [[] for _ in range(len(pairs))]
    try:
        for batch in pairs.sources_in_order_of_length(_BATCH_ROWS):
            batch = batch.to(device)
            rows = batch.rows.tolist()
            found = decode_sources(
                cast(EncoderDecoder, network),
                batch.ids,
                batch.mask,
                decoding,
                seed=seed,
                rows=rows,
                with_attention=with_attention,
            )
            for row, best in zip(rows, found, strict=True):
                answers[row] = best
    finally:
        network.train(was_training)
    return answers
