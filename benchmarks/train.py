"""Training throughput in real tokens a second, on the lengths of nsmc, against textbook code.

Each system trains the same model (width 128, vocabulary 16,000 subwords, batches of 64 rows),
forward, backward and update, on the same rows in a process of its own. The systems take turns; the
medians over the rounds are compared in one run. What happens once is not counted: compiling, and
the libraries that a first evaluation imports.

- ours: `munjang.training.loop` as `munjang train` runs it, with its own optimizers for Korean:
  AdamW, and Adagrad with one number a row for the embedding. `ours, AdamW` has AdamW for all. The
  gradient's norm is bound, which the peers leave out; not that of `mean`, as by default.
- torch: what textbooks show. Random batches padded to their longest row, `nn.Embedding`,
  `nn.Conv1d`, packed `nn.RNN`, `nn.LSTM`, `nn.GRU`, `nn.TransformerEncoder`, Adam over everything.
- jax, tensorflow: Keras 3, compiled, random batches padded to the next multiple of 16, so that only
  a few shapes are compiled.

Beside it stands the share of the machine's measured matrix-product rate that the arithmetic of the
model reaches in real tokens: padding, lookups, activations and updates all count as loss.

    pip install -c constraints.txt -e '.[dev]' -r benchmarks/requirements.txt
    python benchmarks/train.py [--data nsmc/train.tsv] [--rounds 5] [--models mean cnn lstm]

A peer that is not installed is left out. With a GPU, `--device cuda` runs ours and PyTorch in
bfloat16.
"""

import argparse
import json
import math
import statistics
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np

import textbook_keras
import textbook_torch
from machine import data_folder, describe_machine
from peers import need_data, present
from textbook import (
    DROPOUT,
    FEED_FORWARD,
    FILTERS,
    HEADS,
    HIDDEN,
    LAYERS,
    LONGEST,
    ROWS,
    VOCABULARY,
    WIDTH,
    WIDTHS,
    Arrays,
    matrix_operations,
    matrix_rate,
    time_steps_per_second,
)

RECURRENT = {"dim": WIDTH, "hidden_dim": HIDDEN, "directions": 1, "pooling": "last",
             "embedding_dropout": 0.0, "dropout": 0.0}  # fmt: skip
MODELS = {
    "mean": {"name": "mean", "dim": WIDTH},
    "cnn": {"name": "cnn", "dim": WIDTH, "filters": FILTERS, "kernel_sizes": WIDTHS,
            "embedding_dropout": 0.0, "dropout": 0.5},
    "rnn": {"name": "rnn", **RECURRENT},
    "lstm": {"name": "lstm", **RECURRENT},
    "gru": {"name": "gru", **RECURRENT},
    "transformer": {"name": "transformer", "dim": WIDTH, "layers": LAYERS, "heads": HEADS,
                    "feed_forward_dim": FEED_FORWARD, "positions": "sinusoidal", "pooling": "mean",
                    "embedding_dropout": DROPOUT, "dropout": DROPOUT},
}  # fmt: skip


def encode(data: Path, cache: Path) -> None:
    """Write nsmc as subword ids: `values`, `offsets`, `targets`."""
    from munjang.data.batches import truncate
    from munjang.data.readers import read_table
    from munjang.text.columns import values_and_offsets
    from munjang.text.registry import make_tokenizer

    table = read_table(data, text_column="document", label_column="label")
    tokenizer = make_tokenizer("bpe").fit(table["text"], max_size=VOCABULARY)
    column, _ = truncate(tokenizer.encode(table["text"]), LONGEST)
    values, offsets = values_and_offsets(column)
    targets = (table.targets == "1").to_numpy().astype(np.int64)
    np.savez(cache, values=values, offsets=offsets, targets=targets)


