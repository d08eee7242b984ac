"""One run in a process of its own: `python -m munjang.comparison.worker RUN-FOLDER PARTS-FOLDER`.

Whatever happens to it costs this run alone. It ends when its standard input does: a comparison that
was killed leaves nobody behind who writes into its folder.
"""

import errno
import json
import os
import shutil
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from munjang.baselines import fit_baseline
from munjang.comparison.kept import labels_of, read_part
from munjang.comparison.measure import folder_bytes, latency
from munjang.comparison.plan import ANSWERS, MODEL, RUN, Job
from munjang.manifest import write_atomically, written_whole
from munjang.memory import peak_memory

# What the system says when a disk, or a person's share of it, is full.
FULL = (errno.ENOSPC, errno.EDQUOT)

Answer = Callable[[Sequence[str]], Any]
JOB = "job.json"


def work(folder: Path, parts: Path) -> None:
    """Fit, judge and measure; `run.json` is written last, whole, also when the run failed."""
    job = Job.from_json(json.loads((folder / JOB).read_text(encoding="utf-8")))
    try:
        figures = _fit(job, parts, folder / MODEL)
        answer = figures.pop("answer")
        figures["memory_bytes"] = peak_memory()
        test = read_part(parts, "test", labels_of(parts))
        probabilities = np.asarray(answer(test.texts))
        with written_whole(folder / ANSWERS) as partial:
            save_file({"probabilities": probabilities}, partial)
        figures["latency"] = asdict(latency(answer, test.texts))
        figures["folder_bytes"] = folder_bytes(folder / MODEL)
        record = {"status": "done", **figures}
    except Exception as error:
        # half a model is of no use, and on a full disk its place is wanted
        shutil.rmtree(folder / MODEL, ignore_errors=True)
        record = {"status": "failed", "reason": _reason(error)}
        if isinstance(error, OSError) and error.errno in FULL:
            record["full"] = [error.errno, error.filename]
        with suppress(OSError):
            traceback.print_exc()
    write_atomically(folder / RUN, json.dumps(record, ensure_ascii=False) + "\n")


def _fit(job: Job, parts: Path, out: Path) -> dict[str, Any]:
    return _baseline(job, parts, out) if job.entrant.is_baseline else _network(job, parts, out)


def _baseline(job: Job, parts: Path, out: Path) -> dict[str, Any]:
    if job.entrant.model != "majority":  # which counts, and nothing else
        for module in ("feature_extraction.text", "linear_model", "preprocessing", "svm"):
            import_module(f"sklearn.{module}")  # takes seconds, which are not those of the fit
    labels = labels_of(parts)
    train = read_part(parts, "train", labels)
    began = time.perf_counter()
    model = fit_baseline(job.entrant.model, train.texts, train.targets, labels)
    seconds = time.perf_counter() - began
    model.save(out)
    return {
        "answer": model.predictor(),
        "parameters": model.parameters,
        "seconds": seconds,
        "tokens_per_second": None,
        "steps": None,
        "planned_steps": None,
        "history": [],
    }


def _network(job: Job, parts: Path, out: Path) -> dict[str, Any]:
    import sklearn.metrics  # noqa: F401  (its import must not count as time of the first evaluation)
    import torch

    from munjang.comparison.networks import fit_network

    trained = fit_network(job.entrant, job.seed, job.budget, job.given, parts, out)
    training = trained.metrics["training"]

    def answer(texts: Sequence[str]) -> Any:
        return trained.model.predict_proba(texts)

    torch.set_num_threads(1)
    return {
        "answer": answer,
        "parameters": training["parameters"],
        "seconds": training["seconds"],
        "tokens_per_second": training["tokens_per_second"],
        "steps": training["steps"],
        "planned_steps": trained.model.recipe.training.max_steps,
        "history": trained.metrics["history"],
    }


def _reason(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return "out of memory"
    told = " ".join(str(error).split())
    return f"{type(error).__name__}: {told}"[:300] if told else type(error).__name__


def _end_with_the_comparison() -> None:
    """Nothing is ever sent; a read that returns says that whoever held the other end is gone."""
    os.read(0, 1)
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=_end_with_the_comparison, daemon=True).start()
    work(Path(sys.argv[1]), Path(sys.argv[2]))
