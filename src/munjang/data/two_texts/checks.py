"""Checks of two texts per row before training: labels, lengths, repeats, and leaks to the test."""

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from munjang.data.checks import check_data, check_test, describe_lengths
from munjang.data.data_report import DataReport, Lengths, TestReport, to_plain
from munjang.data.distributions import with_label_names
from munjang.data.labels import count_labels
from munjang.data.repeats import find_conflicts, find_duplicates
from munjang.data.splits import number_distinct_texts
from munjang.data.table import Table
from munjang.data.two_texts.table import FIRST, SECOND, PairTable, share_texts
from munjang.text.normalize import normalize
from munjang.text.tokenizer import Tokenizer


@dataclass(frozen=True)
class TwoTextsReport:
    """Findings of `check_two_texts`. Texts are equal if they are so after NFC and stripping.

    Attributes:
        pairs: labels, lengths of both texts together, repeated pairs, OOV rates and padding.
        first_column, second_column: names of the columns.
        first, second: lengths of both columns in characters.
        copies: pairs of two equal texts.
        copy_labels: these by label; empty without labels that are names.
        reversed: pairs that also occur in the other order.
        distinct_texts: number of different texts in both columns.
        test_sharing_text: test pairs with a text that is in a training pair; None without a test.
    """

    pairs: DataReport
    first_column: str
    second_column: str
    first: Lengths
    second: Lengths
    copies: int
    copy_labels: dict[str, int]
    reversed: int
    distinct_texts: int
    test_sharing_text: int | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """Guesses made while reading, and remarks on the cost."""
        return self.pairs.notes

    @property
    def rows(self) -> int:
        """Number of usable pairs."""
        return self.pairs.rows

    @property
    def test(self) -> TestReport | None:
        """The test pairs compared with these, if there are any."""
        return self.pairs.test

    @property
    def estimate(self) -> dict[str, Any] | None:
        """Memory and time of a training, if it was measured."""
        return self.pairs.estimate

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON: dictionaries, lists, strings and numbers."""
        values = asdict(self)
        return to_plain({**values.pop("pairs"), **values})


def check_two_texts(
    table: PairTable, test: PairTable | None = None, tokenizer: Tokenizer | None = None
) -> TwoTextsReport:
    """Check rows of two texts before training on them.

    Args:
        table: the training pairs.
        test: held-out pairs, which should share none with `table`.
        tokenizer: fitted tokenizer, for lengths in tokens. None counts words.
    """
    named = with_label_names(table)
    sides = [normalize(table[role]).str.strip_chars() for role in (FIRST, SECOND)]
    copies = np.flatnonzero((sides[0] == sides[1]).to_numpy())
    report = replace(
        check_data(_as_texts(table), None, tokenizer),
        duplicates=find_duplicates(named),
        conflicts=find_conflicts(named),
        test=None if test is None else check_test(table, test),
    )
    return TwoTextsReport(
        pairs=report,
        first_column=table.names[FIRST],
        second_column=table.names[SECOND],
        first=_lengths(table[FIRST]),
        second=_lengths(table[SECOND]),
        copies=len(copies),
        copy_labels=_label_counts(named.take(copies)),
        reversed=_count_reversed(table),
        distinct_texts=int(number_distinct_texts(table.texts).max()) + 1,
        test_sharing_text=None if test is None else int(share_texts(table, test).sum()),
    )


def _as_texts(table: PairTable) -> Table:
    """Return both texts of each row as one, for measures that need no pairs."""
    columns = {"text": (table[FIRST] + " " + table[SECOND]).rename("text")}
    if table.targets is not None:
        columns[table.target_role] = table.targets
    values = {**vars(table), "columns": columns, "key_role": "text"}
    return Table(**{**values, "names": {role: role for role in columns}})


def _label_counts(table: Table) -> dict[str, int]:
    """Return rows per label, as far as labels are names."""
    targets = table.targets
    is_named = targets is not None and targets.dtype == pl.String and len(targets) > 0
    return count_labels(targets) if is_named and targets is not None else {}


def _count_reversed(table: PairTable) -> int:
    """Return the number of rows whose pair also occurs in the other order."""
    numbers = number_distinct_texts(table.texts)
    first, second = numbers[: len(table)], numbers[len(table) :]
    most = int(numbers.max()) + 1
    keys, reverse = first * most + second, second * most + first
    return int((np.isin(reverse, keys) & (first != second)).sum())


def _lengths(texts: pl.Series) -> Lengths:
    return describe_lengths(texts.str.len_chars().to_numpy().astype(np.int64), "characters")
