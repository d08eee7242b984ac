"""The data of a comparison: read once, split once, kept as three files that every run reads."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from munjang.comparison.kept import LABELS, part_file
from munjang.comparison.plan import PARTS
from munjang.data.labels import check_known_labels, check_labels, require_labels
from munjang.data.pairs.settings import PairDataSettings
from munjang.data.readers.class_names import match_known_labels
from munjang.data.splits import split
from munjang.data.table import Table
from munjang.manifest import write_atomically, written_whole
from munjang.pair_preparation import read_and_report as read_pairs
from munjang.preparation import read_and_report as read_texts
from munjang.recipe import DataSettings
from munjang.reporting import Report
from munjang.tasks.classify import Classify, ClassifySettings


@dataclass(frozen=True)
class Sources:
    """What the person gave.

    Attributes:
        data: all of it, or what is left to train on.
        valid: to choose each network's best step; None holds a part of `data` out.
        test: to judge on; likewise.
    """

    data: Any
    valid: Any = None
    test: Any = None


def cut_texts(
    sources: Sources, columns: DataSettings, seed: int, report: Report
) -> dict[str, Table]:
    """The three parts: to train on, to choose each network's best step, to judge on.

    A part that is not given is held out from `sources.data`, a tenth for each.

    Raises:
        DataError: a row cannot be used, or a class is too small for the parts.
    """
    labels = Classify.reader(ClassifySettings())
    table, given = _read(
        sources, partial(read_texts, columns=columns, read_labels=labels, report=report)
    )
    check_labels(table, least=3 - len(given))
    parts = _parts(table, given, columns.valid, seed, stratify=True)
    known = _labels(parts["train"])
    for name in ("valid", "test"):
        check_known_labels(require_labels(parts[name]), known, parts[name])
        parts[name] = match_known_labels(parts[name], known)
    _report_sizes(parts, report)
    return parts


def cut_pairs(
    sources: Sources, columns: PairDataSettings, seed: int, report: Report
) -> dict[str, Table]:
    """The three parts of pairs, likewise; equal sources are never in two of them.

    Raises:
        DataError: a row cannot be used, or there are too few.
    """
    table, given = _read(sources, partial(read_pairs, columns=columns, report=report))
    parts = _parts(table, given, columns.valid, seed, stratify=False)
    _report_sizes(parts, report)
    return parts


def _read(sources: Sources, read: Callable[[Any], Table]) -> tuple[Table, dict[str, Table]]:
    """All rows, and the parts that were given."""
    table = read(sources.data)
    given = {"valid": sources.valid, "test": sources.test}
    return table, {name: read(one) for name, one in given.items() if one is not None}


def _parts(
    table: Table, given: dict[str, Table], share: float, seed: int, *, stratify: bool
) -> dict[str, Table]:
    shares = {name: 0.0 if name in given else share for name in ("valid", "test")}
    rows = split(table, **shares, seed=seed, stratify=stratify)
    held_out = {"valid": table.take(rows.valid), "test": table.take(rows.test)}
    return {"train": table.take(rows.train), **held_out, **given}


def _report_sizes(parts: dict[str, Table], report: Report) -> None:
    report(
        f"{len(parts['train']):,} rows to train on, {len(parts['valid']):,} to choose each "
        f"network's best step, {len(parts['test']):,} to judge on"
    )


def write_texts(parts: dict[str, Table], folder: Path) -> None:
    """Keep the parts as Parquet files with columns `text` and `label`, and the order of the labels.

    Raises:
        OSError: a file cannot be written; it is named.
    """
    write_parts(parts, folder, ("text", "label"))
    write_atomically(folder / LABELS, json.dumps(_labels(parts["train"]), ensure_ascii=False))


def write_parts(parts: dict[str, Table], folder: Path, columns: tuple[str, str]) -> None:
    """Keep the parts as Parquet files, their columns named so.

    Raises:
        OSError: a file cannot be written; it is named.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in PARTS:
        kept = zip(columns, (parts[name].texts, require_labels(parts[name])), strict=True)
        with written_whole(part_file(folder, name)) as partial_file:
            pl.DataFrame(dict(kept)).write_parquet(partial_file)


def digest(parts: dict[str, Table]) -> str:
    """SHA-256 of all texts and labels, or sources and targets, in their order."""
    whole = hashlib.sha256()
    for name in PARTS:
        rows = [parts[name].texts.to_list(), require_labels(parts[name]).to_list()]
        whole.update(json.dumps(rows).encode())
    return whole.hexdigest()


def _labels(table: Table) -> tuple[str, ...]:
    return Classify.from_labels(require_labels(table).to_list(), ClassifySettings()).labels
