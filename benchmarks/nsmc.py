"""Quality on nsmc: every model with its default settings for Korean, and fastText, in one run.

Each is trained on train.tsv alone and judged on test.tsv once. Times are those of a whole process,
from the file to the saved model; fastText and `mean` take turns over several rounds and the medians
are compared.

    python benchmarks/nsmc.py [--data shared/data/nsmc] [--models mean cnn lstm] [--rounds 3]
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import data_folder, describe_machine
from peers import need_data, present

FASTTEXT = {"minn": 1, "maxn": 4, "bucket": 500_000, "epoch": 5, "thread": 2}


def train_fasttext_model(data: str, folder: str) -> None:
    """Read train.tsv, train fastText and save the model, in a separate process."""
    import fasttext

    path = Path(folder) / "train.txt"
    with Path(data).open(encoding="utf-8") as source, path.open("w", encoding="utf-8") as out:
        next(source)
        for line in source:
            _, text, label = line.rstrip("\n").split("\t")
            out.write(f"__label__{label} {text}\n")
    model = fasttext.train_supervised(str(path), verbose=0, **FASTTEXT)
    model.save_model(str(Path(folder) / "model.bin"))


def evaluate_fasttext(folder: Path, data: Path) -> float:
    """Accuracy in per cent of the saved fastText model."""
    import fasttext

    model = fasttext.load_model(str(folder / "model.bin"))
    with (data / "test.tsv").open(encoding="utf-8") as source:
        next(source)
        rows = [line.rstrip("\n").split("\t") for line in source]
    predictions, _ = model.predict([text for _, text, _ in rows])
    right = sum(
        guess[0] == f"__label__{label}"
        for guess, (_, _, label) in zip(predictions, rows, strict=True)
    )
    return 100 * right / len(rows)


def train_fasttext(data: Path, folder: Path) -> float:
    """Seconds of the whole process, from the file to the saved model."""
    folder.mkdir()
    command = [sys.executable, __file__, "--child", str(data / "train.tsv"), str(folder)]
    start = time.perf_counter()
    subprocess.run(command, check=True)
    return time.perf_counter() - start


def train_ours(model: str, data: Path, folder: Path, seed: int) -> float:
    """`munjang train` as a person types it; seconds of the whole command."""
    command = [
        sys.executable, "-m", "munjang", "train", str(data / "train.tsv"),
        "--task", "classify", "--model", model, "--text-column", "document",
        "--label-column", "label", "--out", str(folder), "--seed", str(seed), "--quiet", "--json",
    ]  # fmt: skip
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def evaluate_ours(folder: Path, data: Path) -> float:
    """Accuracy in per cent of `munjang evaluate`."""
    command = [sys.executable, "-m", "munjang", "evaluate", str(folder), str(data / "test.tsv")]
    result = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True)
    return 100 * float(json.loads(result.stdout)["accuracy"])


def format_row(name: str, accuracy: float, seconds: float, folder: Path) -> str:
    """One line of the table."""
    size = f"{sum(p.stat().st_size for p in folder.glob('*.*')) / 1e6:.0f}"
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    parameters = f"{metrics['training']['parameters']:,}"
    return f"| {name} | {accuracy:.2f} | {seconds:.1f} | {parameters} | {size} |"


def fasttext_row(folder: Path, data: Path, seconds: list[float]) -> str:
    """The line of fastText."""
    accuracy = evaluate_fasttext(folder, data)
    size = (folder / "model.bin").stat().st_size / 1e6
    name = "fastText, character n-grams 1-4"
    return f"| {name} | {accuracy:.2f} | {statistics.median(seconds):.1f} | | {size:.0f} |"


def main() -> None:
    """Train everything, then judge everything, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=data_folder() / "nsmc")
    parser.add_argument("--models", nargs="+", default=["mean", "cnn", "lstm"])
    parser.add_argument("--rounds", type=int, default=3, help="turns of mean and fastText")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        train_fasttext_model(*options.child)
        return
    need_data(options.data)
    print(describe_machine() + "\n", flush=True)
    with_fasttext = bool(present(["fasttext"]))
    print("| model | test accuracy | seconds | parameters | folder, MB |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        fast, mean = [], []
        for round_ in range(options.rounds):
            if with_fasttext:
                fast.append(train_fasttext(options.data, Path(scratch) / f"fasttext-{round_}"))
            folder = Path(scratch) / f"mean-{round_}"
            mean.append(train_ours("mean", options.data, folder, options.seed))
        if with_fasttext:
            print(fasttext_row(Path(scratch) / "fasttext-0", options.data, fast), flush=True)
        for model in options.models:
            folder = Path(scratch) / (model if model != "mean" else "mean-0")
            taken = statistics.median(mean) if model == "mean" else 0.0
            if model != "mean":
                taken = train_ours(model, options.data, folder, options.seed)
            print(format_row(model, evaluate_ours(folder, options.data), taken, folder), flush=True)
        if with_fasttext:
            ratio = statistics.median(mean) / statistics.median(fast)
            print(f"\nmean takes {ratio:.2f} times fastText's time (medians of {options.rounds})")


if __name__ == "__main__":
    main()
