"""Fitting on pairs of texts: a baseline, without torch, or a network."""

import math
import time
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from munjang.baselines import fit_pair_baseline
from munjang.comparison.fitted import Fitted, baseline_figures
from munjang.comparison.kept import Part, part_file, read_part, write_answers
from munjang.comparison.plan import Job

COLUMNS = ("source", "target")
COUNTED = ("bleu_tokenizer", "lowercase")


def counted_by(given: Mapping[str, Any]) -> dict[str, Any]:
    """How BLEU and chrF are counted, as every plan says it: bleu_tokenizer and lowercase."""
    return {key: given["translate"][key] for key in COUNTED}


def fit_pairs(job: Job, parts: Path, out: Path) -> Fitted:
    """The model of a job, fitted on the parts in a folder and saved in `out`."""
    return _baseline(job, parts, out) if job.entrant.is_baseline else _network(job, parts, out)


def _baseline(job: Job, parts: Path, out: Path) -> Fitted:
    if job.entrant.model != "copy":
        import_module("sklearn.feature_extraction.text")  # is not time of the fit
    train = read_part(parts, "train")
    began = time.perf_counter()
    counted = counted_by(job.given)
    model = fit_pair_baseline(job.entrant.model, train.texts, train.answers, counted)
    seconds = time.perf_counter() - began
    model.save(out)

    def keep(test: Part, run: Path) -> dict[str, float]:
        write_answers(run, [answer.text for answer in model.predict(test.texts)])
        return {}

    return Fitted(baseline_figures(model.parameters, seconds), model.predict, keep)


def _network(job: Job, parts: Path, out: Path) -> Fitted:
    import_module("sacrebleu")  # must not count as time of the first evaluation

    from munjang.comparison.networks import fit_network, network_figures
    from munjang.data.pairs.read import read_pairs
    from munjang.pair_folder import PairModel

    trained, watch = fit_network(job, parts, out)
    model = trained.model
    assert isinstance(model, PairModel)

    def keep(test: Part, run: Path) -> dict[str, float]:
        file, (source, target) = part_file(parts, "test"), COLUMNS
        table = read_pairs(str(file), source_column=source, target_column=target, max_ratio=None)
        scores = model.evaluate(table)
        write_answers(run, scores.hypotheses)
        judged = {"cross_entropy": scores.cross_entropy, "cut_share": scores.cut_share}
        return {name: value for name, value in judged.items() if math.isfinite(value)}

    return Fitted(network_figures(trained, watch), model.predict, keep)
