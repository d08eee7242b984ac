"""The table: clean columns by role, and the file and row that each row came from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self, cast

import numpy as np
import numpy.typing as npt
import polars as pl

from munjang.errors import DataError
from munjang.text.columns import Int32s, Int64s

# One value per row: a column of Polars, or an array of NumPy such as pixels.
Column = pl.Series | npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Table:
    """Rows from one or more files, as columns by role.

    Attributes:
        columns: one column per role, such as `text` and `label`, or `source` and `target`. Texts
            are never empty or null; a label is a string, a number or a list of strings.
        rows: 1-based number of the line where each row starts in its file (the header of a CSV is
            line 1), or of the row where there are no lines (Parquet, data frames, lists); 0 where
            a whole file is one row, as of images.
        files: names of the files read.
        file_index: for each row the index of its file in `files`.
        names: the name of each role's column in the files.
        key_role: the role that tells rows apart.
        target_role: the role of what is to be learned.
        notes: what was inferred or assumed, and which rows were left out, for people to read.
        skipped: number of bad rows that were left out, by reason.
        origins: what was read where a file is one row, such as folders of images.
    """

    columns: Mapping[str, Column]
    rows: Int64s
    files: tuple[str, ...]
    file_index: Int32s
    names: Mapping[str, str]
    key_role: str = "text"
    target_role: str = "label"
    notes: tuple[str, ...] = ()
    skipped: Mapping[str, int] = field(default_factory=dict)
    origins: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, role: str) -> Any:
        """Return the column of a role."""
        return self.columns[role]

    @property
    def keys(self) -> pl.Series:
        """The column that tells rows apart."""
        keys: pl.Series = self[self.key_role]
        return keys

    @property
    def split_keys(self) -> pl.Series:
        """The column whose equal values go to one part of a split."""
        return self.keys

    @property
    def targets(self) -> pl.Series | None:
        """The column of what is to be learned; None if the files have none."""
        targets = self.columns.get(self.target_role)
        return cast("pl.Series | None", targets)

    @property
    def key_name(self) -> str:
        """Name of the key column in the files."""
        return self.names[self.key_role]

    @property
    def target_name(self) -> str | None:
        """Name of the target column in the files; None if they have none."""
        return self.names.get(self.target_role)

    def place(self, index: int) -> tuple[str, int]:
        """Return the file and the row that a row of the table came from."""
        return self.files[int(self.file_index[index])], int(self.rows[index])

    def error(self, index: int, message: str) -> DataError:
        """Return an error about a row that names its file and row."""
        file, row = self.place(index)
        return DataError(message, file=file, row=row or None)

    def take(self, indices: npt.ArrayLike) -> Self:
        """Return the rows at some indices, in that order; they keep their places."""
        chosen = np.asarray(indices, dtype=np.int64)
        return replace(
            self,
            columns={role: _take(column, chosen) for role, column in self.columns.items()},
            rows=self.rows[chosen],
            file_index=self.file_index[chosen],
        )

    def with_targets(self, targets: pl.Series | None) -> Self:
        """Return the same rows with another target column, or with none."""
        others = {role: c for role, c in self.columns.items() if role != self.target_role}
        return replace(
            self, columns=others if targets is None else {**others, self.target_role: targets}
        )


def _take(column: Column, chosen: Int64s) -> Column:
    return column.gather(chosen) if isinstance(column, pl.Series) else column[chosen]


def concatenate(tables: Sequence[Table]) -> Table:
    """Return one table of several, in their order. Targets stay only if all tables have them."""
    if len(tables) == 1:
        return tables[0]
    first = tables[0]
    shift = np.cumsum([0, *(len(table.files) for table in tables)])
    shared = [role for role in first.columns if all(role in table.columns for table in tables)]
    skipped: dict[str, int] = {}
    for table in tables:
        for reason, count in table.skipped.items():
            skipped[reason] = skipped.get(reason, 0) + count
    return replace(
        first,
        columns={role: _join([table[role] for table in tables]) for role in shared},
        rows=np.concatenate([table.rows for table in tables]),
        files=tuple(name for table in tables for name in table.files),
        file_index=np.concatenate(
            [table.file_index + int(by) for table, by in zip(tables, shift, strict=False)]
        ).astype(np.int32),
        notes=tuple(dict.fromkeys(note for table in tables for note in table.notes)),
        skipped=skipped,
    )


def _join(columns: Sequence[Column]) -> Column:
    if isinstance(columns[0], pl.Series):
        return pl.concat([column for column in columns if isinstance(column, pl.Series)])
    return np.concatenate([np.asarray(column) for column in columns])
