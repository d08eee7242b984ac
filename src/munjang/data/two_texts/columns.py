"""Choice of the columns of two texts and their label: named, or inferred and reported."""

from collections.abc import Sequence

from munjang.data.readers.columns import (
    LABEL_NAMES,
    TEXT_NAMES,
    Choice,
    count_distinct,
    find_column,
    resolve_column,
)
from munjang.data.readers.header import join_names
from munjang.data.readers.records import Records
from munjang.errors import DataError
from munjang.names import column_key

Names = tuple[str, ...]

_NUMBERED = ("sentence", "question", "text", "sent", "query", "title", "문장", "질문", "텍스트")
_NUMBERED_FORMS = (("1", "2"), ("_1", "_2"), (" 1", " 2"), ("_a", "_b"), ("a", "b"))

# Usual names of the two texts, the most specific first.
FAMILIES: tuple[tuple[Names, Names], ...] = (
    (("first",), ("second",)),
    *(((noun + one,), (noun + other,)) for noun in _NUMBERED for one, other in _NUMBERED_FORMS),
    (("premise",), ("hypothesis",)),
    (("전제",), ("가설",)),
    (("anchor",), ("positive",)),
    (("첫문장",), ("둘째문장",)),
)
USUAL = tuple(name for family in FAMILIES for side in family for name in side)
_LABEL_NAMES = (*LABEL_NAMES, "gold_label", "is_duplicate", "similarity", "relatedness_score")


def find_pair_columns(names: Sequence[str]) -> tuple[str, str] | None:
    """Return the two columns with usual names for two texts, or None."""
    for first, second in FAMILIES:
        found = find_column(names, first), find_column(names, second)
        if found[0] is not None and found[1] is not None:
            return found[0], found[1]
    return None


def holds_two_texts(names: Sequence[str]) -> bool:
    """Return whether columns can only be two texts per row: usual names, and no single text."""
    pair = find_pair_columns(names)
    others = [name for name in names if pair is None or name not in pair]
    return pair is not None and find_column(others, TEXT_NAMES) is None


def choose_two_columns(
    records: Records,
    first: str | None,
    second: str | None,
    label: str | None,
    *,
    need_labels: bool,
) -> Choice:
    """Choose the columns of a file of two texts per row.

    Args:
        records: records of the file.
        first: name of the column of first texts; None guesses.
        second: name of the column of second texts; None guesses.
        label: name of the label column; None guesses.
        need_labels: whether a file without a label column is an error.

    Raises:
        DataError: no column has that name, or it is not clear which columns are meant.
    """
    given = {"first": first, "second": second, "label": label}
    named = {
        kind: None if name is None else resolve_column(records.names, name, kind, file=records.file)
        for kind, name in given.items()
    }
    _refuse_repeats(records, named)
    free = [name for name in records.names if name and name not in named.values()]
    chosen = _choose_texts(records, named["first"], named["second"], free)
    notes = [
        f"{kind} column: {name} (inferred: {why})"
        for kind, (name, why) in chosen.items()
        if why and name != kind
    ]
    texts = [name for name, _ in chosen.values()]
    for kind, name in zip(chosen, texts, strict=True):
        resolve_column(records.names, name, kind, file=records.file)
    found = named["label"]
    if found is None:
        found, why = _guess_label(records, texts, by_value=need_labels)
        if found is not None:
            notes.append(f"label column: {found} (inferred: {why})")
            found = resolve_column(records.names, found, "label", file=records.file)
        elif need_labels:
            raise DataError(
                f"found no label column; the columns are {join_names(records.names)}: name it "
                "with --label-column (label_column=...)",
                file=records.file,
            )
    return Choice(texts[0], found, tuple(notes), second=texts[1])


def _choose_texts(
    records: Records, first: str | None, second: str | None, free: list[str]
) -> dict[str, tuple[str, str]]:
    """Return both text columns, each with the reason of the guess, "" if it was named."""
    if first is not None and second is not None:
        return {"first": (first, ""), "second": (second, "")}
    if first is None and second is None:
        pair = find_pair_columns(free)
        if pair is None:
            raise _unclear_error(records, "found no two columns of texts with usual names")
        why = "by its name"
        return {"first": (pair[0], why), "second": (pair[1], why)}
    known = first if first is not None else second
    assert known is not None
    other = _find_partner(known, free, is_first=first is not None)
    if other is None:
        raise _unclear_error(records, f"found no column that goes with {known!r} by its name")
    if first is not None:
        return {"first": (first, ""), "second": (other, "by its name")}
    return {"first": (other, "by its name"), "second": (known, "")}


def _find_partner(known: str, free: Sequence[str], *, is_first: bool) -> str | None:
    """Return the column with the usual name of the other text, or None."""
    for family in FAMILIES:
        own, others = family if is_first else family[::-1]
        if column_key(known) in own and (partner := find_column(free, others)) is not None:
            return partner
    return None


def _guess_label(
    records: Records, texts: Sequence[str], *, by_value: bool
) -> tuple[str | None, str]:
    free = [name for name in records.names if name and name not in texts]
    named = find_column(free, _LABEL_NAMES)
    if named is not None or not by_value:
        return named, "by its name"
    if len(free) == 1:
        return free[0], "the only other column"
    counts = {name: count_distinct(records.column(name)) for name in free}
    most = max(2, min(100, len(records.rows) // 2))
    usable = [name for name in free if 2 <= counts[name] <= most]
    return min(usable, key=counts.__getitem__, default=None), "the fewest different values"


def _refuse_repeats(records: Records, named: dict[str, str | None]) -> None:
    """Refuse one column for two purposes."""
    taken: dict[str, str] = {}
    for kind, name in named.items():
        if name is None:
            continue
        if name in taken:
            raise DataError(
                f"the column {name!r} is named for both {taken[name]} and {kind}; the columns are "
                f"{join_names(records.names)}",
                file=records.file,
            )
        taken[name] = kind


def _unclear_error(records: Records, problem: str) -> DataError:
    if tuple(records.names) == ("text",):
        return DataError(
            "expected two columns of texts, got plain text: give a table (CSV, TSV, JSON Lines, "
            "Parquet) with a header such as sentence1,sentence2,label",
            file=records.file,
        )
    return DataError(
        f"{problem}, such as sentence1 and sentence2; the columns are "
        f"{join_names(records.names)}: name them with --first-column and --second-column "
        "(first_column=..., second_column=...)",
        file=records.file,
    )
