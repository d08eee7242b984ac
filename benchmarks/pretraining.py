"""Quality on nsmc with and without pretraining, every architecture on equal seconds.

    python benchmarks/pretraining.py --out runs [--models bert cnn] [--budget 2h] [--seeds 0 1 2]

Every architecture is pretrained on nsmc/unlabelled.txt.gz for the same seconds, then trained on
nsmc/train.tsv from there, and once more the same network from random weights, with the training
settings that are the default there. A tenth of train.tsv decides which epoch is kept; test.tsv is
read once, for the table. What is finished in the folder is not done again, so that a stopped run
goes on.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from machine import data_folder, describe_machine
from peers import need_data

ENCODERS = ("cnn", "rnn", "lstm", "gru", "transformer", "bert")
COLUMNS = ("--text-column", "document", "--label-column", "label")


def run_munjang(*arguments: str) -> str:
    """Run a command, and return what it prints."""
    command = [sys.executable, "-m", "munjang", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def train_if_missing(folder: Path, *arguments: str) -> None:
    """Run a training, unless its model is complete; one that was stopped is resumed."""
    if not (folder / "manifest.json").exists():
        resume = ("--resume",) if folder.exists() else ()
        run_munjang(*arguments, "--out", str(folder), "--quiet", *resume)


def set_options(values: list[str]) -> list[str]:
    """Return options for settings."""
    return [part for value in values for part in ("--set", value)]


def train_both(model: str, data: Path, runs: Path, options: argparse.Namespace) -> None:
    """Pretrain an architecture, then train it from there and from random weights."""
    start = runs / f"{model}-pretrained"
    train_if_missing(
        start,
        *("pretrain", str(data / "unlabelled.txt.gz"), "--model", model),
        *("--budget", options.budget, *set_options(options.pretraining)),
    )
    for seed in options.seeds:
        train = ("train", str(data / "train.tsv"), "--seed", str(seed), *COLUMNS)
        pretrained = runs / f"{model}-from-{seed}"
        from_start = ("--from", str(start), *set_options(options.training))
        train_if_missing(pretrained, *train, *from_start)
        network = runs / f"{model}-{seed}.yaml"
        network.write_text(yaml.safe_dump(network_settings(pretrained)))
        alone = ("--config", str(network), *set_options(options.alone))
        train_if_missing(runs / f"{model}-alone-{seed}", *train, *alone)


def network_settings(folder: Path) -> dict[str, Any]:
    """Return the settings of network and tokenizer, without those of regularization."""
    settings = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
    tokenizer = settings["tokenizer"]
    names = ("name", "max_size", "min_frequency", "max_length", "settings", "add_go_eos")
    network = {key: value for key, value in settings["model"].items() if "dropout" not in key}
    return {"model": network, "tokenizer": {key: tokenizer[key] for key in names}}


def read_accuracy(folder: Path, data: Path) -> float:
    """Return the accuracy on the test part, in percent."""
    kept = folder / "test.json"
    if not kept.exists():
        kept.write_text(run_munjang("evaluate", str(folder), str(data / "test.tsv"), "--json"))
    return 100 * float(json.loads(kept.read_text())["accuracy"])


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=data_folder() / "nsmc")
    parser.add_argument("--models", nargs="+", default=list(ENCODERS))
    parser.add_argument("--budget", default="2h")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--pretraining", nargs="*", default=[], metavar="KEY=VALUE")
    parser.add_argument("--training", nargs="*", default=[], metavar="KEY=VALUE")
    parser.add_argument("--alone", nargs="*", default=[], metavar="KEY=VALUE")
    options = parser.parse_args()
    need_data(options.data / "unlabelled.txt.gz")
    options.out.mkdir(parents=True, exist_ok=True)
    print(describe_machine())
    print("\n| model | from scratch | pretrained | gain |\n|---|---|---|---|")
    for model in options.models:
        train_both(model, options.data, options.out, options)
        result = {
            kind: [
                read_accuracy(options.out / f"{model}-{kind}-{s}", options.data)
                for s in options.seeds
            ]
            for kind in ("alone", "from")
        }
        alone, pretrained = (float(np.mean(result[kind])) for kind in ("alone", "from"))
        spread = " / ".join(f"{value:.2f}" for value in result["from"])
        print(
            f"| {model} | {alone:.2f} | {pretrained:.2f} ({spread}) | {pretrained - alone:+.2f} |"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
