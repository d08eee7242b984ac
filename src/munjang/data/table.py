"""The table: clean texts, clean labels, and where each row came from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
import numpy.typing as npt
import polars as pl

from munjang.errors import DataError
from munjang.text.columns import Int32s, Int64s


@dataclass(frozen=True, eq=False)
class Table:
    """Texts with their labels, from one or more files.

    Attributes:
        texts: one string a row, none of them empty or null.
        labels: one a row, or None if the files have no labels: a string, or what the task reads,
            a number or a list of strings.
        rows: 1-based number of the line where each row starts in its file (the header of a CSV is
            line 1), or of the row where there are no lines (Parquet, data frames, lists); 0 where
            a whole file is one row, as of images.
        files: names of the files read.
        file_index: for each row the index of its file in `files`.
        text_column: name of the column of texts.
        label_column: name of the column of labels.
        notes: what was guessed or assumed, and which rows were left out, for people to read.
        skipped: how many bad rows were left out, by reason.
    """

    texts: pl.Series
    labels: pl.Series | None
    rows: Int64s
    files: tuple[str, ...]
    file_index: Int32s
    text_column: str
    label_column: str | None
    notes: tuple[str, ...] = ()
    skipped: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.texts)

    def place(self, index: int) -> tuple[str, int]:
        """The file and the row that `texts[index]` came from."""
        return self.files[int(self.file_index[index])], int(self.rows[index])

    def error(self, index: int, message: str) -> DataError:
        """An error about `texts[index]` that names its file and row."""
        file, row = self.place(index)
        return DataError(message, file=file, row=row or None)

    def take(self, indices: npt.ArrayLike) -> Self:
        """The rows at some indices, in that order; they keep their places."""
        chosen = np.asarray(indices, dtype=np.int64)
        return replace(
            self,
            texts=self.texts.gather(chosen),
            labels=None if self.labels is None else self.labels.gather(chosen),
            rows=self.rows[chosen],
            file_index=self.file_index[chosen],
        )


def concatenate(tables: Sequence[Table]) -> Table:
    """One table of several, in their order. Labels stay only if all have them."""
    if len(tables) == 1:
        return tables[0]
    shift = np.cumsum([0, *(len(table.files) for table in tables)])
    labels = [table.labels for table in tables if table.labels is not None]
    skipped: dict[str, int] = {}
    for table in tables:
        for reason, count in table.skipped.items():
            skipped[reason] = skipped.get(reason, 0) + count
    return Table(
        texts=pl.concat([table.texts for table in tables]),
        labels=pl.concat(labels) if len(labels) == len(tables) else None,
        rows=np.concatenate([table.rows for table in tables]),
        files=tuple(name for table in tables for name in table.files),
        file_index=np.concatenate(
            [table.file_index + int(by) for table, by in zip(tables, shift, strict=False)]
        ).astype(np.int32),
        text_column=tables[0].text_column,
        label_column=tables[0].label_column,
        notes=tuple(dict.fromkeys(note for table in tables for note in table.notes)),
        skipped=skipped,
    )
