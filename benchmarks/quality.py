"""Quality from scratch, with default settings: every encoder, honest baselines, and fastText.

nsmc, trec and sst2 are trained on their train part (sst2 is validated on dev, the others on rows
held out of train) and judged on test once, for each seed. On trec labels are smoothed, and five
members and a linear model answer together, which five folds of its train part asked for;
`trec-alone` has one network in place of five, and holds out more to choose its step by accuracy. mr
has no parts: ten folds, stratified, each judged once by models that saw the other nine. The
baselines of `munjang compare` and fastText stand in the same table.

    python benchmarks/quality.py [--data nsmc trec trec-alone sst2 mr] [--models cnn] [--seeds 3]

Runs go two at a time, each on one thread; the seconds are those of one such run.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from machine import data_folder, describe_machine
from nsmc import FASTTEXT
from peers import need_data, present

NETWORKS = ("mean", "cnn", "rnn", "lstm", "gru", "transformer")
BASELINES = ("majority", "tfidf-words", "tfidf-characters", "nbsvm")
PEERS = ("fasttext",)
FOLDS = 10
# found on sst2's dev part and three folds of trec's train part
FASTTEXT_ENGLISH = {"lr": 0.3, "epoch": 30, "wordNgrams": 2, "bucket": 200_000}
TREC = ["classify.label_smoothing=0.1", "model.linear_weight=0.33"]
SETTINGS = {
    # of 109 rows accuracy says too little to choose a step by
    "trec": [
        *TREC,
        "model.ensemble_size=5",
        "data.validation_split=0.02",
        "training.metric=log_loss",
    ],
    "trec-alone": [*TREC, "data.validation_split=0.05"],
}


@dataclass(frozen=True)
class Run:
    """One training and its one look at what it has not seen; for mr the seed is the fold."""

    data: str
    model: str
    seed: int


def read_parts(run: Run):
    """Train, validation (or None) and test as data frames of `label` and `text`."""
    import numpy as np
    import polars as pl
    from sklearn.model_selection import StratifiedKFold

    def read(name: str) -> pl.DataFrame:
        path = data_folder() / run.data.removesuffix("-alone") / f"{name}.tsv"
        table = pl.read_csv(
            path, separator="\t", quote_char=None, schema_overrides={"label": pl.String}
        )
        return table.rename({"document": "text"}, strict=False)

    if run.data == "mr":
        whole = read("all")
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
        rows, held = list(folds.split(np.zeros(len(whole)), whole["label"].to_numpy()))[run.seed]
        return whole[rows], None, whole[held]
    return read("train"), read("dev") if run.data == "sst2" else None, read("test")


def run_network(run: Run) -> dict[str, float]:
    import munjang

    train, valid, test = read_parts(run)
    start = time.perf_counter()
    trained = munjang.train(
        (train["text"], train["label"]),
        model=run.model,
        valid=None if valid is None else (valid["text"], valid["label"]),
        overrides=["training.threads=1", *SETTINGS.get(run.data, [])],
        seed=run.seed,
    )
    seconds = time.perf_counter() - start
    scores = munjang.evaluate(trained.model, (test["text"], test["label"]))
    size = trained.metrics["training"]["parameters"]
    return {"accuracy": scores.accuracy, "seconds": seconds, "parameters": size}


def run_baseline(run: Run) -> dict[str, float]:
    import numpy as np

    from munjang.baselines import fit_baseline

    train, _, test = read_parts(run)
    labels = sorted(train["label"].unique())
    targets = np.array([labels.index(label) for label in train["label"]])
    start = time.perf_counter()
    fitted = fit_baseline(run.model, train["text"].to_list(), targets, labels)
    seconds = time.perf_counter() - start
    predictions = fitted.predict_proba(test["text"]).argmax(1)
    right = np.mean(
        [labels[guess] == label for guess, label in zip(predictions, test["label"], strict=True)]
    )
    return {"accuracy": float(right), "seconds": seconds, "parameters": fitted.parameters}


def run_peer(run: Run) -> dict[str, float]:
    """fastText by its own command's way: one line a text, the label before it."""
    import fasttext

    def line(text: str) -> str:
        return " ".join(text.split()) if run.data == "nsmc" else " ".join(text.lower().split())

    train, _, test = read_parts(run)
    # it reads its file in order, and mr's is sorted by label
    train = train.sample(fraction=1.0, shuffle=True, seed=run.seed)
    settings = FASTTEXT if run.data == "nsmc" else FASTTEXT_ENGLISH
    start = time.perf_counter()
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        for label, text in zip(train["label"], train["text"], strict=True):
            file.write(f"__label__{label} {line(text)}\n")
        file.flush()
        # `thread` 1: with more a run never repeats itself
        model = fasttext.train_supervised(
            file.name, verbose=0, seed=run.seed, **{**settings, "thread": 1}
        )
    seconds = time.perf_counter() - start
    predictions, _ = model.predict([line(text) for text in test["text"]])
    right = [
        guess[0] == f"__label__{label}"
        for guess, label in zip(predictions, test["label"], strict=True)
    ]
    size = model.get_input_matrix().size + model.get_output_matrix().size
    return {"accuracy": sum(right) / len(right), "seconds": seconds, "parameters": size}


def run_in_subprocess(run: Run) -> dict[str, float]:
    command = [sys.executable, __file__, "--child", run.data, run.model, str(run.seed)]
    one_thread = {**os.environ, "OMP_NUM_THREADS": "1"}
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=one_thread)
    if result.returncode:
        sys.exit(f"{run} failed:\n{result.stderr[-2000:]}")
    return json.loads(result.stdout.splitlines()[-1])


def list_runs(data: str, models: list[str], seeds: int) -> Iterator[tuple[str, list[Run]]]:
    for model in models:
        if data == "mr":
            yield model, [Run(data, model, fold) for fold in range(FOLDS)]
        else:
            yield model, [Run(data, model, s) for s in range(1 if model in BASELINES else seeds)]


def format_row(model: str, result: list[dict[str, float]]) -> str:
    accuracy = [100 * f["accuracy"] for f in result]
    spread = f" ± {statistics.stdev(accuracy):.2f}" if len(accuracy) > 1 else ""
    seconds = statistics.median(f["seconds"] for f in result)
    return (
        f"| {model} | {statistics.mean(accuracy):.2f}{spread} | {len(result)} | {seconds:.1f} | "
        f"{result[0]['parameters']:,.0f} |"
    )


def main() -> None:
    """Train, judge and print one table a corpus."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", nargs="+", default=["nsmc", "trec", "trec-alone", "sst2", "mr"])
    parser.add_argument("--models", nargs="+", default=[*BASELINES, *PEERS, *NETWORKS])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--at-once", type=int, default=2)
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        data, model, seed = options.child
        kind = run_baseline if model in BASELINES else run_peer if model in PEERS else run_network
        print(json.dumps(kind(Run(data, model, int(seed)))))
        return
    for data in options.data:
        need_data(data_folder() / data.removesuffix("-alone"))
    print(describe_machine() + "\n", flush=True)
    models = present(options.models)
    with ThreadPoolExecutor(options.at_once) as pool:
        for data in options.data:
            print(f"\n## {data}\n\n| model | accuracy | runs | seconds | parameters |")
            print("|---|---|---|---|---|", flush=True)
            for model, some in list_runs(data, models, options.seeds):
                print(format_row(model, list(pool.map(run_in_subprocess, some))), flush=True)


if __name__ == "__main__":
    main()
