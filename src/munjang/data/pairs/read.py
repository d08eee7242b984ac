"""Reader of pairs of texts, a source and a target, into one table."""

from functools import partial
from typing import Any

from munjang.data.pairs.aligned import AlignedFiles, read_aligned
from munjang.data.pairs.columns import SOURCE_AND_TARGET, USUAL, choose_pair_columns
from munjang.data.pairs.lengths import MAX_RATIO, filter_by_length_ratio
from munjang.data.readers.read import read_records
from munjang.data.readers.table_builder import build_table
from munjang.data.readers.values import clean_texts
from munjang.data.table import Table

__all__ = ["AlignedFiles", "read_pairs"]


def read_pairs(
    data: Any,
    *,
    source_column: str | None = None,
    target_column: str | None = None,
    encoding: str = "utf-8",
    skip_bad_rows: bool = False,
    max_length_ratio: float | None = MAX_RATIO,
    need_targets: bool = True,
) -> Table:
    """Read pairs into a table with the roles `source` and `target`.

    Args:
        data: `AlignedFiles`, or what `munjang.data.readers.read_table` takes: a path, several
            paths, or "-"; CSV, TSV, JSON Lines or Parquet, each also compressed with gzip; a data
            frame; or a pair of lists `(sources, targets)`. Without targets also plain text.
        source_column: name of the column of sources; "title+body" joins two; inferred if None.
        target_column: name of the column of targets; inferred if None.
        encoding: encoding of text files; a byte order mark takes precedence.
        skip_bad_rows: count bad rows in `Table.skipped` instead of raising at the first.
        max_length_ratio: largest factor between the length ratio of a pair and the median
            (`munjang.data.pairs.lengths`); None accepts any.
        need_targets: raise if rows have no target. If False, targets are read if their column is
            named, or has a usual name and is complete.

    Raises:
        DataError: a row cannot be used (its file and number are named), or aligned files have
            different numbers of lines, even with `skip_bad_rows`.
        ConfigError: the encoding is unknown, or `max_length_ratio` is not above 1.
    """
    columns = (source_column, target_column)
    if isinstance(data, AlignedFiles):
        files = read_aligned(data, encoding=encoding, skip=skip_bad_rows)
    else:
        files = read_records(
            data, columns, encoding, skip_bad_rows, kinds=SOURCE_AND_TARGET, usual=USUAL
        )
    table = build_table(
        files,
        columns,
        partial(choose_pair_columns, need_targets=need_targets),
        partial(clean_texts, kind="target"),
        skip_bad_rows,
        optional=not need_targets and target_column is None,
        kinds=SOURCE_AND_TARGET,
    )
    return filter_by_length_ratio(table, max_length_ratio, skip=skip_bad_rows)
