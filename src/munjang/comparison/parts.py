"""The data of a comparison: read once, split once, written as files that every run reads."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from safetensors.numpy import save_file

from munjang.comparison.contests.contest import Parts, Sources
from munjang.comparison.folder import PARTS
from munjang.comparison.stored import LABELS, PIXELS, part_file, pixels_file
from munjang.data.labels import check_known_labels, require_labels
from munjang.data.readers.class_names import match_known_labels
from munjang.data.splits import split
from munjang.data.table import Table
from munjang.folder.manifest import write_atomically, write_whole
from munjang.recipe import Recipe
from munjang.reporting import Report
from munjang.tasks.classify import Classify, ClassifySettings


def read_sources(
    sources: Sources, recipe: Recipe, report: Report
) -> tuple[Table, dict[str, Table]]:
    """Read the data, and the parts that were given, in the form that the data has."""
    kind, reader = recipe.input_class, recipe.task_class.reader(recipe)
    whole = kind.read(sources.data, recipe, reader, report)
    complete = kind.complete(recipe, whole)
    given = {"valid": sources.valid, "test": sources.test}
    return whole, {
        name: kind.read(data, _reading(complete, data), reader, report)
        for name, data in given.items()
        if data is not None
    }


def _reading(recipe: Recipe, data: Any) -> Recipe:
    """Return the recipe as it reads other data: files without names of columns have none."""
    reading = recipe.input_class.reading_settings(recipe, data)
    unnamed = {key: None for key in type(recipe.section("data")).model_fields if "column" in key}
    return recipe.with_section("data", **{**unnamed, **reading})


def split_table(
    table: Table, given: Mapping[str, Table], share: float, seed: int, *, stratify: bool
) -> dict[str, Table]:
    """Split into train, valid and test; parts that were given stay as they are.

    Args:
        table: All rows of the data.
        given: Parts with files of their own.
        share: Of the rows, for each part that is held out.
        seed: Decides which rows.
        stratify: Keep the proportions of the labels.

    Raises:
        DataError: There are too few rows.
    """
    shares = {name: 0.0 if name in given else share for name in ("valid", "test")}
    rows = split(table, **shares, seed=seed, stratify=stratify)
    held_out = {"valid": table.take(rows.valid), "test": table.take(rows.test)}
    return {"train": table.take(rows.train), **held_out, **given}


def with_known_classes(tables: dict[str, Table]) -> Parts:
    """Give the classes of all parts the names that they have in the training part.

    Raises:
        DataError: A part has a class that the training part lacks.
    """
    labels = require_labels(tables["train"]).to_list()
    known = Classify.from_labels(labels, ClassifySettings()).labels
    for name in ("valid", "test"):
        check_known_labels(require_labels(tables[name]), known, tables[name])
        tables[name] = match_known_labels(tables[name], known)
    return Parts(tables, known)


def report_sizes(parts: Parts, report: Report) -> None:
    """Report how many rows each part has."""
    train, valid, test = (len(parts[name]) for name in PARTS)
    report(
        f"{train:,} rows to train on, {valid:,} to choose each network's best step, {test:,} to "
        "judge on"
    )


def write_tables(parts: Parts, folder: Path) -> None:
    """Write each part as a Parquet file of inputs and targets, and the labels in order.

    Raises:
        OSError: A file cannot be written; it is named.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in PARTS:
        table = parts[name]
        kept = {**_inputs(table), table.target_role: require_labels(table)}
        with write_whole(part_file(folder, name)) as partial_file:
            pl.DataFrame(kept).write_parquet(partial_file)
    if parts.labels:
        write_atomically(folder / LABELS, json.dumps(parts.labels, ensure_ascii=False))


def _inputs(table: Table) -> dict[str, pl.Series]:
    """Return the columns that are read, by role; of rows that are files, their names."""
    if not table.origins:
        return {role: table[role] for role in table.names if role != table.target_role}
    return {table.key_role: pl.Series([table.files[place] for place in table.file_index])}


def write_pixels(parts: Parts, folder: Path) -> None:
    """Write the pixels of each part.

    Raises:
        OSError: A file cannot be written; it is named.
    """
    for name in PARTS:
        with write_whole(pixels_file(folder, name)) as partial_file:
            save_file({PIXELS: np.ascontiguousarray(parts[name]["image"])}, partial_file)


def digest_tables(parts: Parts) -> str:
    """Return the SHA-256 of all keys and targets, in their order."""
    whole = hashlib.sha256()
    for name in PARTS:
        rows = [parts[name].keys.to_list(), require_labels(parts[name]).to_list()]
        whole.update(json.dumps(rows).encode())
    return whole.hexdigest()
