"""The layout of the folder of a comparison.

comparison.json       the plan: equal plans are the same comparison
data/                 the three parts, the same for all
runs/MODEL/seed-N/    one run: model/ is the trained model, run.json its figures, written last
compare.json, compare.csv, compare.html    the results
"""

from pathlib import Path

PLAN, DATA, RUNS = "comparison.json", "data", "runs"
RESULTS, TABLE, PAGE = "compare.json", "compare.csv", "compare.html"
RUN, MODEL, LOG = "run.json", "model", "log.txt"
PARTS = ("train", "valid", "test")


def run_folder(out: Path, model: str, seed: int) -> Path:
    """Return the folder of a run within that of the comparison."""
    return out / RUNS / model / f"seed-{seed}"
