"""A small comparison and what of its result does not depend on the clock."""

import json
from pathlib import Path
from typing import Any

from tests.cluster.kills import KILLS

# More where more nodes die, so that the comparison outlives them.
SEEDS = max(2, KILLS)
# Results that depend on the clock, or on the machine.
_TIMES = {
    *("machine", "seconds", "tokens_per_second", "p50", "p99", "memory_bytes", "folder_bytes"),
    *("processor_share", "starved", "curves", "why"),
}
# Checkpoints every few steps, so that a killed run continues from one.
TRAINED = (
    *("--set", "model.dim=8", "--set", "model.ngrams=1", "--set", "training.threads=1"),
    *("--set", "training.learning_rate=0.02", "--set", "training.checkpoint_steps=5"),
    *("--set", "training.batch_size=4"),
)


def compare_command(table: Path, out: Path, *more: object) -> list[object]:
    """The words of a comparison of a few runs."""
    models = ("--models", "mean,majority", "--seeds", SEEDS, "--budget", "30k tokens")
    return ["compare", table, "--out", out, *models, *TRAINED, *more]


def untimed(value: Any) -> Any:
    """What of a result does not depend on the clock."""
    if isinstance(value, dict):
        return {key: untimed(part) for key, part in value.items() if key not in _TIMES}
    return [untimed(part) for part in value] if isinstance(value, list) else value


def read_comparison(out: Path) -> Any:
    """What of compare.json does not depend on the clock."""
    return untimed(json.loads((out / "compare.json").read_text("utf-8")))


def read_weights(out: Path) -> dict[str, bytes]:
    """The weights of every run, by its folder."""
    files = sorted((out / "runs").glob("*/seed-*/model/model.safetensors"))
    return {str(file.relative_to(out)): file.read_bytes() for file in files}
