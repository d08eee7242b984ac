"""Compare models of the similarity of two texts."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from munjang.baselines.two_texts import TWO_TEXTS_BASELINES
from munjang.comparison.contests.contest import Given, Parts
from munjang.comparison.contests.two_texts import RegressTwoTextsContest
from munjang.errors import ConfigError

if TYPE_CHECKING:
    from munjang.comparison.plan import Job


class SimilarityContest(RegressTwoTextsContest):
    """A number per pair, of the cosine of two vectors.

    Baselines that need no vectors give the number itself: `tfidf-cosine` is a linear function of
    the cosine of counted terms, so that its rank correlation is that of the cosine.
    """

    # of the metrics that may select a step, the one that is a sum over pairs
    metrics: ClassVar[tuple[str, ...]] = ("rmse",)
    also_shown = ("rmse", "spearman", "mae", "r2")
    baselines = TWO_TEXTS_BASELINES["regress"]

    def check(self, model: str, given: Given, parts: Parts) -> None:
        """Refuse losses whose cosines stand for no number, too.

        Raises:
            ConfigError: naming the setting.
        """
        loss = (given.get("similarity") or {}).get("loss", "cosine")
        if loss != "cosine":
            raise ConfigError(
                f"similarity.loss: a comparison judges numbers, which {loss} does not give; "
                "compare with cosine"
            )
        super().check(model, given, parts)

    def fit_baseline(self, job: "Job", folder: Path) -> tuple[Any, float]:
        """Fit one of `munjang.baselines.two_texts` on numbers."""
        from munjang.baselines.two_texts import fit_two_texts_baseline, import_pair_libraries
        from munjang.comparison.fit import timed
        from munjang.comparison.stored import read_part

        name, train = job.candidate.model, read_part(folder, "train")
        targets = np.asarray(train.targets, dtype=np.float64)
        import_pair_libraries(name)
        return timed(lambda: fit_two_texts_baseline(name, "regress", train.inputs, targets))
