"""Metrics of language models, beside those of an n-gram model."""

import math
from dataclasses import dataclass, replace
from typing import Any

from munjang.tasks.metric_table import fields_to_json


@dataclass(frozen=True)
class LanguageScores:
    """Scores of a language model on a text.

    Attributes:
        tokens: number of predicted tokens: all but the first.
        characters: number of characters of the text, line breaks included.
        bytes: number of its bytes in UTF-8.
        cross_entropy: nats per token.
        perplexity: its exponential.
        bits_per_character: bits per character; of the same text comparable between tokenizers.
        bits_per_byte: bits per byte, likewise.
        baseline_cross_entropy: nats per token of the n-gram model; None without one.
    """

    tokens: int
    characters: int
    bytes: int
    cross_entropy: float
    perplexity: float
    bits_per_character: float
    bits_per_byte: float
    baseline_cross_entropy: float | None = None

    @classmethod
    def of(cls, loss: float, *, tokens: int, characters: int, bytes: int) -> "LanguageScores":
        """Return the scores of a text whose tokens have `loss` nats together."""
        mean, bits = loss / max(1, tokens), loss / math.log(2)
        return cls(
            tokens=tokens,
            characters=characters,
            bytes=bytes,
            cross_entropy=mean,
            perplexity=_exponential(mean),
            bits_per_character=bits / max(1, characters),
            bits_per_byte=bits / max(1, bytes),
        )

    def beside(self, baseline_loss: float) -> "LanguageScores":
        """Return the scores with the negative log-likelihood in nats of an n-gram model."""
        return replace(self, baseline_cross_entropy=baseline_loss / max(1, self.tokens))

    @property
    def rows(self) -> int:
        """Number of predicted tokens."""
        return self.tokens

    @property
    def metrics(self) -> dict[str, float]:
        """Metrics by name."""
        names = ("cross_entropy", "perplexity", "bits_per_character", "bits_per_byte")
        return {name: getattr(self, name) for name in names}

    @property
    def baseline_name(self) -> str:
        """Name of the baseline."""
        return "n-grams"

    @property
    def baseline_metrics(self) -> dict[str, float]:
        """Metrics of the n-gram model; empty without one."""
        if self.baseline_cross_entropy is None:
            return {}
        loss = self.baseline_cross_entropy * self.tokens
        other = LanguageScores.of(
            loss, tokens=self.tokens, characters=self.characters, bytes=self.bytes
        )
        return other.metrics

    @property
    def is_finite(self) -> bool:
        """True if the weights gave finite numbers."""
        return math.isfinite(self.cross_entropy)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; a metric that is not finite is null."""
        values = {"rows": self.rows, **fields_to_json(self)}
        return {k: v for k, v in values.items() if v is not None}


def _exponential(value: float) -> float:
    """Return the exponential, infinite where it is too large for a float."""
    return math.exp(value) if value < 700 else math.nan if math.isnan(value) else math.inf
