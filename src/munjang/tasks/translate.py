"""Text generation from a source text: translations, headlines, answers."""

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
from munjang.decoding.constraints import max_steps
from munjang.decoding.continuous import ContinuousBatch
from munjang.decoding.decode import decode_sources
from munjang.decoding.hypotheses import Hypothesis
from munjang.decoding.settings import DecodingSettings
from munjang.errors import ConfigError, DataError
from munjang.layers.projection import Projected
from munjang.models.sequence_to_sequence.model import EncoderDecoder
from munjang.tasks.alignment import align, copy_unknown_words, locate_target
from munjang.tasks.answer_stream import open_answer, write_answers
from munjang.tasks.continuous import Beginnings, Opening
from munjang.tasks.explained import ExplainedScores
from munjang.tasks.explained_tokens import explain_answer
from munjang.tasks.inference import limit_threads_if_forked
from munjang.tasks.shared_loss import MeanLoss
from munjang.tasks.task import Card, Encoded, RunSettings
from munjang.tasks.text_answers import Candidate, TextAnswer
from munjang.tasks.translation_scores import (
    BLEU_TOKENIZERS,
    TranslationScores,
    score_translations,
)
from munjang.tasks.unlabeled import UnlabeledTask
from munjang.text.columns import TokenColumn, row_lengths, token_column
from munjang.text.parts import find_words, number_words

# Rows per batch in decoding; their sources have similar lengths.
_BATCH_ROWS = 128


class TranslateSettings(Settings):
    """Settings of the task `translate`."""

    label_smoothing: float = Field(
        0.1, ge=0, lt=1, description="probability mass spread over all tokens"
    )
    bleu_tokenizer: BLEU_TOKENIZERS = Field("13a", description="tokenizer of sacrebleu for BLEU")
    lowercase: bool = Field(False, description="ignore case in BLEU and chrF")
    validation_rows: int = Field(
        1000,
        ge=1,
        le=10**9,
        description="pairs decoded per validation run during training",
    )
    validation_seed: int = Field(
        1, ge=0, lt=2**63, description="random seed for the choice of those pairs"
    )
    copy_unknown: bool = Field(
        False, description="replace OOV tokens of answers by the source word with most attention"
    )
    samples: int = Field(3, ge=0, le=1000, description="answers shown per validation run")


# The answer to an empty text.
EMPTY = Hypothesis((), 0.0, 0.0, finished=True)


class EncodedSources(Encoded, Protocol):
    """Encoded pairs; see `munjang.inputs.parallel.EncodedPairs`."""

    @property
    def pairs(self) -> PairDataset:
        """The pairs as token ids."""

    @property
    def texts(self) -> pl.Series:
        """The original sources."""


