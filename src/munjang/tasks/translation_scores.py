"""Metrics of answers in words: BLEU and chrF by sacrebleu, exact match, cross-entropy."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

from munjang.tasks.metric_table import METRICS

BLEU_TOKENIZERS = Literal["13a", "intl", "char", "zh", "none"]


@dataclass(frozen=True)
class TranslationScores:
    """How good written answers are.

    Attributes:
        rows: how many answers were judged.
        bleu: of the whole, 0 to 100 (Papineni et al. 2002).
        chrf: of the whole, 0 to 100 (Popović 2015): character n-grams, fair to Korean endings.
        exact_match: share of answers that are the reference, white space at the ends aside.
        cross_entropy: of the references, in nats a token, the end among them.
        cut_share: share of answers that did not end by themselves within the longest length.
        signatures: of sacrebleu for both, without which the figures mean little.
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
    def unsound(cls, rows: int, cross_entropy: float) -> Self:
        """Return scores of weights that are not finite and cannot answer."""
        none = math.nan
        return cls(rows, none, none, none, cross_entropy, none, (), (), ())

    @property
    def metrics(self) -> dict[str, float]:
        """The figures of the whole, by name."""
        return {
            "chrf": self.chrf,
            "bleu": self.bleu,
            "exact_match": self.exact_match,
            "cross_entropy": self.cross_entropy,
            "cut_share": self.cut_share,
        }

    @property
    def is_finite(self) -> bool:
        """Whether the weights gave finite numbers."""
        return math.isfinite(self.cross_entropy)

    @property
    def named_samples(self) -> list[dict[str, str]]:
        """The samples with names, for JSON."""
        names = ("source", "reference", "answer")
        return [dict(zip(names, texts, strict=True)) for texts in self.samples]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values, without the answers."""
        figures = {k: v if math.isfinite(v) else None for k, v in self.metrics.items()}
        signatures = list(self.signatures)
        return {
            "rows": self.rows,
            **figures,
            "signatures": signatures,
            "samples": self.named_samples,
        }


def sacrebleu_metrics(bleu_tokenizer: str, *, lowercase: bool) -> dict[str, Any]:
    """Return the metrics of sacrebleu by their names in `munjang.tasks.metric_table`.

    Args:
        bleu_tokenizer: how words are cut for BLEU: 13a, char, none, ...
        lowercase: whether capitals count as small letters.
    """
    # imported here: it takes a while, and answering needs no metrics
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
    """Judge answers against one reference each.

    Args:
        sources: what was asked.
        references: what people answered.
        hypotheses: what the model did.
        cross_entropy: of the references, in nats a token.
        cut_share: share of answers that did not end by themselves.
        bleu_tokenizer: how sacrebleu cuts words for BLEU: 13a, char, none, ...
        lowercase: whether capitals count as small letters.
        samples: how many answers to keep as samples, from all over the rows.
    """
    metrics = sacrebleu_metrics(bleu_tokenizer, lowercase=lowercase)
    found = {
        name: float(metric.corpus_score(hypotheses, [references]).score)
        for name, metric in metrics.items()
    }
    same = sum(map(is_exact_match, hypotheses, references))
    triples = list(zip(sources, references, hypotheses, strict=True))
    apart = max(1, len(triples) // max(1, samples))
    return TranslationScores(
        rows=len(hypotheses),
        bleu=found["bleu"],
        chrf=found["chrf"],
        exact_match=same / len(hypotheses),
        cross_entropy=cross_entropy,
        cut_share=cut_share,
        signatures=list_signatures(metrics),
        samples=tuple(triples[::apart][:samples]),
        hypotheses=tuple(hypotheses),
    )
