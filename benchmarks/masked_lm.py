"""Training on masked tokens beside the recipe `run_mlm` of Hugging Face transformers.

    python benchmarks/masked_lm.py [--data nsmc/unlabelled.txt.gz] [--steps 40] [--rounds 3]

Both sides train the same BERT on the same lines with the same tokenizer, in float32, on all cores.
The peer is `Trainer` with `DataCollatorForLanguageModeling`, as `run_mlm.py` sets it up: once with
a row per line (--line_by_line), padded to the longest row of a batch, and once with lines joined
and cut into rows of 128 tokens, its default. Tokens per second count real tokens, not padding. The
share of the matrix rate is that of the multiplications that the tokens need, at the rate of one
large matrix product in the same minute.
"""

import argparse
import gzip
import os
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from machine import data_folder, describe_machine
from peers import need_data, present

SHAPE = {"dim": 256, "layers": 4, "heads": 4}
VOCABULARY, POSITIONS, BATCH_TOKENS, RATE = 8000, 128, 4096, 0.15
JOINED = 128


def read_lines(path: Path, count: int) -> list[str]:
    """Return the first lines of a text, compressed with gzip."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [line.strip() for line in islice(file, count) if line.strip()]


def matrix_rate() -> float:
    """Return the floating-point operations per second of a product of the feed-forward's size."""
    import torch

    states, weight = torch.randn(BATCH_TOKENS, SHAPE["dim"]), torch.randn(1024, SHAPE["dim"])
    taken = []
    for _ in range(20):
        start = time.perf_counter()
        torch.nn.functional.linear(states, weight)
        taken.append(time.perf_counter() - start)
    return 2 * BATCH_TOKENS * SHAPE["dim"] * 1024 / float(np.median(taken))


def operations_per_token(predicted: float) -> float:
    """Return the operations per token of a step, with a share of tokens predicted."""
    dim, layers = SHAPE["dim"], SHAPE["layers"]
    return 3 * 2 * (layers * 12 * dim * dim + predicted * (VOCABULARY * dim + dim * dim))


def train_ours(folder: Path, steps: int) -> float:
    """Return tokens per second of `munjang pretrain`."""
    import munjang

    start, tokens, seconds = 0.0, 0, 0.0

    def on_step(step: Any) -> None:
        nonlocal start, tokens, seconds
        now = time.perf_counter()
        if step.number > WARM_UP and step.scores is None:
            tokens, seconds = tokens + step.tokens, seconds + now - start
        start = time.perf_counter()

    munjang.train(
        folder / "lines.txt",
        task="masked_lm",
        model="bert",
        config={
            "model": {**SHAPE, "max_positions": POSITIONS},
            "tokenizer": {"max_size": VOCABULARY, "max_length": POSITIONS - 2},
            "masked_lm": {"mask_rate": RATE},
            "training": {
                "batch_size": None,
                "batch_tokens": BATCH_TOKENS,
                "max_steps": steps + WARM_UP,
                "epochs": 100,
            },
        },
        out=folder / "ours",
        overwrite=True,
        on_step=on_step,
    )
    return tokens / seconds


WARM_UP = 5


def train_peer(folder: Path, lines: list[str], steps: int, *, joined: bool) -> float:
    """Return tokens per second of `Trainer`, with a row per line or with rows of joined lines."""
    import torch
    from transformers import (
        BertConfig,
        BertForMaskedLM,
        DataCollatorForLanguageModeling,
        PreTrainedTokenizerFast,
        Trainer,
        TrainerCallback,
        TrainingArguments,
    )

    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder / "exported")
    ids = tokenizer(lines, truncation=True, max_length=POSITIONS)["input_ids"]
    if joined:
        flat = np.concatenate([np.asarray(row) for row in ids])
        rows = flat[: len(flat) // JOINED * JOINED].reshape(-1, JOINED).tolist()
        batch = BATCH_TOKENS // JOINED
    else:
        rows, batch = ids, round(BATCH_TOKENS / np.mean([len(row) for row in ids]))
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=SHAPE["dim"],
        num_hidden_layers=SHAPE["layers"],
        num_attention_heads=SHAPE["heads"],
        intermediate_size=4 * SHAPE["dim"],
        max_position_embeddings=POSITIONS,
    )
    counted: dict[str, float] = {"tokens": 0}
    collate = DataCollatorForLanguageModeling(tokenizer, mlm_probability=RATE)

    def collator(rows: list[Any]) -> Any:
        made = collate(rows)
        counted["last"] = int(made["attention_mask"].sum())
        return made

    class Clock(TrainerCallback):
        """Counts the tokens and the seconds of the steps after the warm-up."""

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            now = time.perf_counter()
            if state.global_step > WARM_UP:
                counted["tokens"] += counted["last"]
                counted["seconds"] = counted.get("seconds", 0.0) + now - counted["began"]
            counted["began"] = now

    arguments = TrainingArguments(
        output_dir=str(folder / "peer"),
        per_device_train_batch_size=batch,
        max_steps=steps + WARM_UP,
        learning_rate=1e-3,
        report_to=[],
        save_strategy="no",
        logging_strategy="no",
        disable_tqdm=True,
        use_cpu=True,
    )
    torch.manual_seed(0)
    data = [{"input_ids": row, "attention_mask": [1] * len(row)} for row in rows]
    model = BertForMaskedLM(config)
    trainer = Trainer(
        model, arguments, data_collator=collator, train_dataset=data, callbacks=[Clock()]
    )
    trainer.train()
    return counted["tokens"] / counted["seconds"]


def export(folder: Path) -> None:
    """Train our model for one step, and export it, for the peer to use its tokenizer."""
    import munjang

    train_ours(folder, 3)
    munjang.export_model(folder / "ours", folder / "exported")


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = data_folder() / "nsmc" / "unlabelled.txt.gz"
    parser.add_argument("--data", type=Path, default=default)
    parser.add_argument("--lines", type=int, default=40_000)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if not present(["transformers"]):
        return 1
    os.environ["HF_HUB_OFFLINE"] = "1"
    lines = read_lines(need_data(options.data), options.lines)
    print(describe_machine())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "lines.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
        export(folder)
        result: dict[str, list[float]] = {}
        shares: dict[str, list[float]] = {}
        for _ in range(options.rounds):
            sides = {
                "ours": lambda: train_ours(folder, options.steps),
                "run_mlm, a row per line": lambda: train_peer(
                    folder, lines, options.steps, joined=False
                ),
                "run_mlm, lines joined": lambda: train_peer(
                    folder, lines, options.steps, joined=True
                ),
            }
            for side, run in sides.items():
                rate = run()
                result.setdefault(side, []).append(rate)
                needed = rate * operations_per_token(RATE)
                shares.setdefault(side, []).append(needed / matrix_rate())
    ours = float(np.median(result["ours"]))
    print("\n| | tokens per second | ours / it | share of the matrix rate |\n|---|---|---|---|")
    for side, rates in result.items():
        median = float(np.median(rates))
        share = float(np.median(shares[side]))
        print(f"| {side} | {median:,.0f} | {ours / median:.2f} | {share:.0%} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