@dataclass(frozen=True)
class Translate(MeanLoss, UnlabeledTask):
    """The task `translate`: a target text, generated token by token.

    Attributes:
        settings: loss and metrics.
        decoding: settings of the search.
        tokenizers: tokenizers of both sides; None before the input is fitted.
    """

    settings: TranslateSettings
    decoding: DecodingSettings
    tokenizers: TokenizerPair = field(default=None, repr=False)  # type: ignore[assignment]
    sections: ClassVar[Mapping[str, type[Settings]]] = {
        "translate": TranslateSettings,
        "decoding": DecodingSettings,
    }

    @classmethod
    def check_recipe(cls, recipe: RunSettings) -> None:
        """Refuse labels, and `copy_unknown` for architectures without attention."""
        if recipe.labels is not None:
            raise ValueError("labels: the task translate has no labels; leave them out")
        if recipe.section("translate").copy_unknown and not getattr(
            recipe.model, "has_attention", False
        ):
            raise ValueError(
                f"translate.copy_unknown: {recipe.model_name} has no attention to copy by; "
                "choose attentive or transformer, or set it to false"
            )

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
            ConfigError: an unknown setting, or a value that it cannot take.
        """
        settings = merge(self.decoding.model_dump(exclude_unset=True), changes)
        return replace(self, decoding=DecodingSettings.parse(settings, where="decoding"))

    @property
    def _decoding(self) -> DecodingSettings:
        if not self.settings.copy_unknown:
            return self.decoding
        # OOV tokens must be generated to be replaced
        return self.decoding.model_copy(update={"allow_unknown": True})

    def remarks(self, train: Table) -> list[str]:
        """Return no notes."""
        return []

    def dataset(self, encoded: Encoded, rows: Table) -> Dataset:
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
        sample = pairs.sample(self.settings.validation_rows, self.settings.validation_seed)
        return self._scores(network, pairs, sample, greedy)

    def evaluate(self, network: nn.Module, data: Dataset) -> TranslationScores:
        """Return scores of answers to all pairs, decoded as in prediction."""
        pairs = cast(PairDataset, data)
        return self._scores(network, pairs, pairs, self._decoding)

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
            encoded.pairs,
            self._decoding,
            seed=seed,
            with_attention=with_attention or self.settings.copy_unknown,
        )

    def answers(self, network: nn.Module, encoded: Encoded, **options: Any) -> Sequence[TextAnswer]:
        """Return an answer per source; a source without tokens has an empty answer.

        Args:
            network: the encoder-decoder.
            encoded: the sources.
            options: `alignment`, True to add the source piece with most attention for each piece
                of an answer; `seed`, the random seed for sampling.
        """
        sources, alignment = cast(EncodedSources, encoded), bool(options.get("alignment"))
        hypotheses = self.hypotheses(
            network, sources, seed=options.get("seed", 0), with_attention=alignment
        )
        lengths = row_lengths(sources.pairs.source_ids)
        hypotheses = [best if n else [EMPTY] for best, n in zip(hypotheses, lengths, strict=True)]
        candidates = self._candidates(sources.texts.to_list(), hypotheses, alignment=alignment)
        several = self.decoding.nbest > 1
        return [
            TextAnswer(best, truncated=bool(is_cut), several=several)
            for best, is_cut in zip(candidates, encoded.truncated, strict=True)
        ]

    def open_batch(self, network: nn.Module) -> ContinuousBatch:
        """Return an empty batch of answers that are written together, greedily or by sampling.

        Raises:
            ConfigError: OOV tokens are replaced by words of the source, which is done at the end.
        """
        if self.settings.copy_unknown:
            raise ConfigError(
                "translate.copy_unknown: unknown words are copied once an answer is complete, so "
                "it cannot be streamed; ask for it without stream"
            )
        changes: dict[str, Any] = {"nbest": 1, "coverage_penalty": 0.0}
        if self.decoding.method == "beam":
            changes["method"] = "greedy"
        settings = self._decoding.model_copy(update=changes)
        return ContinuousBatch(cast(EncoderDecoder, network).step, settings)

    def begin(self, network: nn.Module, openings: Sequence[Opening]) -> Beginnings:
        """Return the beginnings of answers, see `munjang.tasks.continuous`."""
        device = next(network.parameters()).device
        states, limits, texts = [], [], []
        for opening in openings:
            [batch] = opening.encoded.pairs.sources_in_order_of_length(1)
            batch = batch.to(device)
            states.append(cast(EncoderDecoder, network).begin(batch.ids, batch.mask))
            limits.append(min(opening.length, int(max_steps(batch.lengths, self._decoding))))
            is_empty = int(batch.lengths) == 0
            texts.append(open_answer(self.tokenizers.target, opening.stop, is_empty))
        state = states[0].join(states[1:])
        return Beginnings(state, torch.tensor(limits, device=device), None, texts)

    def _candidates(
        self, texts: Sequence[str], found: Sequence[Sequence[Hypothesis]], *, alignment: bool
    ) -> list[tuple[Candidate, ...]]:
        """Return the hypotheses of each text as candidates."""
        sources = [text for text, best in zip(texts, found, strict=True) for _ in best]
        flat = [hypothesis for best in found for hypothesis in best]
        decoded = self.texts_of(flat, sources)
        candidates = (
            Candidate(
                text=answer,
                score=hypothesis.score,
                log_probability=hypothesis.log_probability,
                finished=hypothesis.finished,
                alignment=align(self.tokenizers, text, hypothesis) if alignment else None,
            )
            for text, hypothesis, answer in zip(sources, flat, decoded, strict=True)
        )
        return [tuple(islice(candidates, len(best))) for best in found]

    def _scores(
        self,
        network: nn.Module,
        pairs: PairDataset,
        sample: PairDataset,
        decoding: DecodingSettings,
    ) -> TranslationScores:
        """Return the cross-entropy on `pairs`, and scores of answers to `sample`, a subset."""
        cross_entropy = compute_cross_entropy(network, pairs)
        if not math.isfinite(cross_entropy):
            return TranslationScores.not_finite(len(sample), cross_entropy)
        assert sample.texts is not None
        with_attention = self.settings.copy_unknown
        found = decode_pairs(network, sample, decoding, with_attention=with_attention)
        best = [hypotheses[0] for hypotheses in found]
        sources, references = (side.to_list() for side in sample.texts)
        return score_translations(
            sources,
            references,
            self.texts_of(best, sources),
            cross_entropy=cross_entropy,
            cut_share=sum(not hypothesis.finished for hypothesis in best) / len(best),
            bleu_tokenizer=self.settings.bleu_tokenizer,
            lowercase=self.settings.lowercase,
            samples=self.settings.samples,
        )

    def texts_of(self, hypotheses: Sequence[Hypothesis], sources: Sequence[str]) -> list[str]:
        """Decode hypotheses into texts; with `copy_unknown`, OOV tokens come from the sources."""
        ids = column_of([hypothesis.ids for hypothesis in hypotheses])
        texts = write_answers(self.tokenizers.target, ids)
        answers = cast(list[str], texts.to_list())
        if not self.settings.copy_unknown:
            return answers
        rows = zip(sources, hypotheses, answers, strict=True)
        return [
            copy_unknown_words(self.tokenizers, source, found, answer)
            for source, found, answer in rows
        ]

    def explain_scores(
        self, network: nn.Module, sides: Sequence[Tensor], wanted: str | None
    ) -> ExplainedScores:
        """Return the logit of each word of an answer, see `explain_answer`.

        Args:
            network: the encoder-decoder.
            sides: ids of the source, and decoder inputs: GO and the answer, [1, time] each.
            wanted: must be None.

        Raises:
            ConfigError: a class is asked for.
            DataError: the answer is empty.
        """
        if wanted is not None:
            raise ConfigError("class: a model that writes text has no classes; leave it out")
        tokens = sides[1][0, 1:].cpu()
        if not len(tokens):
            raise DataError("the answer to this text is empty: there is no word to explain")
        written = locate_target(self.tokenizers, tokens.tolist())
        words = find_words(written.text)
        names = [name.strip() for name, _ in words]
        numbers = number_words(words, written.starts)
        used, word_of = np.unique(numbers, return_inverse=True)
        return explain_answer(
            written.text,
            [names[number] for number in used.tolist()],
            word_of.tolist(),
            tokens,
            source_time=sides[0].shape[1],
        )

    def card(self, scores: Mapping[str, Any], noun: str) -> Card:
        """Return how answers were scored."""
        return Card(
            kind="model that answers a text with a text",
            about="It generates one token after the other.",
            details=f"BLEU and chrF by sacrebleu: {'; '.join(scores['signatures'])}. "
            f"{scores['cut_share']:.1%} of the answers were cut at the length limit.",
            limits="It always answers, and fluently\neven if it is wrong.",
        )


def column_of(rows: Sequence[Sequence[int]]) -> TokenColumn:
    """Return rows of ids as a token column."""
    offsets = np.cumsum([0, *map(len, rows)])
    values = [token for row in rows for token in row]
    return token_column(np.asarray(values, dtype=np.int32), offsets)


@torch.inference_mode()
def compute_cross_entropy(network: nn.Module, pairs: PairDataset) -> float:
    """Return the cross-entropy of the targets with teacher forcing, in nats per token."""
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

    Targets are not used. The training mode is restored.
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
