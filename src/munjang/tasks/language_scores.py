"""Metrics of language models: nats per token, and bits per character and byte of the text.

Nats per token, and perplexity, compare models of the same tokens: a text of fewer, longer tokens
has more nats in each. Bits per character and per byte (UTF-8) divide the same sum by a length that
no tokenizer changes, so they compare any models whose tokens give the text back.
"""

import math
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

from munjang.data.streams.encode import BITS_PER_BYTE
from munjang.tasks.displayed_scores import DisplayedScores
from munjang.tasks.metric_table import finite_or_none, perplexity_of

_METRICS = ("cross_entropy", "perplexity", "bits_per_character", "bits_per_byte")


@dataclass(frozen=True, repr=False)
class LanguageScores(DisplayedScores):
    """Scores of a language model on a text.

    Attributes:
        rows: number of scored rows: a row is a predicted token.
        tokens: number of predicted tokens.
        characters: number of characters (code points) that they stand for.
        bytes: number of bytes of these in UTF-8.
        unknown_bytes: number of bytes of tokens outside of the vocabulary.
        cross_entropy: nats per token.
        perplexity: its exponential: the number of equally likely tokens with that cross-entropy.
        bits_per_character: bits of all tokens, divided by the number of characters.
        bits_per_byte: bits of all tokens, divided by the number of bytes.
    """

    unit: ClassVar[str] = "token"

    rows: int
    tokens: int
    characters: int
    bytes: int
    unknown_bytes: int
    cross_entropy: float
    perplexity: float
    bits_per_character: float
    bits_per_byte: float

    @classmethod
    def from_nats(
        cls,
        nats: float,
        *,
        rows: int,
        tokens: int,
        characters: int,
        bytes: int,
        unknown_bytes: int = 0,
    ) -> Self:
        """Return the scores of a sum of negative log-probabilities.

        A model that says "a token outside of the vocabulary" does not say which. So that this does
        not count as a prediction of the text, bits per character and per byte add the cost of
        writing these tokens out: 8 bits for each of their bytes.

        Args:
            nats: sum over all tokens.
            rows: number of scored rows.
            tokens: number of predicted tokens.
            characters: number of characters that they stand for.
            bytes: number of bytes of these in UTF-8.
            unknown_bytes: number of bytes of tokens outside of the vocabulary.
        """
        cross_entropy = nats / max(1, tokens)
        bits = nats / math.log(2) + BITS_PER_BYTE * unknown_bytes
        return cls(
            rows=rows,
            tokens=tokens,
            characters=characters,
            bytes=bytes,
            unknown_bytes=unknown_bytes,
            cross_entropy=cross_entropy,
            perplexity=perplexity_of(cross_entropy),
            bits_per_character=bits / max(1, characters),
            bits_per_byte=bits / max(1, bytes),
        )

    def with_baseline(self, name: str, nats: float) -> "LanguageScoresBeside":
        """Return the scores beside those of another model of the same tokens.

        Args:
            name: name of the baseline for people.
            nats: its sum over all tokens.
        """
        sizes = ("rows", "tokens", "characters", "bytes", "unknown_bytes")
        baseline = LanguageScores.from_nats(nats, **{size: getattr(self, size) for size in sizes})
        scores = {field.name: getattr(self, field.name) for field in fields(LanguageScores)}
        return LanguageScoresBeside(**scores, baseline_name=name, baseline=baseline)

    @property
    def metrics(self) -> dict[str, float]:
        """Metrics over the whole text, by name."""
        return {name: getattr(self, name) for name in _METRICS}

    @property
    def is_finite(self) -> bool:
        """True if the weights gave finite numbers."""
        return math.isfinite(self.cross_entropy)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; a metric that is not finite is null."""
        sizes = ("rows", "tokens", "characters", "bytes", "unknown_bytes")
        return {name: getattr(self, name) for name in sizes} | {
            name: finite_or_none(value) for name, value in self.metrics.items()
        }


@dataclass(frozen=True, repr=False)
class LanguageScoresBeside(LanguageScores):
    """Scores of a language model, beside those of a baseline on the same tokens.

    Attributes:
        baseline_name: name of the baseline for people, such as "Kneser-Ney, 5 tokens".
        baseline: its scores.
    """

    baseline_name: str
    baseline: LanguageScores

    @property
    def baseline_metrics(self) -> dict[str, float]:
        """Metrics of the baseline."""
        return self.baseline.metrics

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; a metric that is not finite is null."""
        beside = {
            f"baseline_{name}": finite_or_none(value)
            for name, value in self.baseline.metrics.items()
        }
        return {**super().to_json(), "baseline": self.baseline_name, **beside}
