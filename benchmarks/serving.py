"""Serving: texts per second, waiting, overload and streams of `munjang serve`.

    python benchmarks/serving.py [--only rate answers overload streams] [--models cnn mean ...]
                                 [--exported] [--pin] [--workers N]

Models are trained on 20,000 rows of nsmc with the defaults; texts are those of nsmc/test. The
client runs on the same machine and takes its share of the cores; with `--pin` the server has core 0
and the client core 1. Waiting is counted since a request was due, and since it was sent: what lies
between is the lateness of the client. The peer is the same model behind
a plain FastAPI handler that answers one request at a time (`serving_peer.py`), in one process. With
`--exported` the models are served from the folders of `munjang export onnx`, without torch. With
`--workers` so many processes of ours share the port.

- rate: closed loop at 64 connections, then open loop at 70 % of that rate.
- answers: 100,000 answers, each compared with the one of `Model.predict`.
- overload: open loop at three times the rate.
- streams: time to the first token of 8 streams of a language model.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl

import munjang
from load import Load, make_request, run_closed, run_open
from machine import data_folder, describe_machine
from munjang.export.onnx.exporting import export_onnx
from peers import need_data, present

CONNECTIONS = 64
# Connections that wait for an answer are not free to be refused, so there are more of them than
# requests that the server answers within the deadline.
OVERLOAD_CONNECTIONS = 1000
OVERLOAD_DEADLINE = 0.1
PEER_PORT = 8971


def read(part: str) -> pl.DataFrame:
    """Return the texts and labels of a part of nsmc."""
    path = need_data(data_folder() / "nsmc" / f"{part}.tsv")
    table = pl.read_csv(
        path, separator="\t", quote_char=None, schema_overrides={"label": pl.String}
    )
    return table.drop_nulls()


def train(name: str, out: Path) -> Path:
    """Train a model on the first rows of nsmc, and return its folder."""
    table = read("train").head(20_000)
    settings = ["training.epochs=2", "training.threads=1"]
    rows = (table["document"], table["label"])
    munjang.train(rows, model=name, overrides=settings, out=out, seed=0)
    return out


def train_language_model(out: Path) -> Path:
    """Train a language model on reviews, and return its folder."""
    text = out.with_name("reviews.txt")
    text.write_text("\n".join(read("train")["document"].head(5000)), "utf-8")
    settings = ["training.max_steps=200", "training.threads=1", "language.ngram_order=0"]
    munjang.train(text, task="language", model="lstm", overrides=settings, out=out, seed=0)
    return out


def pin(client: int, server: int) -> None:
    """Run this process on one core, and servers that are started later on another."""
    global _TASKSET
    os.sched_setaffinity(0, {client})
    _TASKSET = ["taskset", "--cpu-list", str(server)]


_TASKSET: list[str] = []


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[tuple[int, int]]:
    """Start a server; yield its port and its process."""
    command = [sys.executable, "-m", "munjang", "serve", str(folder), "--port", "0", *options]
    command = [*_TASKSET, *command]
    started = time.perf_counter()
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        line = process.stderr.readline()
        found = re.search(r":(\d+)/", line)
        if found is None:
            raise SystemExit(f"the server did not start: {line}{process.stderr.read()}")
        urllib.request.urlopen(f"http://127.0.0.1:{found[1]}/readyz")  # waits for a worker
        print(
            f"{folder.name}: ready after {time.perf_counter() - started:.1f} s, "
            f"{memory(process.pid):.0f} MB",
            flush=True,
        )
        yield int(found[1]), process.pid
    finally:
        process.terminate()
        process.wait()


@contextmanager
def serving_peer(folder: Path) -> Iterator[int]:
    """Start the peer; yield its port."""
    script = Path(__file__).with_name("serving_peer.py")
    process = subprocess.Popen([sys.executable, str(script), str(folder), str(PEER_PORT)])
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{PEER_PORT}/openapi.json")
                break
            except OSError:
                if process.poll() is not None:
                    raise SystemExit("the peer did not start") from None
                time.sleep(0.1)
        yield PEER_PORT
    finally:
        process.terminate()
        process.wait()


def memory(process: int) -> float:
    """Return the resident memory of a process and its children in MB."""
    place = Path(f"/proc/{process}")
    own = int((place / "statm").read_text().split()[1]) * 4096 / 1e6
    children = (place / "task" / str(process) / "children").read_text().split()
    return own + sum(memory(int(child)) for child in children)


def export(folder: Path) -> Path:
    """Export a model, and return the folder."""
    return export_onnx(folder, folder.with_name(f"{folder.name}-onnx")).folder


def measure_rates(
    folders: dict[str, Path],
    served: dict[str, Path],
    requests: Sequence[bytes],
    seconds: float,
    workers: int,
) -> None:
    """Print texts per second, and waiting at 70 % load.

    Args:
        folders: model folders by name.
        served: the folders to serve.
        requests: what is asked.
        seconds: time of each measurement.
        workers: processes of the server.
    """
    print(
        "\n| model | texts/s | peer | ours / it | p50, p99 at 64 connections | "
        "p50, p99 at 70 % load | since sent |\n|---|---|---|---|---|---|---|"
    )
    for name, folder in folders.items():
        peer = measure_peer(folder, requests, seconds)
        with serving(served[name], "--workers", str(workers)) as (port, _):
            run_closed(port, requests, connections=CONNECTIONS, seconds=2)
            full = run_closed(port, requests, connections=CONNECTIONS, seconds=seconds)
            part = run_open(port, requests, rate=0.7 * full.rate(), seconds=seconds)
        print(
            f"| {name} | {full.rate():,.0f} | {peer:,.0f} | {full.rate() / peer:.2f} | "
            f"{show_waiting(full)} | {show_waiting(part)} | {show_waiting(part, 'since_sent')} |",
            flush=True,
        )


def measure_peer(folder: Path, requests: Sequence[bytes], seconds: float) -> float:
    """Return texts per second of the peer; NaN if FastAPI is not installed."""
    if not present(["fastapi"]):
        return float("nan")
    with serving_peer(folder) as port:
        run_closed(port, requests, connections=CONNECTIONS, seconds=2)
        return run_closed(port, requests, connections=CONNECTIONS, seconds=seconds).rate()


def show_waiting(load: Load, since: str = "seconds", status: int = 200) -> str:
    """Return p50 and p99 in milliseconds, and their ratio."""
    half, most = (load.percentile(share, status, since) for share in (50, 99))
    return f"{half:.1f}, {most:.1f} ms ({most / half:.1f}x)"


def check_answers(folder: Path, served: Path, texts: Sequence[str], count: int) -> None:
    """Compare `count` answers of a served folder with those of a model folder."""
    expected = munjang.load(folder).predict(list(texts))
    requests = [make_request("/predict", {"inputs": text}) for text in texts]
    wanted = [requests[number % len(requests)] for number in range(count)]
    with serving(served) as (port, process):
        before = memory(process)
        load = run_closed(port, wanted, connections=CONNECTIONS)
        after = memory(process)
    wrong = 0
    for answer in load.answers:
        truth = expected[answer.number % len(requests)]
        first = json.loads(answer.body)[0] if answer.status == 200 else {"label": None}
        is_right = first["label"] == truth.label and abs(first["score"] - truth.probability) < 1e-5
        wrong += not is_right
    print(
        f"\n{len(load.answers):,} answers in {load.seconds:.0f} s: {wrong} wrong or lost; memory "
        f"{before:.0f} to {after:.0f} MB"
    )


def measure_overload(folder: Path, requests: Sequence[bytes], seconds: float) -> None:
    """Print what happens at three times the rate that the server can take."""
    deadline = f"limits.deadline_seconds={OVERLOAD_DEADLINE}"
    with serving(folder, "--set", deadline) as (port, process):
        full = run_closed(port, requests, connections=CONNECTIONS, seconds=5)
        before = memory(process)
        rate = 3 * full.rate()
        load = run_open(
            port, requests, rate=rate, seconds=seconds, connections=OVERLOAD_CONNECTIONS
        )
        after = memory(process)
        again = run_open(port, requests, rate=0.5 * full.rate(), seconds=2)
        rejected = read_rejected(port)
    print(
        f"\nasked {rate:,.0f} requests/s, three times the rate, sent "
        f"{len(load.answers) / load.seconds:,.0f} by {OVERLOAD_CONNECTIONS} connections, client "
        f"busy {load.busy:.0%}: {load.count(200):,} "
        f"answers (p50, p99 {show_waiting(load, 'since_sent')}), {load.count(503):,} times 503 "
        f"(p50, p99 {show_waiting(load, status=503)} since due, "
        f"{show_waiting(load, 'since_sent', 503)} since sent, of which in the client at most "
        f"{show_waiting(load, 'unread', 503)}; {rejected}), "
        f"{load.count(0):,} broken; memory {before:.0f} to {after:.0f} MB; in the 2 s after it "
        f"p50, p99 {show_waiting(again)}, {again.count(503)} times 503"
    )


def read_rejected(port: int) -> str:
    """Return how often the server refused a request, by reason."""
    text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read().decode()
    found = re.findall(r'munjang_rejected_total\{reason="(\w+)"\} (\S+)', text)
    return ", ".join(f"{name} {float(count):,.0f}" for name, count in found)


def measure_streams(folder: Path, streams: int = 8, rounds: int = 5) -> None:
    """Print the time to the first token when so many streams begin at once."""
    with serving(folder) as (port, _), munjang.Client(f"http://127.0.0.1:{port}") as client:
        list(client.stream("이 영화", max_new_tokens=20))
        waits: list[float] = []
        rates: list[float] = []

        def write(seed: int) -> None:
            with munjang.Client(f"http://127.0.0.1:{port}") as own:
                own.models()  # the connection is open
                barrier.wait()
                started = time.perf_counter()
                parts = own.stream("이 영화", max_new_tokens=200, seed=seed)
                next(parts)
                waits.append(time.perf_counter() - started)
                list(parts)
                rates.append(200 / (time.perf_counter() - started))

        for turn in range(rounds):
            barrier = threading.Barrier(streams)
            threads = [
                threading.Thread(target=write, args=(streams * turn + number,))
                for number in range(streams)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    print(
        f"\n{streams} streams: first token after {1000 * statistics.median(waits):.1f} ms "
        f"(median), {1000 * max(waits):.1f} ms (most of {len(waits)}); "
        f"{sum(rates) / rounds:,.0f} tokens/s"
    )


def main() -> None:
    """Run the parts that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parts = ["rate", "answers", "overload", "streams"]
    parser.add_argument("--only", nargs="+", choices=parts, default=parts)
    parser.add_argument("--models", nargs="+", default=["cnn", "mean", "lstm", "transformer"])
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--answers", type=int, default=100_000)
    parser.add_argument("--exported", action="store_true")
    parser.add_argument("--pin", action="store_true", help="server on core 0, client on core 1")
    parser.add_argument("--workers", type=int, default=1, help="processes of the server (rate)")
    options: Any = parser.parse_args()
    print(describe_machine())
    if options.pin:
        pin(client=1, server=0)
    texts = read("test")["document"].head(10_000).to_list()
    requests = [make_request("/predict", {"inputs": text}) for text in texts]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        folders = {name: train(name, folder / name) for name in options.models}
        change = export if options.exported else Path
        served = {name: change(each) for name, each in folders.items()}
        first = next(iter(folders))
        if "rate" in options.only:
            measure_rates(folders, served, requests, options.seconds, options.workers)
        if "answers" in options.only:
            check_answers(folders[first], served[first], texts, options.answers)
        if "overload" in options.only:
            measure_overload(served[first], requests, options.seconds)
        if "streams" in options.only:
            measure_streams(change(train_language_model(folder / "language")))


if __name__ == "__main__":
    main()
