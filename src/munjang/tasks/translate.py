"""From text to text: translations, headlines, answers."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self, cast

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from munjang.config import Settings
from munjang.data.dataset import Dataset
from munjang.data.pairs.examples import PairExamples
from munjang.data.pairs.sides import Sides
from munjang.decoding.decode import decode_sources
from munjang.decoding.hypotheses import Hypothesis
from munjang.decoding.settings import DecodingSettings
from munjang.layers.projection import Projected
from munjang.models.sequence_to_sequence.model import EncoderDecoder
from munjang.tasks.alignment import copied
from munjang.tasks.inference import compute_alone_if_forked
from munjang.tasks.task import Card
from munjang.tasks.translation_scores import (
    BLEU_TOKENIZERS,
    TranslationScores,
    translation_scores,
)
from munjang.text.columns import TokenColumn, token_column
from munjang.text.detokenise import closed_up

# Decoded together: sentences of about the same length.
_BATCH_ROWS = 128


class TranslateSettings(Settings):
    """Settings of the task `translate`."""

    label_smoothing: float = Field(0.1, ge=0, lt=1, description="share spread over all tokens")
    bleu_tokenizer: BLEU_TOKENIZERS = Field("13a", description="how sacrebleu cuts words")
    lowercase: bool = Field(False, description="capitals count as small letters in BLEU and chrF")
    decoded_rows: int = Field(
        1000,
        ge=1,
        le=10**9,
        description="validation pairs that are answered at each look while it trains",
    )
    decoded_seed: int = Field(
        1, ge=0, lt=2**63, description="draws those pairs; the same for the whole training"
    )
    copy_unknown: bool = Field(
        False, description="write what an unknown word looked at in the source in its place"
    )
    samples: int = Field(3, ge=0, le=1000, description="answers that are shown at each look")


@dataclass(frozen=True)
class Translate:
    """The task: how answers are written and judged.

    Attributes:
        settings: loss and scores.
        decoding: how answers are looked for.
        sides: the tokenizers; that of the targets writes the answers.
    """

    settings: TranslateSettings
    decoding: DecodingSettings
    sides: Sides = field(repr=False)
    labels: ClassVar[tuple[str, ...]] = ()

    def loss(self, outputs: Projected, targets: Tensor) -> Tensor:
        """The mean cross-entropy of the target tokens of a batch in nats, smoothed: a scalar."""
        return outputs.loss(targets, self.settings.label_smoothing)

    def judge(self, network: nn.Module, data: Dataset) -> TranslationScores:
        """A quick look while it trains: greedy answers to `decoded_rows` pairs.

        They are drawn from all pairs, since a file may be sorted, and are the same at every look,
        in every training on the same validation part, and after `resume`.
        """
        pairs = cast(PairExamples, data)
        greedy = self.decoding.model_copy(
            update={"method": "greedy", "nbest": 1, "coverage_penalty": 0.0}
        )
        answered = pairs.sample(self.settings.decoded_rows, self.settings.decoded_seed)
        return self._scores(network, pairs, answered, greedy)

    def concluded(self, network: nn.Module, data: Dataset) -> tuple[Self, TranslationScores]:
        """Itself, and the scores of answers that are looked for as in prediction."""
        pairs = cast(PairExamples, data)
        return self, self._scores(network, pairs, pairs, self.decoding)

    def _scores(
        self,
        network: nn.Module,
        pairs: PairExamples,
        answered: PairExamples,
        decoding: DecodingSettings,
    ) -> TranslationScores:
        """Cross-entropy on `pairs`; answers to `answered`, which are some of them or all."""
        cross_entropy = cross_entropy_of(network, pairs)
        if not math.isfinite(cross_entropy):
            return TranslationScores.unsound(len(answered), cross_entropy)
        assert answered.texts is not None
        copies = self.settings.copy_unknown
        best = hypotheses_of(network, answered, decoding, with_attention=copies)
        found = [one[0] for one in best]
        sources, references = (side.to_list() for side in answered.texts)
        return translation_scores(
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
        """Hypotheses to texts; with `copy_unknown`, unknown words come from their sources."""
        ids = column_of([hypothesis.ids for hypothesis in hypotheses])
        texts = self.sides.target.decode(ids)
        if self.sides.target.name == "words":  # the others know where spaces stood
            texts = closed_up(texts)
        written = cast(list[str], texts.to_list())
        if not self.settings.copy_unknown:
            return written
        rows = zip(sources, hypotheses, written, strict=True)
        return [copied(self.sides, source, found, answer) for source, found, answer in rows]

    def learned(self) -> dict[str, Any]:
        """Nothing beside the settings."""
        return {}

    def card(self, scores: Mapping[str, Any]) -> Card:
        """How it was judged."""
        return Card(
            kind="model that answers a text with a text",
            about="It writes one token after the other.",
            details=f"BLEU and chrF by sacrebleu: {'; '.join(scores['signatures'])}. "
            f"{scores['cut_share']:.1%} of the answers were cut at the length limit.",
            limits="It always answers, fluently\nalso where it is wrong.",
        )


def column_of(rows: Sequence[Sequence[int]]) -> TokenColumn:
    """Rows of ids as a token column."""
    offsets = np.cumsum([0, *map(len, rows)])
    values = [token for row in rows for token in row]
    return token_column(np.asarray(values, dtype=np.int32), offsets)


@torch.inference_mode()
def cross_entropy_of(network: nn.Module, pairs: PairExamples) -> float:
    """Of the targets in teacher forcing, in nats a token. The training mode is put back."""
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


def hypotheses_of(
    network: nn.Module,
    pairs: PairExamples,
    decoding: DecodingSettings,
    *,
    seed: int = 0,
    with_attention: bool = False,
) -> list[list[Hypothesis]]:
    """Answers to all sources, the best first, in the order of the rows.

    Targets, where there are any, are not looked at. The training mode is put back.
    """
    compute_alone_if_forked()
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
