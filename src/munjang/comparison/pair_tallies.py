"""Scores of written answers as functions of sums over rows.

BLEU and chrF are counted over the whole, not averaged over sentences: sacrebleu gives the counts of
each sentence and the score of their sums, which is what its own tests of significance are made of.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from munjang.comparison.statistics import Floats, Tally, mean_tally
from munjang.tasks.translation_scores import is_exact_match, list_signatures, sacrebleu_metrics

METRICS = ("chrf", "bleu", "exact_match")


class PairTallies:
    """Tallies of answers against one reference each.

    Args:
        references: One per row.
        bleu_tokenizer: Tokenization of sacrebleu for BLEU.
        lowercase: Ignore case in BLEU and chrF.
    """

    def __init__(self, references: Sequence[str], bleu_tokenizer: str, *, lowercase: bool) -> None:
        self.references = list(references)
        self._counted = sacrebleu_metrics(bleu_tokenizer, lowercase=lowercase)

    def tally(self, metric: str, answers: Sequence[str]) -> Tally:
        """Return one of `METRICS` of one run, whose answers are in the order of the references."""
        if metric == "exact_match":
            same = np.array(list(map(is_exact_match, answers, self.references)), dtype=np.float64)
            return mean_tally(same)
        counted = self._counted[metric]
        counts = counted._extract_corpus_statistics(list(answers), [self.references])
        return Tally(np.asarray(counts, dtype=np.float64), _score_of(counted))

    @property
    def signatures(self) -> tuple[str, ...]:
        """Signatures of sacrebleu, once both BLEU and chrF were computed."""
        return list_signatures(self._counted)


def _score_of(metric: Any) -> Callable[[Floats], Floats]:
    def figure(sums: Floats) -> Floats:
        # as lists: sacrebleu iterates over single numbers, which is slow with NumPy's
        scores = [metric._compute_score_from_stats(row).score for row in sums.tolist()]
        return np.minimum(scores, 100.0)  # a perfect BLEU is 100.00000000000004

    return figure