def run_ours(
    model: str,
    arrays: Arrays,
    seconds: float,
    device: str = "cpu",
    embedding_optimizer: str = "adagrad",
) -> tuple[int, float]:
    """Tokens and seconds of our loop."""
    import torch

    from munjang.data.batches import TextDataset
    from munjang.network import build_network
    from munjang.recipe import make_recipe, parse_recipe
    from munjang.tasks.classify import Classify
    from munjang.text.columns import token_column
    from munjang.training.loop import Loop
    from munjang.training.settings import TrainingSettings
    from munjang.training.state import make_state

    torch.manual_seed(0)
    task = Classify(("0", "1"))
    recipe = parse_recipe({"task": "classify", "model": MODELS[model]})
    usual = make_recipe({"task": "classify", "model": {"name": model}})
    training = TrainingSettings(
        batch_size=ROWS,
        epochs=1000,
        embedding_optimizer=embedding_optimizer,
        clip_norm=usual.training.clip_norm,
        device=device,
        precision="float32" if device == "cpu" else "bfloat16",
    )
    network = build_network(recipe, task, VOCABULARY).to(device)
    column = token_column(arrays["values"], arrays["offsets"])
    examples = TextDataset(column, arrays["targets"])
    few = TextDataset(column.slice(0, 64), arrays["targets"][:64])
    loop = Loop(make_state(network, training), task, examples, few, training, 0)
    loop.validate()  # imports what judges
    steps = iter(loop)
    return time_steps_per_second(lambda: next(steps).tokens, seconds)


SYSTEMS = {
    "ours": run_ours,
    "ours, AdamW": partial(run_ours, embedding_optimizer="adamw"),
    "torch": textbook_torch.run,
    "jax": partial(textbook_keras.run, backend="jax"),
    "tensorflow": partial(textbook_keras.run, backend="tensorflow"),
}
ON_GPU = ("ours", "ours, AdamW", "torch")


def measure(system: str, model: str, cache: Path, seconds: float, device: str) -> float:
    """Tokens a second of one system in a process of its own."""
    command = [sys.executable, __file__, "--child", system, model, str(cache), str(seconds), device]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        sys.exit(f"{system} on {model} failed:\n{result.stderr[-2000:]}")
    return float(json.loads(result.stdout.splitlines()[-1]))


def child(system: str, model: str, cache: str, seconds: str, device: str) -> None:
    """Print the tokens a second of one system."""
    with np.load(cache) as stored:
        arrays = dict(stored)
    on = {} if device == "cpu" else {"device": device}
    tokens, taken = SYSTEMS[system](model, arrays, float(seconds), **on)
    print(json.dumps(tokens / taken))


def mean_attended_tokens(arrays: Arrays) -> float:
    """Tokens that a token of the average row attends to."""
    lengths = np.diff(arrays["offsets"]).astype(float)
    return float((lengths**2).sum() / lengths.sum())


def main() -> None:
    """Measure all systems in turns and print the medians and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=data_folder() / "nsmc" / "train.tsv")
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--child", nargs=5, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(*options.child)
        return
    need_data(options.data)
    print(describe_machine())
    systems = present(SYSTEMS if options.device == "cpu" else ON_GPU)
    peers = [system for system in systems if not system.startswith("ours")]
    rate = matrix_rate(options.device)
    print(
        f"{options.rounds} rounds of {options.seconds:g} s each, real tokens a second, medians; "
        f"matrix products: {rate / 1e9:,.0f} GFLOP/s\n"
    )
    print(f"| model | {' | '.join(systems)} | ours / best peer | share of the matrix rate |")
    print("|---" * (len(systems) + 3) + "|")
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder) / "nsmc.npz"
        encode(options.data, cache)
        with np.load(cache) as stored:
            time_steps = mean_attended_tokens(dict(stored))
        for model in options.models:
            rates: dict[str, list[float]] = {system: [] for system in systems}
            for _ in range(options.rounds):
                for system in systems:
                    rates[system].append(
                        measure(system, model, cache, options.seconds, options.device)
                    )
            medians = {system: statistics.median(rates[system]) for system in systems}
            best = max((medians[peer] for peer in peers), default=math.nan)
            share = medians["ours"] * matrix_operations(model, time_steps) / rate
            row = " | ".join(f"{medians[system]:,.0f}" for system in systems)
            print(f"| {model} | {row} | {medians['ours'] / best:.2f} | {share:.0%} |", flush=True)


if __name__ == "__main__":
    main()
