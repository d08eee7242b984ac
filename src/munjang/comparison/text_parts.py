"""The parts of running text: its beginning, and two parts at its end."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from munjang.comparison.contests.contest import Parts
from munjang.comparison.folder import PARTS
from munjang.comparison.stored import part_file
from munjang.data.streams.text import RunningText
from munjang.errors import ConfigError, DataError
from munjang.folder.manifest import write_whole
from munjang.inputs.text import fit_tokenizer
from munjang.recipe import Recipe
from munjang.text.columns import values_and_offsets
from munjang.text.vocabulary import OOV

# Column of the lines in the file of a part.
COLUMN = "text"
# Lines by which a tokenizer is judged, and the share of them that may not come back as they were.
_SAMPLE, _MOST_LOST = 2000, 0.01


def cut_text(
    text: RunningText, given: Mapping[str, RunningText], share: float
) -> dict[str, RunningText]:
    """Cut a text into its beginning to train on, the part to validate on, and the end to test on.

    Args:
        text: the text.
        given: parts with files of their own, by `valid` and `test`; they stay as they are.
        share: of the characters, for each part that is held out.

    Raises:
        ConfigError: the shares leave nothing to train on.
        DataError: there are fewer lines than parts.
    """
    held_out = [name for name in ("valid", "test") if name not in given]
    if share * len(held_out) >= 1:
        raise ConfigError(
            f"data.validation_split: {len(held_out)} parts of {share:g} each leave nothing to "
            "train on; lower it"
        )
    train, *parts = text.cut([share] * len(held_out))
    return {"train": train, **dict(zip(held_out, parts, strict=True)), **given}


def write_texts(parts: Parts, folder: Path) -> None:
    """Write each part as a Parquet file with one row per line.

    Raises:
        OSError: a file cannot be written; it is named.
    """
    write_columns({name: parts[name].lines for name in PARTS}, folder)


def write_columns(texts: Mapping[str, pl.Series], folder: Path) -> None:
    """Write the texts of each part as a Parquet file with one row per text.

    Raises:
        OSError: a file cannot be written; it is named.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, column in texts.items():
        with write_whole(part_file(folder, name)) as partial_file:
            pl.DataFrame({COLUMN: column}).write_parquet(partial_file)


def digest_texts(parts: Parts) -> str:
    """Return the SHA-256 of all lines, in their order."""
    return digest_columns([parts[name].lines for name in PARTS])


def digest_columns(texts: Sequence[pl.Series]) -> str:
    """Return the SHA-256 of some columns of texts, in their order."""
    whole = hashlib.sha256()
    for column in texts:
        whole.update(json.dumps(column.to_list()).encode())
    return whole.hexdigest()


def require_restoring(recipe: Recipe, lines: pl.Series) -> None:
    """Refuse a tokenizer whose tokens do not give the text back, such as one of words.

    What it loses (white space, capitals) is not predicted, so that its bits per character would be
    too few. Lines with tokens out of vocabulary do not count: those are paid for.

    Args:
        recipe: settings of the tokenizer.
        lines: lines of the training part.

    Raises:
        ConfigError: one in a hundred lines, or more, does not come back.
    """
    sample = lines.gather_every(max(1, len(lines) // _SAMPLE)).head(_SAMPLE)
    tokenizer = fit_tokenizer(sample, recipe)
    encoded = tokenizer.encode(sample)
    ids, offsets = values_and_offsets(encoded)
    changed = [
        (line, decoded)
        for line, decoded, first, end in zip(
            sample.to_list(),
            tokenizer.decode(encoded).to_list(),
            offsets,
            offsets[1:],
            strict=False,
        )
        if line != decoded and not (ids[first:end] == OOV).any()
    ]
    if len(changed) > _MOST_LOST * len(sample):
        line, decoded = (repr(text[:40]) for text in changed[0])
        raise ConfigError(
            f"tokenizer.name: the tokens of {recipe.section('tokenizer').name} do not give the "
            f"text back ({line} becomes {decoded}), so bits per character would leave out what is "
            "lost; choose characters, jamo, bytes or bpe"
        )


def require_lines(text: RunningText, name: str) -> None:
    """Refuse a part whose lines are all blank, which says nothing about a model.

    Raises:
        DataError: naming the file.
    """
    if not (text.lines.str.strip_chars() != "").any():
        raise DataError(f"the {name} part has blank lines only", file=text.files[0])
