"""Latency of one text from Python with a loaded model, on one core, beside peers.

    python benchmarks/latency.py [--data nsmc/train.tsv] [--models mean cnn lstm] [--texts 1000]

Each model gets the defaults for Korean and one pass over 20,000 reviews: a short training gives the
same sizes as a long one. Then every text goes through `munjang.load(folder).predict([text])` alone,
through `predict` of fastText and through a pipeline of scikit-learn, TF-IDF of characters and
logistic regression, both trained on the same reviews. A peer that is not installed is named and
left out. A second table says where our time goes, a third what a column of 10,000 texts takes.

Exits with 1 when the median of a model is above its aim.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from machine import data_folder, describe_machine
from nsmc import FASTTEXT

AIMS = {"mean": 0.3, "cnn": 0.8, "lstm": 1.0, "gru": 1.0, "transformer": 1.2}  # ms
TRAINED_ON, COLUMN, REPEATS = 20_000, 10_000, 5
OTHERS = ["--task", "classify", "--set", "training.epochs=1", "--text-column", "document"]

Predict = Callable[[str], Any]


def train(model: str, data: Path, folder: Path) -> None:
    """One model folder, by the command line."""
    command = [sys.executable, "-m", "munjang", "train", str(data), "--model", model, *OTHERS]
    subprocess.run([*command, "--out", str(folder)], check=True, capture_output=True)


def train_fasttext(texts: list[str], labels: list[str], scratch: Path) -> Predict:
    """`predict` of a model of fastText; one line per text, the label before it."""
    import train_fasttext

    lines = (f"__label__{label} {text}\n" for text, label in zip(texts, labels, strict=True))
    path = scratch / "fasttext.txt"
    path.write_text("".join(lines), encoding="utf-8")
    return train_fasttext.train_supervised(str(path), verbose=0, **FASTTEXT).predict


def train_sklearn(texts: list[str], labels: list[str], scratch: Path) -> Predict:
    """`predict` of a pipeline of scikit-learn."""
    from train_sklearn.feature_extraction.text import TfidfVectorizer
    from train_sklearn.linear_model import LogisticRegression
    from train_sklearn.pipeline import make_pipeline

    del scratch
    counts = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), min_df=2)
    pipeline = make_pipeline(counts, LogisticRegression(max_iter=200)).fit(texts, labels)
    return lambda text: pipeline.predict([text])


PEERS = {"fastText": train_fasttext, "TF-IDF and logistic regression": train_sklearn}


def measure_milliseconds(work: Callable[[Any], Any], items: list[Any]) -> np.ndarray:
    """Return the milliseconds that `work` takes per item, after a warm-up [items]."""
    for item in items[:50]:
        work(item)
    taken = []
    for item in items:
        start = time.perf_counter()
        work(item)
        taken.append(time.perf_counter() - start)
    return np.array(taken) * 1000


def format_row(name: str, taken: np.ndarray) -> str:
    """A row of the first table."""
    figures = " | ".join(f"{value:.3f}" for value in np.percentile(taken, [50, 90, 99]))
    return f"| {name} | {figures} | {1000 / taken.mean():,.0f} |"


def measure_parts(model: Any, texts: list[str]) -> dict[str, float]:
    """The median milliseconds of each part of the way of one text."""
    import torch

    encoded = [model.input.encode_values([text]) for text in texts]
    networks = [each.adapt(model.network) for each in encoded]
    batches = [next(each.dataset().in_order_of_length()) for each in encoded]
    positions = list(range(len(texts)))
    with torch.inference_mode():
        logits = networks[0](*batches[0].inputs)
        taken = {
            "text to ids": lambda n: model.input.encode_values([texts[n]]),
            "ids to tensors": lambda n: (
                next(encoded[n].dataset().in_order_of_length()),
                encoded[n].adapt(model.network),
            ),
            "network": lambda n: networks[n](*batches[n].inputs),
            "answer": lambda n: model.task.answers_of(logits, encoded[n].truncated),
        }
        return {
            name: float(np.median(measure_milliseconds(w, positions))) for name, w in taken.items()
        }


def time_column(model: Any, texts: list[str]) -> float:
    """Processor seconds for all texts at once, the median of some runs."""
    taken = []
    for _ in range(REPEATS):
        start = time.process_time()
        model.predict(texts)
        taken.append(time.process_time() - start)
    return float(np.median(taken))


def print_peer_rows(texts: list[str], known: list[list[str]], scratch: Path) -> None:
    """Print a row for each peer that is installed."""
    for name, fit in PEERS.items():
        try:
            predict = fit([fields[1] for fields in known], [fields[2] for fields in known], scratch)
        except ImportError as error:
            print(f"| {name} | not installed ({error.name}) | | | |")
            continue
        print(format_row(name, measure_milliseconds(predict, texts)))


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=data_folder() / "nsmc" / "train.tsv")
    parser.add_argument("--models", nargs="+", default=list(AIMS))
    parser.add_argument("--texts", type=int, default=1000)
    parser.add_argument("--trained-on", type=int, default=TRAINED_ON, help="reviews to train on")
    options = parser.parse_args()
    lines = options.data.read_text(encoding="utf-8").splitlines()
    texts = [line.split("\t")[1] for line in lines[-max(options.texts, COLUMN) :]]
    print(describe_machine())
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        head = scratch / "head.tsv"
        head.write_text("\n".join(lines[: options.trained_on + 1]) + "\n", encoding="utf-8")
        for model in options.models:
            train(model, head, scratch / model)
        known = [line.split("\t") for line in lines[1 : options.trained_on + 1]]
        return measure(options.models, texts, options.texts, known, scratch)


def measure(
    names: list[str], texts: list[str], alone: int, known: list[list[str]], scratch: Path
) -> int:
    """Measure on one core; 1 when a median is above its aim."""
    import torch

    import munjang

    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    torch.set_num_threads(1)
    models = {name: munjang.load(scratch / name) for name in names}
    some = texts[:alone]
    print(f"{len(some):,} reviews one at a time, one core, milliseconds\n")
    print("| model | p50 | p90 | p99 | texts per second |\n|---|---|---|---|---|")
    late = []
    for name, model in models.items():
        taken = measure_milliseconds(lambda text, model=model: model.predict([text]), some)
        print(format_row(name, taken))
        late += [name] if np.median(taken) > AIMS.get(name, np.inf) else []
    print_peer_rows(some, known, scratch)
    print("\nwhere the time goes, medians in milliseconds\n")
    print("| model | text to ids | ids to tensors | network | answer |\n|---|---|---|---|---|")
    for name, model in models.items():
        figures = " | ".join(f"{value:.3f}" for value in measure_parts(model, some).values())
        print(f"| {name} | {figures} |")
    print(f"\na column of {len(texts):,} texts, processor seconds, median of {REPEATS}\n")
    print("| model | seconds |\n|---|---|")
    for name, model in models.items():
        print(f"| {name} | {time_column(model, texts):.2f} |")
    if late:
        print(f"\nabove the aim: {', '.join(f'{name} ({AIMS[name]} ms)' for name in late)}")
    return int(bool(late))


if __name__ == "__main__":
    sys.exit(main())
