"""Compare models of two texts per row: classes, numbers, or sets of labels."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from munjang.baselines.two_texts import TWO_TEXTS_BASELINES
from munjang.comparison.contests.classes import ClassContest
from munjang.comparison.contests.multilabel import MultilabelContest
from munjang.comparison.contests.regress import RegressContest

if TYPE_CHECKING:
    from munjang.comparison.plan import Job
    from munjang.comparison.stored import Part

Fitted = tuple[Any, float]


class ClassifyTwoTextsContest(ClassContest):
    """One label per pair."""

    baselines = TWO_TEXTS_BASELINES["classify"]
    constant = frozenset({"majority"})

    def fit_baseline(self, job: "Job", folder: Path) -> Fitted:
        """Fit one of `munjang.baselines.two_texts` on classes."""
        from munjang.comparison.stored import class_numbers, read_labels, read_part

        labels, train = read_labels(folder), read_part(folder, "train")
        return _fit(job, train, class_numbers(train, labels), labels)

    def answer(self, model: Any) -> Callable[[Sequence[Any]], Any]:
        """Return the function of pairs to probabilities [pairs, classes]."""
        answer: Callable[[Sequence[Any]], Any] = model.predict_proba
        return answer


class RegressTwoTextsContest(RegressContest):
    """A number per pair."""

    baselines = TWO_TEXTS_BASELINES["regress"]
    constant = frozenset({"dummy-mean", "dummy-median"})

    def fit_baseline(self, job: "Job", folder: Path) -> Fitted:
        """Fit one of `munjang.baselines.two_texts` on numbers."""
        from munjang.comparison.stored import read_part

        train = read_part(folder, "train")
        return _fit(job, train, np.asarray(train.targets, dtype=np.float64), ())


class MultilabelTwoTextsContest(MultilabelContest):
    """Any number of labels per pair."""

    baselines = TWO_TEXTS_BASELINES["multilabel"]
    constant = frozenset({"dummy-prior"})

    def fit_baseline(self, job: "Job", folder: Path) -> Fitted:
        """Fit one of `munjang.baselines.two_texts` on sets of labels, and tune its thresholds."""
        from munjang.baselines.two_texts import with_thresholds
        from munjang.comparison.fit import timed
        from munjang.comparison.stored import read_labels, read_part, set_targets

        labels = read_labels(folder)
        train, valid = (read_part(folder, name) for name in ("train", "valid"))
        model, seconds = _fit(job, train, set_targets(train, labels), labels)
        given = job.given.get("multilabel", {}).get("thresholds")
        tuned, more = timed(
            lambda: with_thresholds(model, given, valid.inputs, set_targets(valid, labels))
        )
        return tuned, seconds + more


def _fit(job: "Job", train: "Part", targets: Any, labels: Sequence[str]) -> Fitted:
    from munjang.baselines.two_texts import fit_two_texts_baseline, import_pair_libraries
    from munjang.comparison.fit import timed

    name, task = job.candidate.model, job.given["task"]
    import_pair_libraries(name)
    return timed(lambda: fit_two_texts_baseline(name, task, train.inputs, targets, labels))
