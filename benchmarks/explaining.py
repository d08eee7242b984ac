"""Why an answer: time per text beside Captum, and how faithful each method is, per architecture.

    python benchmarks/explaining.py [--models mean cnn ...] [--texts 200] [--folder FOLDER]
        [--only time faithfulness]

Classifiers of sst2 are trained with default settings, or read from --folder if they are there.
Time: one text of 30 words, one core, medians; Captum's integrated gradients have the same number
of steps and the same function of token vectors. The aim is 100 ms per method, and no more than
Captum's time. Faithfulness: comprehensiveness, sufficiency and tau with leave-one-out over texts
of the test part (DeYoung et al. 2020), each with its standard error, for words replaced by OOV and
for words deleted.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import torch

import munjang
from machine import data_folder, describe_machine
from munjang.errors import ConfigError
from munjang.explain.attribution import METHODS
from munjang.explain.faithfulness import compare_faithfulness
from munjang.explain.gradients import integrated_gradients
from munjang.explain.row import ExplainedRow, VectorScores
from peers import need_data, present

MODELS = ("mean", "cnn", "rnn", "lstm", "gru", "transformer", "bert")
WORDS, REPEATS, AIM = 30, 15, 100.0


def read(part: str) -> tuple[pl.Series, pl.Series]:
    """Return texts and labels of sst2."""
    path = need_data(data_folder() / "sst2" / f"{part}.tsv")
    types = {"label": pl.String}
    table = pl.read_csv(path, separator="\t", quote_char=None, schema_overrides=types)
    return table["text"], table["label"]


def load_or_train(name: str, folder: Path) -> Any:
    """Return a trained model of an architecture."""
    place = folder / name
    if not (place / "manifest.json").exists():
        munjang.train(read("train"), valid=read("dev"), model=name, out=place, overwrite=True)
    return munjang.load(place)


def median_milliseconds(run: Callable[[], object]) -> float:
    """Return the median time of a call, after two that warm up."""
    taken = []
    for number in range(REPEATS + 2):
        start = time.perf_counter()
        run()
        if number > 1:
            taken.append(1000 * (time.perf_counter() - start))
    return statistics.median(taken)


def measure_time(models: dict[str, Any]) -> list[str]:
    """Print milliseconds per method; return what is above the aims."""
    words = " ".join(read("test")[0].to_list()).split()
    text = " ".join(words[:WORDS])
    peers = present(["captum"])
    print(f"\none text of {WORDS} words, one core, median milliseconds of {REPEATS}\n")
    heads = [*METHODS, "steps", "integrated alone", *("Captum, same steps" for _ in peers)]
    print("| model | " + " | ".join(heads) + " |")
    print("|---" * (len(heads) + 1) + "|")
    late = []
    for name, model in models.items():
        cells, steps = [], 0
        for method in METHODS:
            try:
                steps = model.why(text, method=method).rows[0].steps or steps
            except ConfigError:
                cells.append("–")
                continue
            taken = median_milliseconds(lambda m=model, method=method: m.why(text, method=method))
            cells.append(f"{taken:.1f}")
            late += [f"{name} {method} {taken:.0f} ms"] if taken > AIM else []
        alone, *captum = measure_integration(model, text, steps, with_captum=bool(peers))
        late += [f"{name} beside Captum" for peer in captum if alone > peer]
        cells += [str(steps), f"{alone:.1f}", *(f"{peer:.1f}" for peer in captum)]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)
    return late


def measure_integration(model: Any, text: str, steps: int, *, with_captum: bool) -> list[float]:
    """Return milliseconds of our integrated gradients, and of Captum's if it is there."""
    row = ExplainedRow.of(model, text, None, None)
    scores = VectorScores.of(row)
    vectors = scores.vectors(row.ids)
    zeros = tuple(torch.zeros_like(table) for table in vectors)
    taken = [median_milliseconds(lambda: integrated_gradients(scores, vectors, zeros, steps=steps))]
    if with_captum:
        from captum.attr import IntegratedGradients

        peer = IntegratedGradients(lambda *tables: scores(tables)[:, 0])
        taken.append(
            median_milliseconds(
                lambda: peer.attribute(
                    vectors,
                    zeros,
                    n_steps=steps,
                    method="gausslegendre",
                    return_convergence_delta=True,
                )
            )
        )
    return taken


def measure_methods(models: dict[str, Any], count: int) -> None:
    """Print the faithfulness of every method of every model."""
    texts = read("test")[0].to_list()[:count]
    print(f"\nfaithfulness on {len(texts):,} texts, mean ± standard error\n")
    print("| model | without words | method | comprehensiveness ↑ | sufficiency ↓ | tau ↑ |")
    print("|---|---|---|---|---|---|")
    for name, model in models.items():
        for row in compare_faithfulness(model, texts).rows:
            figures = " | ".join(
                f"{row.means[key]:.3f} ± {row.errors[key]:.3f}"
                for key in ("comprehensiveness", "sufficiency", "tau")
            )
            print(f"| {name} | {row.removal} | {row.method} | {figures} |", flush=True)


def main() -> int:
    """Measure, and return 1 if an aim is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=_Format)
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=MODELS)
    parser.add_argument("--texts", type=int, default=200, help="texts of the test part")
    parser.add_argument("--folder", type=Path, help="where trained models are kept")
    parser.add_argument("--only", nargs="+", choices=("time", "faithfulness"))
    options = parser.parse_args()
    only = options.only or ("time", "faithfulness")
    print(describe_machine(), flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        models = {name: load_or_train(name, folder) for name in options.models}
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        torch.set_num_threads(1)
        late = measure_time(models) if "time" in only else []
        if "faithfulness" in only:
            measure_methods(models, options.texts)
    if late:
        print(f"\nabove the aim: {', '.join(late)}")
    return int(bool(late))


class _Format(argparse.RawDescriptionHelpFormatter):
    """The docstring as it is written."""


if __name__ == "__main__":
    sys.exit(main())
