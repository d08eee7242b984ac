"""Training throughput in real tokens a second, on the lengths of nsmc, against textbook code.

Each system trains the same model (width 128, vocabulary 16,000 subwords, batches of 64 rows) on the
same rows in a process of its own. The systems take turns; the medians over the rounds are compared
in one run.

- ours: `munjang.training.loop` as `munjang train` runs it, with its own optimisers for Korean:
  AdamW, and Adagrad with one number a row for the embedding. `ours, AdamW` has AdamW for all.
- torch: what textbooks show. Random batches padded to their longest row, `nn.Embedding`,
  `nn.Conv1d`, `nn.LSTM` on packed sequences, `torch.optim.Adam` over every parameter.
- keras: Keras 3 on JAX, compiled, random batches padded to the next multiple of 16, so that only a
  few shapes are compiled. Time spent in compiling is not counted.

    python benchmarks/train.py [--data nsmc/train.tsv] [--rounds 5] [--models mean cnn lstm]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from machine import data_folder, describe_machine

ROWS, WIDTH, VOCABULARY, HIDDEN, FILTERS = 64, 128, 16_000, 128, 100
WIDTHS = (3, 4, 5)
LONGEST = 128
SYSTEMS = ("ours", "ours, AdamW", "torch", "keras")


def encode(data: Path, cache: Path) -> None:
    """Write nsmc as subword ids: `values`, `offsets`, `targets`."""
    from munjang.data.batches import truncate
    from munjang.data.readers import read_table
    from munjang.text.columns import values_and_offsets
    from munjang.text.registry import make_tokenizer

    table = read_table(data, text_column="document", label_column="label")
    tokenizer = make_tokenizer("bpe").fit(table.texts, max_size=VOCABULARY)
    column, _ = truncate(tokenizer.encode(table.texts), LONGEST)
    values, offsets = values_and_offsets(column)
    targets = (table.labels == "1").to_numpy().astype(np.int64)
    np.savez(cache, values=values, offsets=offsets, targets=targets)


def ours(
    model: str, arrays: dict[str, np.ndarray], seconds: float, embedding_optimiser: str = "adagrad"
) -> tuple[int, float]:
    """Tokens and seconds of our loop."""
    import torch

    from munjang.data.batches import Examples
    from munjang.models.registry import build_encoder, model_config
    from munjang.tasks.classify import Classify
    from munjang.text.columns import token_column
    from munjang.training.loop import Loop, make_state
    from munjang.training.settings import TrainingSettings

    settings = {
        "mean": {"name": "mean", "dim": WIDTH},
        "cnn": {"name": "cnn", "dim": WIDTH, "filters": FILTERS, "widths": WIDTHS,
                "embedding_dropout": 0.0, "dropout": 0.5},
        "lstm": {"name": "lstm", "dim": WIDTH, "hidden": HIDDEN, "directions": 1,
                 "pooling": "last", "embedding_dropout": 0.0, "dropout": 0.0},
    }[model]  # fmt: skip
    torch.manual_seed(0)
    task = Classify(("0", "1"))
    training = TrainingSettings(
        batch_rows=ROWS, epochs=1000, embedding_optimiser=embedding_optimiser
    )
    network = task.network(build_encoder(model_config(settings), VOCABULARY))
    column = token_column(arrays["values"], arrays["offsets"])
    examples = Examples(column, arrays["targets"])
    few = Examples(column.slice(0, 64), arrays["targets"][:64])
    steps = iter(Loop(make_state(network, training), task, examples, few, training, 0))
    return timed(lambda: next(steps).tokens, seconds)


def random_batches(
    arrays: dict[str, np.ndarray], multiple: int
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Textbook batches: random rows, padded to the longest (rounded up to `multiple`)."""
    values, offsets, targets = arrays["values"], arrays["offsets"], arrays["targets"]
    random = np.random.default_rng(0)
    while True:
        order = random.permutation(len(targets))
        for start in range(0, len(order) - ROWS + 1, ROWS):
            rows = order[start : start + ROWS]
            lengths = np.maximum(offsets[rows + 1] - offsets[rows], 1)
            time_steps = -(-int(lengths.max()) // multiple) * multiple
            ids = np.zeros((ROWS, time_steps), dtype=np.int64)
            for i, row in enumerate(rows):
                ids[i, : offsets[row + 1] - offsets[row]] = values[offsets[row] : offsets[row + 1]]
            yield ids, lengths, targets[rows]


def textbook_torch(model: str, arrays: dict[str, np.ndarray], seconds: float) -> tuple[int, float]:
    """Tokens and seconds of PyTorch as it is taught."""
    import torch
    import torch.nn.functional as F
    from torch import nn

    torch.manual_seed(0)

    class Textbook(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(VOCABULARY, WIDTH, padding_idx=0)
            self.convs = nn.ModuleList(nn.Conv1d(WIDTH, FILTERS, w) for w in WIDTHS)
            self.lstm = nn.LSTM(WIDTH, HIDDEN, batch_first=True)
            self.dropout = nn.Dropout(0.5)
            out = {"mean": WIDTH, "cnn": FILTERS * len(WIDTHS), "lstm": HIDDEN}[model]
            self.head = nn.Linear(out, 1)

        def forward(self, ids: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
            x = self.embedding(ids)
            if model == "mean":
                mask = (ids != 0).unsqueeze(-1).float()
                pooled = (x * mask).sum(1) / mask.sum(1).clamp(min=1)
            elif model == "cnn":
                x = x.transpose(1, 2)
                maps = [F.relu(conv(x)) for conv in self.convs]
                pooled = self.dropout(torch.cat([m.max(dim=2).values for m in maps], dim=1))
            else:
                packed = nn.utils.rnn.pack_padded_sequence(
                    x, lengths, batch_first=True, enforce_sorted=False
                )
                _, (hidden, _) = self.lstm(packed)
                pooled = hidden[-1]
            return self.head(pooled).squeeze(1)

    network = Textbook()
    unused = {"mean": ("convs", "lstm"), "cnn": ("lstm",), "lstm": ("convs",)}[model]
    parameters = [p for n, p in network.named_parameters() if not n.startswith(unused)]
    optimiser = torch.optim.Adam(parameters, lr=1e-3)
    batches = random_batches(arrays, 1)

    def step() -> int:
        ids, lengths, targets = next(batches)
        if ids.shape[1] < max(WIDTHS):  # a Conv1d needs a whole window
            ids = np.pad(ids, ((0, 0), (0, max(WIDTHS) - ids.shape[1])))
        optimiser.zero_grad()
        logits = network(torch.from_numpy(ids), torch.from_numpy(lengths))
        loss = F.binary_cross_entropy_with_logits(logits, torch.from_numpy(targets).float())
        loss.backward()
        optimiser.step()
        loss.item()
        return int(lengths.sum())

    return timed(step, seconds)


def textbook_keras(model: str, arrays: dict[str, np.ndarray], seconds: float) -> tuple[int, float]:
    """Tokens and seconds of Keras 3 on JAX."""
    os.environ["KERAS_BACKEND"] = "jax"
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    inputs = keras.Input((None,), dtype="int32")
    x = layers.Embedding(VOCABULARY, WIDTH, mask_zero=model != "cnn")(inputs)
    if model == "mean":
        pooled = layers.GlobalAveragePooling1D()(x)
    elif model == "cnn":
        maps = [layers.Conv1D(FILTERS, w, activation="relu")(x) for w in WIDTHS]
        pooled = layers.Concatenate()([layers.GlobalMaxPooling1D()(m) for m in maps])
        pooled = layers.Dropout(0.5)(pooled)
    else:
        pooled = layers.LSTM(HIDDEN)(x)
    network = keras.Model(inputs, layers.Dense(1, activation="sigmoid")(pooled))
    network.compile(optimizer=keras.optimizers.Adam(1e-3), loss="binary_crossentropy")
    batches = random_batches(arrays, 16)
    for length in range(16, LONGEST + 1, 16):  # compile every shape before the clock runs
        network.train_on_batch(np.ones((ROWS, length), np.int32), np.ones((ROWS, 1), np.float32))

    def step() -> int:
        ids, lengths, targets = next(batches)
        network.train_on_batch(ids.astype(np.int32), targets[:, None].astype(np.float32))
        return int(lengths.sum())

    return timed(step, seconds)


def timed(step: Callable[[], int], seconds: float) -> tuple[int, float]:
    """Run `step` for about `seconds` after a warm-up; return its tokens and the time they took."""
    for _ in range(30):
        step()
    began, tokens = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        tokens += step()
    return tokens, time.perf_counter() - began


RUNNERS = {
    "ours": ours,
    "ours, AdamW": partial(ours, embedding_optimiser="adamw"),
    "torch": textbook_torch,
    "keras": textbook_keras,
}


def measure(system: str, model: str, cache: Path, seconds: float) -> float:
    """Tokens a second of one system in a process of its own."""
    command = [sys.executable, __file__, "--child", system, model, str(cache), str(seconds)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        sys.exit(f"{system} on {model} failed:\n{result.stderr[-2000:]}")
    return float(json.loads(result.stdout.splitlines()[-1]))


def main() -> None:
    """Measure all systems in turns and print the medians and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=data_folder() / "nsmc" / "train.tsv")
    parser.add_argument("--models", nargs="+", default=["mean", "cnn", "lstm"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        system, model, cache, seconds = options.child
        with np.load(cache) as stored:
            arrays = dict(stored)
        tokens, taken = RUNNERS[system](model, arrays, float(seconds))
        print(json.dumps(tokens / taken))
        return
    print(describe_machine())
    print(
        f"{options.rounds} rounds of {options.seconds:.0f} s each, real tokens a second, medians\n"
    )
    print("| model | ours | ours, AdamW | PyTorch, textbook | Keras 3 on JAX | ours / best peer |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder) / "nsmc.npz"
        encode(options.data, cache)
        for model in options.models:
            rates: dict[str, list[float]] = {system: [] for system in SYSTEMS}
            for _ in range(options.rounds):
                for system in SYSTEMS:
                    rates[system].append(measure(system, model, cache, options.seconds))
            medians = [statistics.median(rates[system]) for system in SYSTEMS]
            ratio = medians[0] / max(medians[2:])
            row = " | ".join(f"{rate:,.0f}" for rate in medians)
            print(f"| {model} | {row} | {ratio:.2f} |", flush=True)


if __name__ == "__main__":
    main()
