"""The data of a comparison: read once, split once, written as files that every run reads."""

import hashlib
import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import polars as pl
from safetensors.numpy import save_file

from munjang.comparison.contests.contest import Given, Parts, Sources
from munjang.comparison.plan import PARTS
from munjang.comparison.stored import LABELS, PIXELS, part_file, pixels_file
from munjang.data.images.read import ImageTable
from munjang.data.labels import check_known_labels, require_labels
from munjang.data.readers.class_names import known_names
from munjang.data.splits import split
from munjang.data.table import Table
from munjang.image_preparation import read_and_say as read_images
from munjang.image_recipe import make_image_recipe
from munjang.manifest import write_atomically, written_whole
from munjang.tasks.classify import Classify, ClassifySettings
from munjang.tasks.images import Images
from munjang.telling import Say

T = TypeVar("T")


def read_sources(sources: Sources, read: Callable[[Any], T]) -> tuple[T, dict[str, T]]:
    """Read the data, and the parts that were given."""
    whole = read(sources.data)
    given = {"valid": sources.valid, "test": sources.test}
    return whole, {name: read(data) for name, data in given.items() if data is not None}


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


def split_images(sources: Sources, given: Given, say: Say) -> Parts:
    """Read images and split them; given parts get the mode and the size of the data.

    Raises:
        MunjangError: An image, a setting or a class cannot be used.
    """
    asked = make_image_recipe("image_cnn", 0, given)
    read = partial(read_images, skip_bad=asked.data.skip_bad_rows, say=say)
    whole = read(sources.data, asked.images)
    named = {"valid": sources.valid, "test": sources.test}
    held_out = {name: read(data, whole.form) for name, data in named.items() if data is not None}
    Images.check(whole.table, least=3 - len(held_out))
    share, seed = asked.data.valid, asked.seed
    shares = {name: 0.0 if name in held_out else share for name in ("valid", "test")}
    rows = split(whole.table, **shares, seed=seed, stratify=True)
    tables: dict[str, ImageTable] = {
        "train": whole.take(rows.train),
        "valid": whole.take(rows.valid),
        "test": whole.take(rows.test),
        **held_out,
    }
    parts = with_known_classes({name: images.table for name, images in tables.items()})
    named_alike = {
        name: ImageTable(images.pixels, parts[name], images.form, images.origin)
        for name, images in tables.items()
    }
    return Parts(named_alike, parts.labels)


def with_known_classes(tables: dict[str, Table]) -> Parts:
    """Give the classes of all parts the names that they have in the training part.

    Raises:
        DataError: A part has a class that the training part lacks.
    """
    labels = require_labels(tables["train"]).to_list()
    known = Classify.from_labels(labels, ClassifySettings()).labels
    for name in ("valid", "test"):
        check_known_labels(require_labels(tables[name]), known, tables[name])
        tables[name] = known_names(tables[name], known)
    return Parts(tables, known)


def report_sizes(parts: Parts, say: Say) -> None:
    """Report how many rows each part has."""
    train, valid, test = (len(parts[name]) for name in PARTS)
    say(
        f"{train:,} rows to train on, {valid:,} to choose each network's best step, {test:,} to "
        "judge on"
    )


def write_tables(parts: Parts, folder: Path, columns: tuple[str, str]) -> None:
    """Write each part as a Parquet file with two columns, and the labels in order.

    Raises:
        OSError: A file cannot be written; it is named.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in PARTS:
        _write_columns(folder, name, columns, parts[name].texts, parts[name])
    _write_labels(parts, folder)


def write_images(parts: Parts, folder: Path, columns: tuple[str, str]) -> None:
    """Write the pixels of each part, a Parquet file of names and labels, and the labels in order.

    Raises:
        OSError: A file cannot be written; it is named.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in PARTS:
        table = parts[name].table
        files = pl.Series([table.files[place] for place in table.file_index])
        _write_columns(folder, name, columns, files, table)
        with written_whole(pixels_file(folder, name)) as partial_file:
            save_file({PIXELS: np.ascontiguousarray(parts[name].pixels)}, partial_file)
    _write_labels(parts, folder)


def _write_columns(
    folder: Path, name: str, columns: tuple[str, str], inputs: pl.Series, table: Table
) -> None:
    kept = zip(columns, (inputs, require_labels(table)), strict=True)
    with written_whole(part_file(folder, name)) as partial_file:
        pl.DataFrame(dict(kept)).write_parquet(partial_file)


def _write_labels(parts: Parts, folder: Path) -> None:
    if parts.labels:
        write_atomically(folder / LABELS, json.dumps(parts.labels, ensure_ascii=False))


def digest_tables(parts: Parts) -> str:
    """Return the SHA-256 of all texts and targets, in their order."""
    return _digest({name: parts[name] for name in PARTS})


def digest_images(parts: Parts) -> str:
    """Return the SHA-256 of the digests of all images, and of their labels, in their order."""
    return _digest({name: parts[name].table for name in PARTS})


def _digest(tables: Mapping[str, Table]) -> str:
    whole = hashlib.sha256()
    for name in PARTS:
        rows = [tables[name].texts.to_list(), require_labels(tables[name]).to_list()]
        whole.update(json.dumps(rows).encode())
    return whole.hexdigest()
