"""A small comparison, as several tests ask for it and read it."""

import json
from pathlib import Path
from typing import Any

PATIENCE = 300.0  # machines that are shared may stand still
SMALL = (
    *("--set", "model.dim=8"),
    *("--set", "model.ngrams=1"),
    *("--set", "training.threads=1"),
    *("--set", "training.learning_rate=0.02"),
)
ALL = ("--models", "mean,majority,nbsvm", "--seeds", 2)
HOSTILE = "<script>alert('재미있다')</script> & great"


def command(table: Path, out: Path, *more: object) -> list[object]:
    """The words of a comparison that learns a little within seconds."""
    return ["compare", table, "--out", out, "--budget", "4k tokens", *SMALL, *more]


def standings(out: Path) -> dict[str, dict[str, Any]]:
    """The rows of the table by name, from compare.json."""
    rows = json.loads((out / "compare.json").read_text("utf-8"))["standings"]
    return {row["name"]: row for row in rows}
