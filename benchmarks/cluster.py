"""Tokens a second of one training by two workers on two cores, against one process.

Three systems train the same model on the same batches with the settings that `munjang pretrain`
and `munjang train` choose by themselves: one process with one thread, two workers with one thread
each, and one process with two threads. They take turns; the ratios are those of the same round,
and the medians over the rounds are printed. What happens before the first steps is not counted.

Beside them stands the share of the two workers' time that the exchange of gradients takes, the
waiting for each other included, and the bytes of dense gradients that travel in a step.

    python benchmarks/cluster.py [--data nsmc/train.tsv] [--rounds 5] [--models bert lstm]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import data_folder, describe_machine
from peers import need_data

# Steps before the clock runs.
WARM_UP = 5
MODELS = {
    "bert": {"task": "masked_lm", "input": "text", "model": {"name": "bert"}},
    "lstm": {"task": "classify", "model": {"name": "lstm"}},
}
# Workers and threads of each.
SYSTEMS = {"one, 1 thread": (1, 1), "two workers": (2, 1), "one, 2 threads": (1, 2)}


def write_rows(data: Path, rows: int, into: Path) -> None:
    """Write the first rows of a table with a heading."""
    with data.open(encoding="utf-8") as file, into.open("w", encoding="utf-8") as copy:
        for number, line in enumerate(file):
            if number > rows:
                break
            copy.write(line)


def child(model: str, table: str, seconds: float) -> None:
    """Train for some seconds; the worker that leads prints its figures."""
    from munjang.api import make_loop
    from munjang.preparation import prepare
    from munjang.reporting import discard
    from munjang.training.workers.joining import join_workers

    columns = {"text_column": "document"}
    if MODELS[model]["task"] == "classify":
        columns["label_column"] = "label"
    training = {"epochs": 1000, "validations_per_epoch": 1, "threads": None}
    prepared = prepare(
        table, None, {**MODELS[model], "data": columns, "training": training}, discard
    )
    with join_workers() as workers:
        loop = make_loop(prepared, workers)
        workers.announce_prepared(prepared.fingerprint)
        workers.share_state(loop.state)
        tokens, began, exchanged, before = 0, 0.0, 0.0, 0
        for step in loop:
            now = time.perf_counter()
            if step.number == WARM_UP:
                began = now
                exchanged = workers.facts.get("exchange_seconds", 0.0)
            if step.number > WARM_UP:
                assert step.scores is None, "give more rows: a validation run is not to be counted"
                tokens += step.tokens
            is_over = step.number > WARM_UP and now - began > seconds
            stop, _ = workers.agree(stop=is_over, checkpoint=False)
            before = step.number
            if stop:
                break
        taken = time.perf_counter() - began
        exchanged = workers.facts.get("exchange_seconds", 0.0) - exchanged
        dense = sum(
            p.numel() for p in loop.parameters if p.grad is not None and not p.grad.is_sparse
        )
        if workers.leads:
            figures = {
                "rate": tokens / taken,
                "step": taken / (before - WARM_UP),
                "exchange": exchanged / taken,
                "bytes": 4 * dense,
            }
            print(json.dumps(figures), flush=True)


def measure(system: str, model: str, table: Path, seconds: float) -> dict[str, float]:
    """The figures of one system, in processes of its own."""
    count, threads = SYSTEMS[system]
    command = [sys.executable, __file__, "--child", model, str(table), str(seconds)]
    with tempfile.TemporaryDirectory() as folder:
        processes = []
        for rank in range(count):
            place = {"RANK": rank, "WORLD_SIZE": count, "LOCAL_RANK": rank}
            shared = {"LOCAL_WORLD_SIZE": count, "OMP_NUM_THREADS": threads}
            environment = {
                **os.environ,
                **{name: str(value) for name, value in {**place, **shared}.items()},
                "MUNJANG_MEETING": f"{folder}/meeting",
                "GLOO_SOCKET_IFNAME": "lo",
            }
            processes.append(
                subprocess.Popen(
                    command,
                    env=environment,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                )
            )
        outputs = [process.communicate() for process in processes]
    for process, (_, errors) in zip(processes, outputs, strict=True):
        if process.returncode:
            sys.exit(f"{system} on {model} failed:\n{errors[-2000:]}")
    return json.loads(outputs[0][0].splitlines()[-1])


def main() -> None:
    """Measure all systems in turns and print the medians and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=data_folder() / "nsmc" / "train.tsv")
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--rows", type=int, default=40_000)
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        model, table, seconds = options.child
        child(model, table, float(seconds))
        return
    need_data(options.data)
    print(describe_machine())
    print(f"{options.rounds} rounds of {options.seconds:g} s each, real tokens a second, medians\n")
    print(
        f"| model | {' | '.join(SYSTEMS)} | two / one, 1 thread | two / one, 2 threads "
        "| exchange | dense gradients |"
    )
    print("|---" * (len(SYSTEMS) + 5) + "|")
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "rows.tsv"
        write_rows(options.data, options.rows, table)
        for model in options.models:
            rounds = [
                {system: measure(system, model, table, options.seconds) for system in SYSTEMS}
                for _ in range(options.rounds)
            ]
            print(describe(model, rounds), flush=True)


def describe(model: str, rounds: list[dict[str, dict[str, float]]]) -> str:
    """The row of a model in the table."""

    def median(system: str, figure: str) -> float:
        return statistics.median(measured[system][figure] for measured in rounds)

    def ratio(other: str) -> float:
        return statistics.median(
            measured["two workers"]["rate"] / measured[other]["rate"] for measured in rounds
        )

    rates = " | ".join(f"{median(system, 'rate'):,.0f}" for system in SYSTEMS)
    exchange, size = median("two workers", "exchange"), median("two workers", "bytes")
    step = median("two workers", "step")
    return (
        f"| {model} | {rates} | {ratio('one, 1 thread'):.2f} | {ratio('one, 2 threads'):.2f} "
        f"| {exchange:.0%} of {step * 1000:.1f} ms | {size / 1e6:.1f} MB |"
    )


if __name__ == "__main__":
    main()
