"""How many planted wrong labels are found: 5 % of the labels are flipped, and as many rows listed.

    python benchmarks/label_issues.py --data ../shared/data [--seeds 3] [--models tfidf-characters]
        [--rows 20000] [--from FOLDER] [--pool]

Precision is the share of flipped rows among the first suggestions, as many as there are flips:
beside it that of cleanlab (normalized margin, self-confidence) on the same probabilities. Labels
that were wrong before anything was flipped count as mistakes. With --pool, all models judge
together, by their pooled probabilities.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from munjang.config import parse_overrides
from munjang.data.labels import check_known_labels, require_labels
from munjang.data.readers import read_table
from munjang.data.table import Table
from munjang.diagnosis.confident_learning import normalized_margins, rank_issues
from munjang.diagnosis.folds import assign_folds
from munjang.diagnosis.judges import make_judges
from munjang.pretrained.model_folder import read_start

SHARE, FOLDS = 0.05, 5


def read_nsmc(folder: Path) -> Table:
    """Return 150,000 Korean film reviews."""
    return read_table(str(folder / "nsmc" / "train.tsv"), skip_bad_rows=True)


def read_mr(folder: Path) -> Table:
    """Return 10,662 English sentences on films (rotten tomatoes)."""
    return read_table(str(folder / "mr" / "all.tsv"))


def draw(table: Table, most: int | None) -> Table:
    """Return at most so many rows, drawn at random."""
    return table.take(np.sort(np.random.default_rng(0).permutation(len(table))[:most]))


CORPORA = {"nsmc": read_nsmc, "mr": read_mr}


def flip(targets: np.ndarray, classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return class numbers of which a share is another one, and True for these rows."""
    random = np.random.default_rng(seed)
    is_flipped = np.zeros(len(targets), dtype=bool)
    is_flipped[random.permutation(len(targets))[: round(SHARE * len(targets))]] = True
    shift = random.integers(1, classes, len(targets))
    return np.where(is_flipped, (targets + shift) % classes, targets), is_flipped


def measure(
    table: Table, models: list[str], seed: int, start: Any, settings: dict[str, Any]
) -> dict[str, object]:
    """Return precisions and seconds of one run."""
    labels = tuple(sorted(require_labels(table).unique().to_list()))
    true = check_known_labels(require_labels(table), labels, table)
    given, is_flipped = flip(true, len(labels), seed)
    flipped = table.with_targets(pl.Series("label", [labels[n] for n in given.tolist()]))
    began = time.perf_counter()
    fold = assign_folds(flipped, given, FOLDS, seed)
    judges = make_judges(models, start, settings=settings, seed=seed)
    probabilities = judges.judge(table.keys, given, fold, labels)
    seconds = time.perf_counter() - began
    count = int(is_flipped.sum())

    def precision(scores: np.ndarray) -> float:
        return float(is_flipped[np.argsort(scores, kind="stable")[:count]].mean())

    issues = rank_issues(probabilities, given).rows
    found = {
        "model": str(judges),
        "seed": seed,
        "rows": len(table),
        "flips": count,
        "accuracy": float((probabilities.argmax(1) == given).mean()),
        "precision": precision(normalized_margins(probabilities, given)),
        "listed": len(issues),
        "precision_listed": float(is_flipped[issues].mean()),
        "recall_listed": float(is_flipped[issues].sum() / count),
        "seconds": round(seconds, 1),
    }
    try:
        from cleanlab.filter import find_label_issues
        from cleanlab.rank import get_label_quality_scores
    except ImportError:
        return found
    for method in ("normalized_margin", "self_confidence"):
        scores = get_label_quality_scores(given, probabilities, method=method)
        found[f"cleanlab_{method}"] = precision(scores)
    theirs = find_label_issues(given, probabilities, n_jobs=1)
    found["cleanlab_listed"] = int(theirs.sum())
    found["cleanlab_precision_listed"] = float(is_flipped[theirs].mean())
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--models", nargs="*", default=["tfidf-characters", "tfidf-words", "nbsvm"])
    parser.add_argument("--pool", action="store_true", help="all models, and --from, as one")
    parser.add_argument("--rows", type=int, help="rows of a corpus at most")
    parser.add_argument("--corpora", nargs="*", default=list(CORPORA), choices=list(CORPORA))
    parser.add_argument("--from", dest="start", type=Path, help="folder to begin from")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE")
    given = parser.parse_args()
    start = None if given.start is None else read_start(given.start, print)
    if given.pool:
        judges = [(given.models, start)]
    elif start is not None:
        judges = [([], start)]
    else:
        judges = [([name], None) for name in given.models]
    for corpus in given.corpora:
        table = draw(CORPORA[corpus](given.data), given.rows)
        for models, begun in judges:
            for seed in range(given.seeds):
                found = measure(table, models, seed, begun, parse_overrides(given.set))
                print(json.dumps({"corpus": corpus, **found}), flush=True)


if __name__ == "__main__":
    main()
