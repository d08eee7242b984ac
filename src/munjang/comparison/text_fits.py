"""Fitting on labelled texts: a baseline, without torch, or a network."""

import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from munjang.baselines import fit_baseline
from munjang.comparison.fitted import Fitted, baseline_figures
from munjang.comparison.kept import Part, class_numbers, labels_of, read_part, write_probabilities
from munjang.comparison.plan import Job


def fit_texts(job: Job, parts: Path, out: Path) -> Fitted:
    """The model of a job, fitted on the parts in a folder and saved in `out`."""
    return _baseline(job, parts, out) if job.entrant.is_baseline else _network(job, parts, out)


def _baseline(job: Job, parts: Path, out: Path) -> Fitted:
    if job.entrant.model != "majority":  # which counts, and nothing else
        for module in ("feature_extraction.text", "linear_model", "preprocessing", "svm"):
            import_module(f"sklearn.{module}")  # takes seconds, which are not those of the fit
    labels = labels_of(parts)
    train = read_part(parts, "train")
    targets = class_numbers(train, labels)
    began = time.perf_counter()
    model = fit_baseline(job.entrant.model, train.texts, targets, labels)
    seconds = time.perf_counter() - began
    model.save(out)
    return _fitted(baseline_figures(model.parameters, seconds), model.predictor())


def _network(job: Job, parts: Path, out: Path) -> Fitted:
    import sklearn.metrics  # noqa: F401  (its import must not count as time of the first evaluation)

    from munjang.comparison.networks import fit_network, network_figures

    trained, watch = fit_network(job, parts, out)
    return _fitted(network_figures(trained, watch), trained.model.predict_proba)


def _fitted(figures: dict[str, Any], predict_proba: Any) -> Fitted:
    def keep(test: Part, run: Path) -> dict[str, float]:
        write_probabilities(run, np.asarray(predict_proba(test.texts)))
        return {}

    def answer(texts: Sequence[str]) -> Any:
        return predict_proba(texts)

    return Fitted(figures, answer, keep)
