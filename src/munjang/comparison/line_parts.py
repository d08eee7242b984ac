"""The parts of running text whose lines are judged apart: whole documents are in one part."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from munjang.comparison.parts import split_table
from munjang.data.streams.text import RunningText
from munjang.data.table import Table
from munjang.errors import DataError
from munjang.text.columns import Int64s
from munjang.text.script import Script, script_of

TEXT, DOCUMENT = "text", "document"
# Documents are split if each part has at least half and at most twice the lines that it should.
_MOST_APART = 2


@dataclass(frozen=True)
class LineCounts:
    """Counts of lines, by which the defaults of the input `lines` are chosen.

    Attributes:
        script: of the lines.
        lines: how many there are.
    """

    script: Script
    lines: int


class LineTable(Table):
    """Lines with the roles `text` and `document`, a key that equal documents share."""

    @property
    def split_keys(self) -> pl.Series:
        """The document of each line: equal documents go to one part."""
        documents: pl.Series = self[DOCUMENT]
        return documents

    @property
    def counts(self) -> LineCounts:
        """Counts of the lines."""
        return LineCounts(script_of(self[TEXT]), len(self))


def to_lines(text: RunningText) -> LineTable:
    """Return the lines of a text that are not blank; blank ones end documents.

    Text without blank lines has a document per line.

    Raises:
        DataError: all lines are blank.
    """
    is_blank = (text.lines.str.strip_chars() == "").to_numpy()
    rows = np.flatnonzero(~is_blank)
    if not len(rows):
        raise DataError("expected lines of text, found blank ones only", file=text.files[0])
    lines = text.lines.gather(rows).rename(TEXT)
    documents = lines if not is_blank.any() else _hash_documents(lines, is_blank.cumsum()[rows])
    return LineTable(
        columns={TEXT: lines, DOCUMENT: documents},
        rows=rows + 1,
        files=(", ".join(text.files[:3]),),
        file_index=np.zeros(len(rows), dtype=np.int32),
        names={TEXT: TEXT, DOCUMENT: DOCUMENT},
    )


def _hash_documents(lines: pl.Series, numbers: Int64s) -> pl.Series:
    """Return the SHA-256 of the document of each line, [lines]; it is much shorter than the text.

    Args:
        lines: all lines.
        numbers: number of the document of each, ascending [lines].
    """
    starts = np.flatnonzero(np.diff(numbers, prepend=-1))
    ends = np.append(starts[1:], len(numbers))
    hashes = [
        hashlib.sha256("\n".join(lines[start:end]).encode()).hexdigest()
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
    ]
    return pl.Series(DOCUMENT, hashes).gather(np.repeat(np.arange(len(starts)), ends - starts))


def split_lines(
    lines: LineTable, given: Mapping[str, Any], share: float, seed: int
) -> dict[str, Any]:
    """Split into train, valid and test; parts that were given stay as they are.

    Whole documents are in one part, unless they are too few or too unequal in length; then single
    lines are.

    Args:
        lines: all lines of the data.
        given: parts with files of their own.
        share: of the lines, for each part that is held out.
        seed: decides which documents or lines.

    Raises:
        DataError: there are too few lines.
    """
    held_out = [name for name in ("valid", "test") if name not in given]
    wanted = share * len(lines)
    if lines[DOCUMENT].n_unique() > len(held_out):
        parts = split_table(lines, given, share, seed, stratify=False)
        sizes = [len(parts[name]) for name in held_out]
        if all(wanted <= _MOST_APART * size <= _MOST_APART**2 * wanted for size in sizes):
            return parts
    alone = replace(lines, columns={TEXT: lines[TEXT], DOCUMENT: lines[TEXT]})
    return split_table(alone, given, share, seed, stratify=False)
