"""Compare classifiers of texts: one label per text."""

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from munjang.baselines import BASELINES, READ_NO_TEXT
from munjang.comparison.contests.classes import ClassContest

if TYPE_CHECKING:
    from munjang.comparison.plan import Job


class ClassifyContest(ClassContest):
    """One label per text."""

    baselines = BASELINES
    constant = READ_NO_TEXT

    def fit_baseline(self, job: "Job", folder: Path) -> tuple[Any, float]:
        """Fit one of `munjang.baselines`."""
        from munjang.baselines import fit_baseline
        from munjang.comparison.fit import timed
        from munjang.comparison.stored import class_numbers, read_labels, read_part

        if job.candidate.model != "majority":  # it counts, and nothing else
            for module in ("feature_extraction.text", "linear_model", "preprocessing", "svm"):
                import_module(f"sklearn.{module}")  # takes seconds that are not those of the fit
        labels = read_labels(folder)
        train = read_part(folder, "train")
        targets = class_numbers(train, labels)
        return timed(lambda: fit_baseline(job.candidate.model, train.inputs, targets, labels))

    def answer(self, model: Any) -> Callable[[Sequence[Any]], Any]:
        """Return the function of texts to probabilities [texts, classes]."""
        predict_proba: Callable[[Sequence[Any]], Any] = (
            model.predictor() if hasattr(model, "predictor") else model.predict_proba
        )
        return predict_proba
