"""The data of a comparison: read once, split once, kept as three files that every run reads."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from munjang.comparison.kept import LABELS
from munjang.comparison.plan import PARTS
from munjang.data.labels import check_known_labels, check_labels, require_labels
from munjang.data.splits import split
from munjang.data.table import Table
from munjang.manifest import write_atomically, written_whole
from munjang.preparation import read_and_say
from munjang.recipe import DataSettings
from munjang.tasks.classify import Classify, ClassifySettings

Say = Callable[[str], None]


def cut(
    data: Any, valid: Any, test: Any, columns: DataSettings, seed: int, say: Say
) -> dict[str, Table]:
    """The three parts: to train on, to choose each network's best step, to judge on.

    A part that is not given is held out from `data`, a tenth for each.

    Raises:
        DataError: a row cannot be used, or a class is too small for the parts.
    """
    read_labels = Classify.reader(ClassifySettings())
    table = read_and_say(data, columns, read_labels, say)
    given = {"valid": valid, "test": test}
    found = {
        name: read_and_say(one, columns, read_labels, say)
        for name, one in given.items()
        if one is not None
    }
    share = columns.valid
    shares = {name: 0.0 if name in found else share for name in given}
    check_labels(table, least=1 + sum(part > 0 for part in shares.values()))
    rows = split(table, valid=shares["valid"], test=shares["test"], seed=seed)
    held_out = {"valid": table.take(rows.valid), "test": table.take(rows.test)}
    parts = {"train": table.take(rows.train), **held_out, **found}
    labels = _labels(parts["train"])
    for name in ("valid", "test"):
        check_known_labels(require_labels(parts[name]), labels, parts[name])
    say(
        f"{len(parts['train']):,} rows to train on, {len(parts['valid']):,} to choose each "
        f"network's best step, {len(parts['test']):,} to judge on"
    )
    return parts


def write_parts(parts: dict[str, Table], folder: Path) -> None:
    """Keep the parts as Parquet files with columns `text` and `label`, and the order of the labels.

    Raises:
        OSError: a file cannot be written; it is named.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in PARTS:
        labels = require_labels(parts[name])
        frame = pl.DataFrame({"text": parts[name].texts, "label": labels})
        with written_whole(folder / f"{name}.parquet") as partial:
            frame.write_parquet(partial)
    write_atomically(folder / LABELS, json.dumps(_labels(parts["train"]), ensure_ascii=False))


def digest(parts: dict[str, Table]) -> str:
    """SHA-256 of all texts and labels, in their order."""
    whole = hashlib.sha256()
    for name in PARTS:
        rows = [parts[name].texts.to_list(), require_labels(parts[name]).to_list()]
        whole.update(json.dumps(rows).encode())
    return whole.hexdigest()


def _labels(table: Table) -> tuple[str, ...]:
    return Classify.from_labels(require_labels(table).to_list(), ClassifySettings()).labels
