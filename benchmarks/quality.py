"""Quality in English, from scratch, with default settings: every encoder, and honest baselines.

trec and sst2 are trained on their train part (sst2 is validated on dev, trec on a fiftieth of
train) and judged on test once, for each seed. On trec labels are smoothed, and five members and a
linear model answer together, which five folds of its train part asked for. mr has no parts: ten
folds, stratified, each judged once by models that saw the other nine. The baselines of `munjang
compare` stand in the same table.

    python benchmarks/quality.py [--data trec sst2 mr] [--models cnn lstm] [--seeds 3]

Runs go two at a time, each on one thread; the seconds are those of one such run.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from machine import data_folder, describe_machine

NETWORKS = ("mean", "cnn", "rnn", "lstm", "gru", "transformer")
BASELINES = ("majority", "tfidf-words", "tfidf-characters", "nbsvm")
FOLDS = 10
SETTINGS = {
    "trec": [
        "classify.label_smoothing=0.1",
        "model.linear_share=0.33",
        "model.members=5",
        "data.valid=0.02",
    ],
}


@dataclass(frozen=True)
class Run:
    """One training and its one look at what it has not seen; for mr the seed is the fold."""

    data: str
    model: str
    seed: int


def parts(run: Run):
    """Train, validation (or None) and test as data frames of `label` and `text`."""
    import numpy as np
    import polars as pl
    from sklearn.model_selection import StratifiedKFold

    def read(name: str) -> pl.DataFrame:
        path = data_folder() / run.data / f"{name}.tsv"
        return pl.read_csv(
            path, separator="\t", quote_char=None, schema_overrides={"label": pl.String}
        )

    if run.data == "mr":
        whole = read("all")
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
        rows, held = list(folds.split(np.zeros(len(whole)), whole["label"].to_numpy()))[run.seed]
        return whole[rows], None, whole[held]
    return read("train"), read("dev") if run.data == "sst2" else None, read("test")


def network(run: Run) -> dict[str, float]:
    import munjang

    train, valid, test = parts(run)
    began = time.perf_counter()
    trained = munjang.train(
        (train["text"], train["label"]),
        model=run.model,
        valid=None if valid is None else (valid["text"], valid["label"]),
        overrides=["training.threads=1", *SETTINGS.get(run.data, [])],
        seed=run.seed,
    )
    seconds = time.perf_counter() - began
    scores = munjang.evaluate(trained.model, (test["text"], test["label"]))
    size = trained.metrics["training"]["parameters"]
    return {"accuracy": scores.accuracy, "seconds": seconds, "parameters": size}


def baseline(run: Run) -> dict[str, float]:
    import numpy as np

    from munjang.baselines import fit_baseline

    train, _, test = parts(run)
    labels = sorted(train["label"].unique())
    targets = np.array([labels.index(label) for label in train["label"]])
    began = time.perf_counter()
    fitted = fit_baseline(run.model, train["text"].to_list(), targets, labels)
    seconds = time.perf_counter() - began
    guesses = fitted.predict_proba(test["text"]).argmax(1)
    right = np.mean(
        [labels[guess] == truth for guess, truth in zip(guesses, test["label"], strict=True)]
    )
    return {"accuracy": float(right), "seconds": seconds, "parameters": fitted.parameters}


def in_its_own_process(run: Run) -> dict[str, float]:
    command = [sys.executable, __file__, "--child", run.data, run.model, str(run.seed)]
    one_thread = {**os.environ, "OMP_NUM_THREADS": "1"}
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=one_thread)
    if result.returncode:
        sys.exit(f"{run} failed:\n{result.stderr[-2000:]}")
    return json.loads(result.stdout.splitlines()[-1])


def runs(data: str, models: list[str], seeds: int) -> Iterator[tuple[str, list[Run]]]:
    for model in models:
        if data == "mr":
            yield model, [Run(data, model, fold) for fold in range(FOLDS)]
        else:
            yield model, [Run(data, model, s) for s in range(1 if model in BASELINES else seeds)]


def row(model: str, found: list[dict[str, float]]) -> str:
    accuracy = [100 * f["accuracy"] for f in found]
    spread = f" ± {statistics.stdev(accuracy):.2f}" if len(accuracy) > 1 else ""
    seconds = statistics.median(f["seconds"] for f in found)
    return (
        f"| {model} | {statistics.mean(accuracy):.2f}{spread} | {len(found)} | {seconds:.1f} | "
        f"{found[0]['parameters']:,.0f} |"
    )


def main() -> None:
    """Train, judge and print one table a corpus."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", nargs="+", default=["trec", "sst2", "mr"])
    parser.add_argument("--models", nargs="+", default=[*BASELINES, *NETWORKS])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--at-once", type=int, default=2)
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        data, model, seed = options.child
        kind = baseline if model in BASELINES else network
        print(json.dumps(kind(Run(data, model, int(seed)))))
        return
    print(describe_machine(), flush=True)
    with ThreadPoolExecutor(options.at_once) as pool:
        for data in options.data:
            print(f"\n## {data}\n\n| model | accuracy | runs | seconds | parameters |")
            print("|---|---|---|---|---|", flush=True)
            for model, some in runs(data, options.models, options.seeds):
                print(row(model, list(pool.map(in_its_own_process, some))), flush=True)


if __name__ == "__main__":
    main()
