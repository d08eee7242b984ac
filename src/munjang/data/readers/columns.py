"""Choice of the text and label columns: by name, or inferred and noted."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from munjang.data.readers.header import join_names
from munjang.data.readers.records import MISSING, Column, Records
from munjang.errors import DataError
from munjang.names import column_key, nearest_name, normalize_name
from munjang.text.plain.blank import is_blank

# The most specific first: a file may have several of them.
TEXT_NAMES = (
    *("text", "document", "review", "sentence", "content", "contents", "body", "comment"),
    *("본문", "내용", "문장", "리뷰", "텍스트", "댓글", "발화"),
    *("utterance", "message", "tweet", "question", "q", "질문", "headline", "title", "제목"),
)
LABEL_NAMES = (
    *("label", "labels", "class", "category", "sentiment", "target", "polarity", "topic"),
    *("라벨", "레이블", "분류", "범주", "감정", "주제", "intent", "의도", "emotion", "tag"),
    *("rating", "score", "stars", "평점", "별점"),
)
# A title is part of the text: the two columns are joined.
TITLES = ("title", "headline", "제목")
BODIES = ("body", "content", "contents", "description", "본문", "내용")

ROWS_TO_GUESS = 1000


@dataclass(frozen=True)
class Choice:
    """Chosen columns of a file.

    Attributes:
        text: text column, or several as in "title+body".
        label: label column; None if there is none.
        notes: what was inferred.
        second: column of the second text, where a row has two.
    """

    text: str
    label: str | None
    notes: tuple[str, ...]
    second: str | None = None

    @property
    def texts(self) -> tuple[str, ...]:
        """The text columns, one per text of a row."""
        return (self.text,) if self.second is None else (self.text, self.second)


def choose_columns(
    records: Records, text_column: str | None, label_column: str | None, *, need_labels: bool
) -> Choice:
    """Choose the columns of a file.

    Args:
        records: records of the file.
        text_column: name of the text column; "title+body" joins two columns with a space;
            inferred if None.
        label_column: name of the label column; inferred if None.
        need_labels: whether a file without a label column is an error.

    Raises:
        DataError: no column has that name, or none can be inferred.
    """
    notes: list[str] = []
    file, names = records.file, records.names
    if label_column is not None:
        label_column = resolve_column(names, label_column, "label", file=file)
    if text_column is None:
        text_column, why = _guess_text(records, () if label_column is None else (label_column,))
        notes.append(f"text column: {text_column} (inferred: {why})")
    parts = resolve_columns(names, text_column, "text", file=file)
    if label_column is not None and label_column in parts:
        raise DataError(
            f"the column {label_column!r} is named for both texts and labels; the columns are "
            f"{join_names(names)}",
            file=file,
        )
    if label_column is not None:
        return Choice("+".join(parts), label_column, tuple(notes))
    label, why = _guess_label(records, parts, by_value=need_labels)
    if label is not None:
        notes.append(f"label column: {label} (inferred: {why})")
        label = resolve_column(names, label, "label", file=file)
    elif need_labels:
        raise DataError(
            f"found no label column; the columns are {join_names(names)}: name it with "
            "--label-column (label_column=...)",
            file=file,
        )
    return Choice("+".join(parts), label, tuple(notes))


def extract_texts(records: Records, name: str) -> Column:
    """Return the values of the text column, or of several joined by a space."""
    parts = split_column_name(records.names, name)
    if len(parts) == 1:
        return records.column(name)
    columns = [records.column(part) for part in parts]
    return [join_texts(values) for values in zip(*columns, strict=True)]


def find_column(names: Sequence[str], wanted: Sequence[str]) -> str | None:
    """Return the first of the wanted names that a file has, ignoring case, or None."""
    by_key = {column_key(name): name for name in reversed(names)}
    return next((by_key[name] for name in wanted if name in by_key), None)


def find_text_column(names: Sequence[str]) -> str | None:
    """Return the column with the most usual name for texts; "title+body" if both exist."""
    title, body = find_column(names, TITLES), find_column(names, BODIES)
    named = find_column(names, TEXT_NAMES)
    return f"{title}+{body}" if title and body and named in (title, body) else named


def split_column_name(names: Sequence[str], name: str) -> list[str]:
    """Return the columns that "title+body" names, in the spelling of the file.

    A column whose own name has a "+" takes precedence.
    """
    by_key = {normalize_name(other): other for other in reversed(names)}
    parts = [name] if normalize_name(name) in by_key else name.split("+")
    return [by_key.get(normalize_name(part), part) for part in parts]


def missing_column_error(
    name: str, names: Sequence[str], *, kind: str, file: str, row: int | None = None
) -> DataError:
    """Return the error about a column that does not exist."""
    nearest = nearest_name(name, names)
    hint = f"; did you mean {nearest}?" if nearest else f"; name one with --{kind}-column"
    return DataError(
        f"there is no {kind} column {name!r}; the columns are {join_names(names)}{hint}",
        file=file,
        row=row,
    )


def resolve_column(
    names: Sequence[str], name: str, kind: str, *, file: str, row: int | None = None
) -> str:
    """Return a column's name in the spelling of the file (`munjang.names`).

    Args:
        names: names of all columns.
        name: the name that was given or inferred.
        kind: what the column is for, as "text".
        file: name of the file, for messages.
        row: row of the header, for messages.

    Raises:
        DataError: no column, or more than one, has that name.
    """
    matches = [other for other in names if normalize_name(other) == normalize_name(name)]
    if len(matches) > 1:
        forms = "" if len(set(matches)) == 1 else ", in two Unicode normal forms"
        raise DataError(
            f"{len(matches)} columns are named {name!r}{forms}: give each its own name",
            file=file,
            row=row,
        )
    if not matches:
        raise missing_column_error(name, names, kind=kind, file=file, row=row)
    return matches[0]


def resolve_columns(
    names: Sequence[str], name: str, kind: str, *, file: str, row: int | None = None
) -> list[str]:
    """Return the columns of "title+body", each as `resolve_column` does."""
    parts = split_column_name(names, name)
    return [resolve_column(names, part, kind, file=file, row=row) for part in parts]


def join_texts(values: Sequence[object]) -> object:
    """Join several texts into one; a value that is not a string is returned, to be reported."""
    other = [v for v in values if not (v is None or v is MISSING or isinstance(v, str))]
    return (
        other[0] if other else " ".join(v for v in values if isinstance(v, str) and not is_blank(v))
    )


def _guess_text(records: Records, taken: Sequence[str]) -> tuple[str, str]:
    free = [name for name in records.names if name not in taken and name]
    if len(free) == 1:
        return free[0], "the only column" if not taken else "the only other column"
    named = find_text_column(free)
    if named:
        return named, "by its name"
    _reject_missing_header(records)
    lengths = {name: mean_length(records.column(name)) for name in free}
    best = max(free, key=lengths.__getitem__, default=None)
    if best is None or math.isinf(lengths[best]):
        raise DataError(
            f"found no text column; the columns are {join_names(records.names)}: name it with "
            "--text-column (text_column=...)",
            file=records.file,
        )
    return best, "the longest texts"


def _guess_label(
    records: Records, taken: Sequence[str], *, by_value: bool
) -> tuple[str | None, str]:
    free = [name for name in records.names if name not in taken and name]
    named = find_column(free, LABEL_NAMES)
    if named or not by_value:
        return named, "by its name"
    counts = {name: count_distinct(records.column(name)) for name in free}
    most = max(2, min(100, len(records.rows) // 2))
    usable = [name for name in free if 2 <= counts[name] <= most]
    return min(usable, key=counts.__getitem__, default=None), "the fewest different values"


def _reject_missing_header(records: Records) -> None:
    """Refuse a header that looks like data, since the first row would be lost unnoticed."""
    numbers = [name for name in records.names if is_number(name)]
    if numbers:
        raise DataError(
            "expected a header, but the first row looks like data "
            f"({join_names(records.names)}): put a line such as "
            "text,label on top, or name the columns with --text-column and --label-column",
            file=records.file,
        )


def is_number(name: str) -> bool:
    """Return whether a string reads as a number."""
    try:
        float(name)
    except ValueError:
        return False
    return True


def mean_length(column: Column) -> float:
    """Return the mean length of the first values in characters; minus infinity if not texts."""
    values = [v for v in column[:ROWS_TO_GUESS] if v is not None and v is not MISSING]
    if not values or not all(isinstance(v, str) for v in values):
        return -math.inf
    if sum(map(is_number, values)) * 2 > len(values):
        return -math.inf
    return sum(map(len, values)) / len(values)


def count_distinct(column: Column) -> int:
    """Return the number of distinct values; 0 for a column that cannot hold labels."""
    if isinstance(column, pl.Series):
        return 0 if column.dtype.is_nested() else column.drop_nulls().n_unique()
    try:
        return len({v for v in column if v is not None and v is not MISSING})
    except TypeError:
        return 0
