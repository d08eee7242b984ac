"""Prediction of many files beside a plain pool of processes, and the memory of a worker.

    python benchmarks/many_files.py [--models mean cnn] [--workers 2] [--files 40] [--rows 20000]
    python benchmarks/many_files.py --memory [--models mean]
    python benchmarks/many_files.py --reading

Each model gets the defaults for Korean and one pass over 20,000 reviews. CSV files of reviews, some
of which are quoted, are answered by `munjang predict --input FOLDER --out FOLDER`, and by a
program of a few lines: a pool of as many processes, one thread each, that loads the model in each
of them, sends lists of 16,384 texts, calls `Model.predict`, and writes one JSON object per row.
Wall time and processor time of all processes, start and loading included.

With --memory, one file of 10 MB and one of 100 MB are answered, and the most memory that a worker
held is printed. With --reading, 60,000 reviews in each format are read, and passed over as the
rows of another process are: rows per second of processor time, the best of three.
"""

import argparse
import csv
import gzip
import json
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from machine import data_folder, describe_machine

CHUNK = 16_384
OTHERS = ["--task", "classify", "--set", "training.epochs=1", "--text-column", "document"]
ONE_THREAD = ("OMP_NUM_THREADS", "RAYON_NUM_THREADS", "POLARS_MAX_THREADS")

_model: Any = None


def train(name: str, scratch: Path) -> Path:
    """A model folder, by the command line."""
    data, folder = scratch / "train.tsv", scratch / name
    with (data_folder() / "nsmc" / "train.tsv").open(encoding="utf-8") as lines:
        data.write_text("".join(line for line, _ in zip(lines, range(20_001), strict=False)))
    command = [sys.executable, "-m", "munjang", "train", str(data), "--model", name, *OTHERS]
    subprocess.run([*command, "--out", str(folder)], check=True, capture_output=True)
    return folder


def read_texts() -> Iterator[str]:
    """Reviews without labels, again and again."""
    while True:
        with gzip.open(
            data_folder() / "nsmc" / "unlabelled.txt.gz", "rt", encoding="utf-8"
        ) as file:
            yield from (line.rstrip("\n") for line in file)


def write_file(path: Path, texts: Iterator[str], *, rows: int, most_bytes: int = 1 << 62) -> None:
    """Write a CSV file of so many rows, or of so many bytes."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["number", "document"])
        for number in range(rows):
            writer.writerow([number, next(texts)])
            if number % 1000 == 0 and file.tell() >= most_bytes:
                return


def measure(command: list[str]) -> tuple[float, float]:
    """Wall time and processor time of a command with its children, in seconds."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    taken = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return taken, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def predict_ours(model: Path, folder: Path, out: Path, workers: int) -> list[str]:
    command = [sys.executable, "-m", "munjang", "predict", str(model), "--input", str(folder)]
    return [*command, "--out", str(out), "--workers", str(workers), "--quiet"]


def predict_plain(model: Path, folder: Path, out: Path, workers: int) -> list[str]:
    return [sys.executable, __file__, "--plain", str(model), str(folder), str(out), str(workers)]


def load_model(folder: str) -> None:
    """Start a process of the plain pool."""
    global _model
    import torch

    import munjang

    torch.set_num_threads(1)
    _model = munjang.load(folder)


def answer(task: tuple[str, list[int], list[str]]) -> None:
    """Answer a list of texts in a process of the plain pool."""
    path, rows, texts = task
    with Path(path).open("w", encoding="utf-8") as file:
        for row, given in zip(rows, _model.predict(texts), strict=True):
            file.write(json.dumps({"row": row, **given.to_json()}, ensure_ascii=False) + "\n")


def read_chunks(folder: Path, out: Path) -> Iterator[tuple[str, list[int], list[str]]]:
    for path in sorted(folder.iterdir()):
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file)
            next(reader)
            rows: list[int] = []
            texts: list[str] = []
            for _, text in reader:
                rows.append(reader.line_num)
                texts.append(text)
                if len(texts) == CHUNK:
                    yield f"{out}/{path.name}-{rows[0]}.jsonl", rows, texts
                    rows, texts = [], []
            if texts:
                yield f"{out}/{path.name}-{rows[0]}.jsonl", rows, texts


def run_plain(model: str, folder: str, out: str, workers: str) -> None:
    """The program of a few lines."""
    Path(out).mkdir()
    for name in ONE_THREAD:
        os.environ[name] = "1"
    context = multiprocessing.get_context("spawn")
    with context.Pool(int(workers), load_model, (model,)) as pool:
        for _ in pool.imap_unordered(answer, read_chunks(Path(folder), Path(out))):
            pass


