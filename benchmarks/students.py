"""Students on nsmc: small architectures taught by larger models, on labeled and unlabeled texts.

    python benchmarks/students.py TEACHER [TEACHER ...] --out runs [--models mean cnn] [--seeds 0]

The teachers are model folders trained on nsmc/train.tsv, such as those of
benchmarks/pretraining.py; several are averaged. Each student has the default network of its
architecture, and is trained on nsmc/train.tsv and on the answers for nsmc/unlabelled.txt.gz. A
tenth of train.tsv, which no teacher with the same seed was trained on, decides which epoch is kept;
test.tsv is read once, for the table. The same network without a teacher stands beside it. What is
finished in the folder is not done again.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from machine import data_folder, describe_machine
from peers import need_data
from pretraining import COLUMNS, read_accuracy, set_options, train_if_missing

STUDENTS = ("mean", "cnn")


def distil_if_missing(
    folder: Path, data: Path, model: str, seed: int, options: argparse.Namespace
) -> None:
    """Train a student, unless it is complete."""
    train_if_missing(
        folder,
        *("distil", *map(str, options.teachers), "--model", model, "--seed", str(seed)),
        *("--data", str(data / "train.tsv"), *COLUMNS),
        *("--unlabelled", str(data / "unlabelled.txt.gz")),
        *("--temperature", str(options.temperature), "--soft-weight", str(options.soft_weight)),
        *set_options(options.student),
    )


def read_validation(folder: Path) -> float:
    """Return the accuracy on the validation part, in percent."""
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    return 100 * float(metrics["validation"]["accuracy"])


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("teachers", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=data_folder() / "nsmc")
    parser.add_argument("--models", nargs="+", default=list(STUDENTS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--temperature", type=float, default=2)
    parser.add_argument("--soft-weight", type=float, default=0.9)
    parser.add_argument("--student", nargs="*", default=[], metavar="KEY=VALUE")
    parser.add_argument("--alone", nargs="*", default=[], metavar="KEY=VALUE")
    parser.add_argument(
        "--no-test", action="store_true", help="validation only, to choose settings"
    )
    options = parser.parse_args()
    need_data(options.data / "unlabelled.txt.gz")
    options.out.mkdir(parents=True, exist_ok=True)
    print(describe_machine())
    print(
        "\n| model | alone | student | validation of the student |\n|---|---|---|---|", flush=True
    )
    for model in options.models:
        alone, taught, valid = [], [], []
        for seed in options.seeds:
            student = options.out / f"{model}-student-{seed}"
            distil_if_missing(student, options.data, model, seed, options)
            valid.append(read_validation(student))
            if options.no_test:
                continue
            single = options.out / f"{model}-{seed}"
            train = ("train", str(options.data / "train.tsv"), "--model", model, *COLUMNS)
            train_if_missing(single, *train, "--seed", str(seed), *set_options(options.alone))
            alone.append(read_accuracy(single, options.data))
            taught.append(read_accuracy(student, options.data))
        figures = [f"{np.mean(found):.2f}" if found else "-" for found in (alone, taught, valid)]
        print(f"| {model} | {' | '.join(figures)} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
