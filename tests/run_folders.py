"""Folders of runs as a server may find them: written by hand, whole and damaged."""

import json
from pathlib import Path
from typing import Any

RECIPE = "task: classify\nmodel:\n  name: gru\ntraining:\n  metric: macro_f1\n"


def log_records(steps: int) -> list[dict[str, Any]]:
    """Records of a training whose macro F1 is best at step 20."""
    records: list[dict[str, Any]] = []
    for step in range(10, steps + 1, 10):
        train = {"loss": 5 / step, "tokens_per_second": 900.0, "learning_rate": 1e-3}
        records.append({"step": step, "part": "train", **train})
        score = 0.8 if step == 20 else 0.7
        records.append({"step": step, "part": "valid", "macro_f1": score, "log_loss": 1.0})
    return records


def write_training(folder: Path, steps: int = 50) -> Path:
    """Write the folder of a training that was stopped."""
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(RECIPE)
    append_records(folder, log_records(steps))
    return folder


def append_records(folder: Path, records: list[dict[str, Any]]) -> None:
    """Append lines to the log of a training."""
    with (folder / "metrics.jsonl").open("a") as log:
        log.writelines(f"{json.dumps(record)}\n" for record in records)


def comparison_plan(models: list[str]) -> dict[str, Any]:
    """Return the plan of a comparison with two seeds of each network."""
    runs = [{"name": model, "folder": model, "seed": seed} for seed in range(2) for model in models]
    return {
        "format": 2,
        "task": "classify",
        "candidates": [{"model": model} for model in models],
        "seeds": 2,
        "budget": {"amount": 8.0, "unit": "seconds"},
        "metric": "accuracy",
        "given": {},
        "data": "0" * 64,
        "margin": 0.01,
        "runs": runs,
    }


def comparison_results() -> dict[str, Any]:
    """Return what `compare.json` holds, as far as it is shown."""
    first = {
        "name": "cnn",
        "runs": 2,
        "seeds": 2,
        "score": 0.9,
        "over_seeds": {"low": 0.88, "high": 0.92},
        "over_rows": {"low": 0.87, "high": 0.93},
        "verdict": "the best",
        "parameters": 1234,
        "folder_bytes": 5_000_000,
        "seconds": 7.5,
        "p50": 0.2,
        "p99": 0.4,
    }
    gap = {"value": 0.05, "at_most": float("inf")}
    second = {**first, "name": "mean", "score": 0.85, "to_best": gap, "verdict": "worse as trained"}
    failed = {"name": "rnn", "runs": 0, "seeds": 2, "reasons": ["out of memory"]}
    curve = {"name": "cnn", "seed": 0, "seconds": [1.0, 2.0], "scores": [0.7, 0.9]}
    return {
        "task": "classify",
        "metric": "accuracy",
        "machine": "two cores",
        "rows": {"train": 80, "valid": 10, "test": 10},
        "standings": [first, second, failed],
        "choice": {"name": "cnn", "why": "it is the best", "is_conclusive": True},
        "curves": [curve],
        "disagreements": [{"text": "not shown"}],
    }


def write_comparison(folder: Path, *, is_finished: bool = True) -> Path:
    """Write the folder of a comparison; one that is not finished has one run that is."""
    folder.mkdir(parents=True)
    plan = comparison_plan(["cnn", "mean"])
    (folder / "comparison.json").write_text(json.dumps(plan))
    if is_finished:
        (folder / "compare.json").write_text(json.dumps(comparison_results()))
        return folder
    run = folder / "runs" / "cnn" / "seed-0"
    run.mkdir(parents=True)
    (run / "run.json").write_text(json.dumps({"status": "failed", "reason": "out of memory"}))
    return folder


def search_results(trials: int, *, is_finished: bool = True) -> dict[str, Any]:
    """Return what `tune.json` holds; the second trial is the best."""
    rows = [
        {
            "number": number,
            "ended": "pruned" if number == 3 else "done",
            "value": 0.9 if number == 2 else 0.5 + number / 10_000,
            "settings": {"model.dim": 16 * number, "model.widths": [2, 3], "model.kind": "max"},
            "epochs": 1,
            "steps": 40,
            "seconds": 1.5,
            "note": "",
        }
        for number in range(1, trials + 1)
    ]
    return {
        "task": "classify",
        "metric": "accuracy",
        "wanted": trials if is_finished else trials + 5,
        "is_finished": is_finished,
        "best": rows[1],
        "space": {},
        "defaults": {"model.dim": 32},
        "importance": {"model.dim": 0.75},
        "trials": rows,
    }


def write_search(folder: Path, trials: int = 4, *, is_finished: bool = True) -> Path:
    """Write the folder of a search; one that is not finished was stopped."""
    folder.mkdir(parents=True)
    (folder / "tuning.json").write_text("{}")
    results = search_results(trials, is_finished=is_finished)
    (folder / "tune.json").write_text(json.dumps(results))
    return folder


def write_export(folder: Path) -> Path:
    """Write the settings of an exported model, without its graph."""
    folder.mkdir(parents=True)
    (folder / "munjang.json").write_text(json.dumps({"task": "classify", "model": "cnn"}))
    return folder
