"""How long one text takes from Python, once the model is loaded, on one core.

    python benchmarks/latency.py [--data nsmc/train.tsv] [--models mean cnn lstm] [--texts 2000]

Each model gets the defaults for Korean and one pass over 20,000 reviews: a short training gives the
same sizes as a long one. Then every text goes through `munjang.load(folder).predict([text])` alone.
Exits with 1 when the median of `cnn` is not under 5 ms.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from machine import data_folder, describe_machine

LARGEST_MS, TRAINED_ON = 5.0, 20_000
OTHERS = ["--task", "classify", "--set", "training.epochs=1", "--text-column", "document"]


def train(model: str, data: Path, folder: Path) -> None:
    """One model folder, by the command line."""
    command = [sys.executable, "-m", "munjang", "train", str(data), "--model", model, *OTHERS]
    subprocess.run([*command, "--out", str(folder)], check=True, capture_output=True)


def milliseconds(folder: Path, texts: list[str]) -> np.ndarray:
    """Of each text, after a warm-up, on one core."""
    import torch

    import munjang

    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    torch.set_num_threads(1)
    model = munjang.load(folder)
    for text in texts[:50]:
        model.predict([text])
    taken = []
    for text in texts:
        began = time.perf_counter()
        model.predict([text])
        taken.append(time.perf_counter() - began)
    return np.array(taken) * 1000


def main() -> int:
    """Print a table row a model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=data_folder() / "nsmc" / "train.tsv")
    parser.add_argument("--models", nargs="+", default=["mean", "cnn", "lstm"])
    parser.add_argument("--texts", type=int, default=2000)
    options = parser.parse_args()
    lines = options.data.read_text(encoding="utf-8").splitlines()
    texts = [line.split("\t")[1] for line in lines[-options.texts :]]
    print(describe_machine())
    print(f"{len(texts):,} reviews one at a time, one core, milliseconds\n")
    print("| model | p50 | p99 | texts a second |")
    print("|---|---|---|---|")
    reached = True
    with tempfile.TemporaryDirectory() as scratch:
        head = Path(scratch) / "head.tsv"
        head.write_text("\n".join(lines[: TRAINED_ON + 1]) + "\n", encoding="utf-8")
        folders = {model: Path(scratch) / model for model in options.models}
        for model, folder in folders.items():
            train(model, head, folder)
        for model, folder in folders.items():
            taken = milliseconds(folder, texts)
            middle, late = np.percentile(taken, [50, 99])
            print(f"| {model} | {middle:.2f} | {late:.2f} | {1000 / taken.mean():,.0f} |")
            reached &= model != "cnn" or middle < LARGEST_MS
    return int(not reached)


if __name__ == "__main__":
    sys.exit(main())
