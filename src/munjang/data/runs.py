"""Very long runs of characters without a space: seldom text, and never learned from as a whole."""

from collections.abc import Iterator

import numpy as np

from munjang.data.table import Table
from munjang.text.subwords.training_pretokens import LONGEST_RUN


def long_run_lines(table: Table) -> list[str]:
    """A line that names the first row with a run of more than `LONGEST_RUN` characters, if any."""
    found = list(_long_runs(table))
    if not found:
        return []
    row, length = found[0]
    file, number = table.place(row)
    more = f" ({len(found) - 1:,} more such rows)" if len(found) > 1 else ""
    return [
        f"{file}, row {number:,}: {length:,} characters without a space{more}; of such a run "
        f"tokens are learned from the first {LONGEST_RUN:,}"
    ]


def _long_runs(table: Table) -> Iterator[tuple[int, int]]:
    """The index of each text with such a run, and the length of its longest one."""
    # bytes are never fewer than characters, and counted at no cost
    for row in np.flatnonzero((table.texts.str.len_bytes() > LONGEST_RUN).to_numpy()).tolist():
        longest = max(map(len, table.texts[row].split()), default=0)
        if longest > LONGEST_RUN:
            yield row, longest
