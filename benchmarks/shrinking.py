"""Small model folders: accuracy on nsmc by size, beside fastText's .ftz of the same size.

    python benchmarks/shrinking.py [--folders FOLDER ...] [--models gru cnn mean] [--sizes 2MB 1MB]

Models are trained on nsmc/train.tsv with the defaults (or given as folders), shrunk without any
further training, and scored on test.tsv. fastText is trained with character n-grams and quantized
with its own recipe (cut off, retrained, norms apart), the cut-off chosen so that the file has the
size.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import munjang
from machine import data_folder, describe_machine
from munjang.folder.manifest import list_manifest_files
from munjang.units import parse_bytes
from nsmc import FASTTEXT
from peers import need_data, present

# rows that fastText keeps are halved or doubled until the file fits; then so many steps between
_STEPS = 5


def train(name: str, data: Path, out: Path) -> Path:
    """Train a model with the defaults and return its folder."""
    munjang.train(data / "train.tsv", model=name, out=out, overrides=["training.threads=1"], seed=0)
    return out


def measure(folder: Path, data: Path) -> tuple[float, float]:
    """Return MB and accuracy in percent."""
    names = (*list_manifest_files(folder), "manifest.json")
    size = sum((folder / name).stat().st_size for name in names)
    scores = munjang.evaluate(folder, data / "test.tsv")
    return size / 1e6, 100 * scores.accuracy


def print_ours(folder: Path, data: Path, sizes: list[str], scratch: Path) -> None:
    """Print a line for the model, and one per size."""
    name = munjang.load(folder).recipe.model_name
    size, accuracy = measure(folder, data)
    print(f"| `{name}` | {size:.2f} | {accuracy:.2f} | |", flush=True)
    for wanted in sizes:
        out = scratch / f"{folder.name}-{wanted}"
        started = time.perf_counter()
        shrunk = munjang.shrink(folder, wanted, out=out)
        seconds = time.perf_counter() - started
        small, after = measure(out, data)
        kept = f"{shrunk.rows:,} of {shrunk.all_rows:,} rows, {shrunk.bits} bits, {seconds:.0f} s"
        print(f"| `{name}`, {wanted} | {small:.2f} | {after:.2f} | {kept} |", flush=True)


def print_fasttext(data: Path, sizes: list[str], scratch: Path) -> None:
    """Print a line for fastText, and one per size."""
    for wanted in ("", *sizes):
        command = [sys.executable, __file__, "--child", str(data), str(scratch), wanted]
        print(subprocess.run(command, check=True, capture_output=True, text=True).stdout, end="")


def run_fasttext(data: Path, scratch: Path, wanted: str) -> None:
    """Train fastText, quantize it to a size, and print its line; a process of its own."""
    import fasttext

    text = scratch / "fasttext.txt"
    rows: dict[str, list[list[str]]] = {}
    for part in ("train", "test"):
        lines = (data / f"{part}.tsv").read_text("utf-8").splitlines()[1:]
        rows[part] = [line.split("\t") for line in lines]
    text.write_text("".join(f"__label__{label} {t}\n" for _, t, label in rows["train"]), "utf-8")
    path = scratch / "model"

    def build(cutoff: int) -> tuple[Any, float]:
        model = fasttext.train_supervised(str(text), verbose=0, **FASTTEXT)
        if cutoff:
            model.quantize(str(text), cutoff=cutoff, retrain=True, qnorm=True, verbose=0)
        model.save_model(str(path))
        return model, path.stat().st_size / 1e6

    model, size = build(0)
    kept = ""
    if wanted:
        limit, low, high = parse_bytes(wanted) / 1e6, 1000, 400_000
        for _ in range(_STEPS):
            middle = (low + high) // 2
            model, size = build(middle)
            low, high = (middle, high) if size <= limit else (low, middle)
        model, size = build(low)
        kept = f"cutoff {low:,}"
    guesses, _ = model.predict([t for _, t, _ in rows["test"]])
    right = sum(
        g[0] == f"__label__{label}" for g, (_, _, label) in zip(guesses, rows["test"], strict=True)
    )
    name = f"fastText .ftz, {wanted}" if wanted else "fastText"
    print(f"| {name} | {size:.2f} | {100 * right / len(rows['test']):.2f} | {kept} |")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=data_folder() / "nsmc")
    parser.add_argument("--folders", nargs="*", type=Path, default=[])
    parser.add_argument("--models", nargs="*", default=["gru", "cnn", "mean"])
    parser.add_argument("--sizes", nargs="+", default=["2MB", "1MB"])
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        run_fasttext(Path(options.child[0]), Path(options.child[1]), options.child[2])
        return
    need_data(options.data)
    print(describe_machine())
    print("\n| model | MB | test accuracy | |\n|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as place:
        scratch = Path(place)
        for folder in options.folders:
            print_ours(folder, options.data, options.sizes, scratch)
        for name in options.models:
            folder = train(name, options.data, scratch / name)
            print_ours(folder, options.data, options.sizes, scratch)
        if present(["fasttext"]):
            print_fasttext(options.data, options.sizes, scratch)


if __name__ == "__main__":
    main()