def count_rows(out: Path) -> int:
    lines = 0
    for path in out.rglob("*.jsonl"):
        with path.open("rb") as file:
            lines += sum(1 for _ in file)
    return lines


def compare(name: str, options: argparse.Namespace, scratch: Path) -> None:
    """Print two rows of the table, and how much more the first took."""
    model, folder = train(name, scratch), scratch / f"files-{name}"
    folder.mkdir()
    texts = read_texts()
    for number in range(options.files):
        write_file(folder / f"{number:04d}.csv", texts, rows=options.rows)
    rows = options.files * options.rows
    taken = {}
    for kind, command_of in (("munjang predict", predict_ours), ("plain pool", predict_plain)):
        out = scratch / f"{name}-{kind}"
        taken[kind] = measure(command_of(model, folder, out, options.workers))
        assert count_rows(out) == rows, kind
        wall, processor = taken[kind]
        print(f"| {name} | {kind} | {rows:,} | {wall:.1f} | {processor:.1f} |", flush=True)
    wall, processor = (
        ours / plain - 1
        for ours, plain in zip(taken["munjang predict"], taken["plain pool"], strict=True)
    )
    print(f"| {name} | difference | | {wall:+.1%} | {processor:+.1%} |", flush=True)


def show_memory(name: str, options: argparse.Namespace, scratch: Path) -> None:
    """Print the most memory of a worker for files of two sizes."""
    import munjang

    model, texts = train(name, scratch), read_texts()
    for size in (10, 100):
        path = scratch / f"{size}.csv"
        write_file(path, texts, rows=1 << 40, most_bytes=size * 10**6)
        done = munjang.predict_files(
            model, path, scratch / f"{name}-{size}", workers=options.workers
        )
        print(f"| {name} | {size} MB | {done.rows:,} | {done.memory / 1e6:.0f} MB |", flush=True)


def write_formats(scratch: Path) -> list[Path]:
    """Write the same reviews in every format, and return the files."""
    stream = read_texts()
    texts = [next(stream).replace("\t", " ") for _ in range(60_000)]
    write_file(scratch / "reviews.csv", iter(texts), rows=len(texts))
    lines = "".join(f"{text}\n" for text in texts).encode()
    objects = (json.dumps({"document": text}, ensure_ascii=False) for text in texts)
    contents = {
        "reviews.txt": lines,
        "reviews.txt.gz": gzip.compress(lines),
        "reviews.jsonl": "".join(f"{line}\n" for line in objects).encode(),
        "reviews.tsv": "".join(f"{n}\t{text}\n" for n, text in enumerate(texts)).encode(),
    }
    contents["reviews.tsv"] = b"number\tdocument\n" + contents["reviews.tsv"]
    for name, content in contents.items():
        (scratch / name).write_bytes(content)
    import polars as pl

    pl.DataFrame({"document": texts}).write_parquet(scratch / "reviews.parquet")
    return [scratch / name for name in (*contents, "reviews.csv", "reviews.parquet")]


def show_reading(scratch: Path) -> None:
    """Print how fast rows are read and passed over."""
    from munjang.data.readers.stream import stream_rows
    from munjang.data.readers.stream_records import WantedColumn

    def rate(path: Path, is_wanted: bool) -> float:
        taken = []
        for _ in range(3):
            started = time.process_time()
            for _ in stream_rows(path, WantedColumn(), is_wanted=lambda row: is_wanted):
                pass
            taken.append(time.process_time() - started)
        return 60_000 / min(taken)

    print("| file | read, rows/s | passed over, rows/s |\n|---|---|---|")
    for path in write_formats(scratch):
        print(f"| {path.name} | {rate(path, True):,.0f} | {rate(path, False):,.0f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", default=["mean", "cnn"])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--files", type=int, default=40)
    parser.add_argument("--rows", type=int, default=20_000, help="rows per file")
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--reading", action="store_true")
    parser.add_argument("--plain", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.plain:
        run_plain(*options.plain)
        return
    print(f"{describe_machine()}; {options.workers} workers\n")
    if options.reading:
        with tempfile.TemporaryDirectory() as scratch:
            show_reading(Path(scratch))
        return
    if options.memory:
        print("| model | file | rows | most memory of a worker |\n|---|---|---|---|")
    else:
        print("| model | program | rows | seconds | processor seconds |\n|---|---|---|---|---|")
    work = show_memory if options.memory else compare
    with tempfile.TemporaryDirectory() as scratch:
        for name in options.models:
            work(name, options, Path(scratch))


if __name__ == "__main__":
    main()
