"""Tokens per second of one training by two workers on two cores, against one process.

Three systems train the same model on the same batches with the settings that `munjang pretrain`
and `munjang train` choose by themselves: one process with one thread, two workers with one thread
each, and one process with two threads. They take turns; the ratios are those of the same round,
and the medians over the rounds are printed. What happens before the first steps is not counted.

Beside them stands the share of the two workers' time that the exchange of gradients takes, the
waiting for each other included, and the bytes of gradients that a step exchanges.

From the parts of a step of one thread (P to make the batch and draw its targets, C forward and
backward, U clip and update) and the bytes (B dense, S of touched rows of tables) it is reckoned how
many machines would be worth it, with a network of W bytes per second and a latency of L:

    T(k) = P + U + C/k + 2 (k-1)/k B/W + (k-1)/k S/W + 3 (k-1) L        the same batch
    T(k) = k P + U + C + 2 (k-1)/k B/W + (k-1) S/W + 3 (k-1) L          k times the batch

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
from typing import Any

from machine import data_folder, describe_machine
from peers import need_data

# Steps before the clock runs.
WARM_UP = 5
MODELS = {
    "bert": {"task": "masked_lm", "input": "text", "model": {"name": "bert"}},
    "lstm": {"task": "classify", "model": {"name": "lstm"}},
}
# Networks: bytes per second, and seconds of latency.
NETWORKS = {"1 Gbit/s": (0.11e9, 1e-4), "10 Gbit/s": (1.1e9, 5e-5), "100 Gbit/s": (11e9, 2e-5)}
NODES = (2, 4, 8, 16, 64)
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
        figures = time_steps(loop, workers, seconds)
        if workers.leads:
            print(json.dumps(figures), flush=True)


class Stopwatch:
    """The seconds that a method of an object takes, all calls together."""

    def __init__(self, thing: Any, name: str) -> None:
        self.seconds = 0.0
        self._method = getattr(thing, name)
        setattr(thing, name, self)

    def __call__(self, *arguments: Any) -> Any:
        began = time.perf_counter()
        result = self._method(*arguments)
        self.seconds += time.perf_counter() - began
        return result


def time_steps(loop: Any, workers: Any, seconds: float) -> dict[str, float]:
    """Tokens a second, and the seconds of the parts of a step."""
    whole, backward = Stopwatch(loop, "_update"), Stopwatch(loop, "_backward")
    tokens, began, spent = 0, 0.0, (0.0, 0.0, 0.0)

    def parts() -> tuple[float, float, float]:
        return whole.seconds, backward.seconds, workers.facts.get("exchange_seconds", 0.0)

    for step in loop:
        now = time.perf_counter()
        if step.number == WARM_UP:
            began, spent = now, parts()
        elif step.number > WARM_UP:
            assert step.scores is None, "give more rows: a validation run is not to be counted"
            tokens += step.tokens
        stop, _ = workers.agree(stop=tokens > 0 and now - began > seconds, checkpoint=False)
        if stop:
            break
    taken, steps = time.perf_counter() - began, step.number - WARM_UP
    update, compute, exchange = (
        (after - before) / steps for after, before in zip(parts(), spent, strict=True)
    )
    gradients = [p.grad for p in loop.parameters if p.grad is not None]
    return {
        "rate": tokens / taken,
        "tokens": tokens / steps,
        "step": taken / steps,
        "make": taken / steps - update,
        "compute": compute,
        "update": update - compute - exchange,
        "exchange": exchange,
        "dense": sum(4 * g.numel() for g in gradients if not g.is_sparse),
        "rows": sum(g._nnz() * (8 + 4 * g.shape[1]) for g in gradients if g.is_sparse),
    }


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
    print(
        f"{options.rounds} rounds of {options.seconds:g} s each, real tokens per second, medians\n"
    )
    print(
        f"| model | {' | '.join(SYSTEMS)} | two / one, 1 thread | two / one, 2 threads "
        "| exchange | gradients, dense and rows |"
    )
    print("|---" * (len(SYSTEMS) + 5) + "|")
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "rows.tsv"
        write_rows(options.data, options.rows, table)
        growth: list[str] = []
        for model in options.models:
            rounds = [
                {system: measure(system, model, table, options.seconds) for system in SYSTEMS}
                for _ in range(options.rounds)
            ]
            print(describe(model, rounds), flush=True)
            growth += ["", *describe_growth(model, rounds)]
    print("\n\nTimes as fast as one machine with one thread, reckoned:")
    print("\n".join(growth))


def describe(model: str, rounds: list[dict[str, dict[str, float]]]) -> str:
    """The row of a model in the table."""

    def median(system: str, figure: str) -> float:
        return statistics.median(measured[system][figure] for measured in rounds)

    def ratio(other: str) -> float:
        return statistics.median(
            measured["two workers"]["rate"] / measured[other]["rate"] for measured in rounds
        )

    rates = " | ".join(f"{median(system, 'rate'):,.0f}" for system in SYSTEMS)
    exchange, step = median("two workers", "exchange"), median("two workers", "step")
    dense, rows = (median("one, 1 thread", figure) / 1e6 for figure in ("dense", "rows"))
    return (
        f"| {model} | {rates} | {ratio('one, 1 thread'):.2f} | {ratio('one, 2 threads'):.2f} "
        f"| {exchange / step:.0%} of {step * 1000:.1f} ms | {dense:.1f} MB, {rows:.1f} MB |"
    )


def describe_growth(model: str, rounds: list[dict[str, dict[str, float]]]) -> list[str]:
    """Rows of the table of what more machines would bring, by the formula above."""
    figures = {
        name: statistics.median(measured["one, 1 thread"][name] for measured in rounds)
        for name in ("make", "compute", "update", "step", "dense", "rows")
    }
    make, compute, update, alone = (figures[name] for name in ("make", "compute", "update", "step"))
    lines = [
        f"{model}: P {make * 1000:.2f} ms, C {compute * 1000:.2f} ms, U {update * 1000:.2f} ms",
        "",
        f"| {model} | {' | '.join(f'{k} machines' for k in NODES)} |",
        "|---" * (len(NODES) + 1) + "|",
    ]
    for network, (speed, latency) in NETWORKS.items():
        same, larger = [], []
        for k in NODES:
            dense = 2 * (k - 1) / k * figures["dense"] / speed + 3 * (k - 1) * latency
            rows = (k - 1) * figures["rows"] / speed
            same.append(alone / (make + update + compute / k + dense + rows / k))
            larger.append(k * alone / (k * make + update + compute + dense + rows))
        for name, gains in (("the same batch", same), ("k times the batch", larger)):
            cells = " | ".join(f"{gain:.1f}" for gain in gains)
            lines.append(f"| {network}, {name} | {cells} |")
    return lines


if __name__ == "__main__":
    main()
