"""Notes on very long runs of characters without a space, which are seldom text."""

from collections.abc import Iterator

import numpy as np

from munjang.data.table import Table
from munjang.text.subwords.training_pretokens import LONGEST_RUN


def describe_long_runs(table: Table) -> list[str]:
    """Return a note on the first row with a run of more than `LONGEST_RUN` characters, if any."""
    runs = list(_find_long_runs(table))
    if not runs:
        return []
    row, length = runs[0]
    file, number = table.place(row)
    more = f" ({len(runs) - 1:,} more such rows)" if len(runs) > 1 else ""
    return [
        f"{file}, row {number:,}: {length:,} characters without a space{more}; a tokenizer learns "
        f"from the first {LONGEST_RUN:,} characters of such a run alone"
    ]


def _find_long_runs(table: Table) -> Iterator[tuple[int, int]]:
    """Yield the index of each text with such a run, and the length of its longest run."""
    # a text has at least as many bytes as characters, and Polars knows the number of bytes
    for row in np.flatnonzero((table.keys.str.len_bytes() > LONGEST_RUN).to_numpy()).tolist():
        longest = max(map(len, table.keys[row].split()), default=0)
        if longest > LONGEST_RUN:
            yield row, longest
