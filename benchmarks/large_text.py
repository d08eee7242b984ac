"""Rate of training on text in files and in memory, step by step in turn.

    python benchmarks/large_text.py FILE

Both trainings have the same lines, tokenizer and network; some steps of one follow some of the
other, so that other work on the machine slows both. One thread. Seconds are those of the processor.
"""

import argparse
import itertools
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch

from munjang.api import make_loop
from munjang.config import collect_settings
from munjang.data.batches import TextDataset
from munjang.data.shards.dataset import ShardedDataset
from munjang.preparation import prepare
from munjang.training.loop import Loop, Step

ROUNDS, STEPS = 12, 8
SETTINGS = (
    "data.shard_tokens=200000",
    "model.dim=128",
    "model.heads=2",
    "model.layers=4",
    "tokenizer.max_length=60",
    "training.batch_tokens=4096",
    "training.threads=1",
    "training.max_steps=5000",
    "training.validations_per_epoch=1",
)


def load_into_memory(rows: ShardedDataset) -> TextDataset:
    """Return the same rows in memory."""
    import numpy as np

    return rows.take(np.arange(len(rows)))


def time_steps(steps: Iterator[Step]) -> tuple[int, float]:
    """Take some steps; return their tokens and seconds of the processor."""
    start = time.process_time()
    tokens = sum(step.tokens for step in itertools.islice(steps, STEPS))
    return tokens, time.process_time() - start


def main(path: str) -> None:
    """Print the rate of each, and their ratio."""
    torch.set_num_threads(1)
    named: dict[str, Any] = {
        "task": "masked_lm",
        "input": "lines",
        "model": {"name": "bert"},
        "tokenizer": {"name": "characters"},
    }
    prepared = prepare(path, None, collect_settings(None, named, SETTINGS), print)
    assert isinstance(prepared.train, ShardedDataset)
    kinds = {
        "in files": prepared,
        "in memory": replace(prepared, train=load_into_memory(prepared.train)),
    }
    loops: dict[str, Loop] = {name: make_loop(kind) for name, kind in kinds.items()}
    steps = {name: iter(loop) for name, loop in loops.items()}
    for running in steps.values():
        time_steps(running)  # warm-up
    totals = {name: [0, 0.0] for name in steps}
    for _ in range(ROUNDS):
        for name, running in steps.items():
            tokens, seconds = time_steps(running)
            totals[name][0] += tokens
            totals[name][1] += seconds
    rates = {name: tokens / seconds for name, (tokens, seconds) in totals.items()}
    for name, rate in rates.items():
        print(f"{name}: {rate:,.0f} tokens per second of one processor")
    print(f"ratio: {rates['in files'] / rates['in memory']:.3f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", help="plain text, one text per line")
    main(parser.parse_args().file)
