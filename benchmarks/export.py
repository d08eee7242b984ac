"""Exported models by onnxruntime beside PyTorch, on one core.

    python benchmarks/export.py [--data nsmc/train.tsv] [--models cnn rnn lstm gru] [--rows 4000]

Each model gets the defaults for Korean and one pass over some reviews: a short training gives the
same sizes as a long one. It is exported with weights of 32 and of 8 bits. Measured are

* the network alone, without tokenizer and answers, at batch 1 and 32: PyTorch's layers as
  munjang runs them, and the graph;
* the whole answer, `predict` of munjang and of the runner, at batch 1;
* the CPU seconds of an export with check and card, the sizes of the graphs, and the largest
  difference of an output.

The methods take turns, so that a busy moment meets all of them; medians are shown. Exits with 1
when the graph of a recurrent model or of `cnn` is not twice as fast as PyTorch at batch 1.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import torch

import munjang
from machine import data_folder, describe_machine
from munjang.export.onnx.exporting import export_onnx, load_runner

AIM = 2.0
AIMED_AT = ("cnn", "rnn", "lstm", "gru")
COMMON = ["--task", "classify", "--set", "training.epochs=1", "--text-column", "document"]


def train(model: str, data: Path, folder: Path) -> None:
    """One model folder, by the command line."""
    command = [sys.executable, "-m", "munjang", "train", str(data), "--model", model, *COMMON]
    subprocess.run([*command, "--out", str(folder)], check=True, capture_output=True)


def measure(works: dict[str, Callable[[], Any]], repeats: int) -> dict[str, float]:
    """Return the median milliseconds of each function; they take turns."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    for number in range(repeats + 3):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            if number >= 3:
                taken[name].append(time.perf_counter() - start)
    return {name: 1000 * median(times) for name, times in taken.items()}


def run_network(model: Any, texts: list[str]) -> Callable[[], Any]:
    """The forward call of the network for a batch that is encoded beforehand."""
    (batch,) = model.input.encode_values(texts).dataset().in_order_of_length(len(texts))

    def call() -> Any:
        with torch.inference_mode():
            return model.network(*batch.inputs)

    return call


def run_graph(runner: Any, texts: list[str]) -> Callable[[], Any]:
    """A run of the graph for the same batch."""
    feeds = runner.feeds([runner.reader.row(text) for text in texts])
    graph = runner.graphs["logits"]
    return lambda: graph.run(None, feeds)


def compare(name: str, folder: Path, scratch: Path, texts: list[str], repeats: int) -> float:
    """Print the row of a model, and return how many times as fast the graph is at batch 1."""
    model = munjang.load(folder)
    start = time.process_time()
    floats = export_onnx(model, scratch / "float")
    seconds = time.process_time() - start
    small = export_onnx(model, scratch / "int8", int8=True)
    runners = {kind: load_runner(scratch / kind, threads=1) for kind in ("float", "int8")}
    alone: dict[str, Callable[[], Any]] = {"torch": run_network(model, texts[:1])}
    alone |= {kind: run_graph(runner, texts[:1]) for kind, runner in runners.items()}
    many: dict[str, Callable[[], Any]] = {"torch": run_network(model, texts)}
    many |= {kind: run_graph(runner, texts) for kind, runner in runners.items()}
    whole: dict[str, Callable[[], Any]] = {"munjang": lambda: model.predict(texts[:1])}
    whole |= {kind: lambda r=runner: r.predict(texts[:1]) for kind, runner in runners.items()}
    times = [measure(works, repeats) for works in (alone, many, whole)]
    cells = [" / ".join(f"{value:.2f}" for value in found.values()) for found in times]
    ratio = times[0]["torch"] / times[0]["float"]
    sizes = f"{floats.bytes / 1e6:.1f} / {small.bytes / 1e6:.1f}"
    print(
        f"| {name} | {' | '.join(cells)} | {ratio:.1f} | {seconds:.1f} | {sizes} | "
        f"{floats.difference:.0e} |",
        flush=True,
    )
    return ratio


def main() -> int:
    """Train, export, measure; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="reviews, as nsmc/train.tsv")
    parser.add_argument("--models", nargs="+", default=["mean", *AIMED_AT, "transformer"])
    parser.add_argument("--rows", type=int, default=4000, help="reviews to train on")
    parser.add_argument("--repeats", type=int, default=50)
    given = parser.parse_args()
    data = given.data or data_folder() / "nsmc" / "train.tsv"
    lines = data.read_text(encoding="utf-8").splitlines()[: given.rows + 1]
    # 32 reviews of middling length
    texts = sorted((line.split("\t")[1] for line in lines[1:]), key=len)
    texts = texts[len(texts) // 2 :][:32]
    torch.set_num_threads(1)
    print(describe_machine())
    print(
        "\nMilliseconds: torch / float graph / int8 graph; whole answers: munjang / float / "
        "int8\n\n| model | network, batch 1 | network, batch 32 | answer, batch 1 | ratio | "
        "export, CPU s | MB float / int8 | difference |\n|---|---|---|---|---|---|---|---|"
    )
    slow = []
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "reviews.tsv"
        table.write_text("\n".join(lines) + "\n", encoding="utf-8")
        for name in given.models:
            scratch = Path(folder) / name
            train(name, table, scratch / "model")
            ratio = compare(name, scratch / "model", scratch, texts, given.repeats)
            if name in AIMED_AT and ratio < AIM:
                slow.append(name)
    if slow:
        print(f"\nbelow the aim of {AIM:g} times as fast: {', '.join(slow)}")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
