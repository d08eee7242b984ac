"""Metrics of generated texts: BLEU and chrF by sacrebleu, exact match, cross-entropy."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

from munjang.tasks.displayed_scores import DisplayedScores
from munjang.tasks.metric_table import METRICS, finite_or_none

BLEU_TOKENIZERS = Literal["13a", "intl", "char", "zh", "none"]


@dataclass(frozen=True, repr=False)
class TranslationScores(DisplayedScores):
    """Scores of generated texts.

    Attributes:
        rows: number of scored answers.
        bleu: corpus BLEU, 0 to 100 (Papineni et al. 2002).
        chrf: corpus chrF, 0 to 100 (Popović 2015), an F-score of character n-grams.
        exact_match: share of answers equal to the reference, white space at the ends aside.
        cross_entropy: cross-entropy of the references in nats per token, EOS included.
        cut_share: share of answers that were cut at the maximum length.
        signatures: signatures of sacrebleu, which tell how BLEU and chrF were computed.
        samples: some sources, references and answers.
        hypotheses: all answers, in the order of the rows.
    """

    rows: int
    bleu: float
    chrf: float
    exact_match: float
    cross_entropy: float
    cut_share: float
    signatures: tuple[str, ...]
    samples: tuple[tuple[str, str, str], ...]
    hypotheses: tuple[str, ...]

    @classmethod
    def not_finite(cls, rows: int, cross_entropy: float) -> Self:
        """Return scores of weights that are not finite and cannot answer."""
        nan = math.nan
        return cls(rows, nan, nan, nan, cross_entropy, nan, (), (), ())

    @property
    def metrics(self) -> dict[str, float]:
        """Metrics over all rows, by name."""
        return {
            "chrf": self.chrf,
            "bleu": self.bleu,
            "exact_match": self.exact_match,
            "cross_entropy": self.cross_entropy,
            "cut_share": self.cut_share,
        }

    @property
    def is_finite(self) -> bool:
        """True if the cross-entropy is finite."""
        return math.isfinite(self.cross_entropy)

    @property
    def named_samples(self) -> list[dict[str, str]]:
        """The samples with names, for JSON."""
        names = ("source", "reference", "answer")
        return [dict(zip(names, texts, strict=True)) for texts in self.samples]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values, without the answers."""
        return {
            "rows": self.rows,
            **{name: finite_or_none(value) for name, value in self.metrics.items()},
            "signatures": list(self.signatures),
            "samples": self.named_samples,
        }


def sacrebleu_metrics(bleu_tokenizer: str, *, lowercase: bool) -> dict[str, Any]:
    """Return the metrics of sacrebleu by their names in `munjang.tasks.metric_table`.

    Args:
        bleu_tokenizer: tokenizer of sacrebleu for BLEU: 13a, char, none, ...
        lowercase: ignore case.
    """
    # imported here, as the import is slow and prediction needs no metrics
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    return {
        "bleu": BLEU(tokenize=bleu_tokenizer, lowercase=lowercase),
        "chrf": CHRF(lowercase=lowercase),
    }


def list_signatures(metrics: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the signatures of metrics that have scored something."""
    return tuple(f"{METRICS[name].title}|{m.get_signature()}" for name, m in metrics.items())


def is_exact_match(answer: str, reference: str) -> bool:
    """Return whether an answer equals the reference, white space at the ends aside."""
    return answer.strip() == reference.strip()


def score_translations(
    sources: Sequence[str],
    references: Sequence[str],
    hypotheses: Sequence[str],
    *,
    cross_entropy: float,
    cut_share: float,
    bleu_tokenizer: str,
    lowercase: bool,
    samples: int,
) -> TranslationScores:
    """Score answers against one reference each.

    Args:
        sources: source texts.
        references: target texts.
        hypotheses: answers of the model.
        cross_entropy: cross-entropy of the references in nats per token.
        cut_share: share of answers that were cut at the maximum length.
        bleu_tokenizer: tokenizer of sacrebleu for BLEU: 13a, char, none, ...
        lowercase: ignore case.
        samples: number of answers to keep as samples, evenly spaced over the rows.
    """
    metrics = sacrebleu_metrics(bleu_tokenizer, lowercase=lowercase)
    scores = {
        name: float(metric.corpus_score(hypotheses, [references]).score)
        for name, metric in metrics.items()
    }
    exact = sum(map(is_exact_match, hypotheses, references))
    triples = list(zip(sources, references, hypotheses, strict=True))
    step = max(1, len(triples) // max(1, samples))
    return TranslationScores(
        rows=len(hypotheses),
        bleu=scores["bleu"],
        chrf=scores["chrf"],
        exact_match=exact / len(hypotheses),
        cross_entropy=cross_entropy,
        cut_share=cut_share,
        signatures=list_signatures(metrics),
        samples=tuple(triples[::step][:samples]),
        hypotheses=tuple(hypotheses),
    )
