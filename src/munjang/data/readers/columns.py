"""Which column holds the texts and which the labels: as named, or guessed and said."""

import difflib
import math
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from munjang.data.readers.header import shown
from munjang.data.readers.records import MISSING, Column, Records
from munjang.errors import DataError
from munjang.text.blank import is_blank

# The most telling first: a file may have several of them.
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
# A title says part of what the text says: the two are read as one text.
TITLES = ("title", "headline", "제목")
BODIES = ("body", "content", "contents", "description", "본문", "내용")

ROWS_TO_GUESS = 1000


@dataclass(frozen=True)
class Choice:
    """The chosen columns; `label` is None where there is none. `notes` says what was guessed."""

    text: str
    label: str | None
    notes: tuple[str, ...]


def choose_columns(
    records: Records, text_column: str | None, label_column: str | None, *, need_labels: bool
) -> Choice:
    """Choose the columns of a file.

    Args:
        records: of the file.
        text_column: its name; "title+body" joins two columns with a space; None guesses.
        label_column: its name; None guesses.
        need_labels: whether a file without a label column is an error.

    Raises:
        DataError: no column has that name, or none can be guessed.
    """
    notes: list[str] = []
    taken = () if label_column is None else (existing_column(records, label_column, "label"),)
    if text_column is None:
        text, why = _guess_text(records, taken)
        notes.append(f"text column: {text} (guessed: {why})")
    else:
        text = "+".join(
            existing_column(records, part, "text")
            for part in column_parts(records.names, text_column)
        )
    if label_column is not None and label_column in column_parts(records.names, text):
        raise DataError(
            f"the column {label_column!r} is named for both, texts and labels; the columns are "
            f"{shown(records.names)}",
            file=records.file,
        )
    if label_column is not None:
        return Choice(text, label_column, tuple(notes))
    label, why = _guess_label(records, column_parts(records.names, text), by_value=need_labels)
    if label is not None:
        notes.append(f"label column: {label} (guessed: {why})")
    elif need_labels:
        raise DataError(
            f"found no label column among {shown(records.names)}: name it with --label-column "
            "(label_column=...)",
            file=records.file,
        )
    return Choice(text, label, tuple(notes))


def text_values(records: Records, name: str) -> Column:
    """The values of the text column, or of several joined by a space."""
    parts = column_parts(records.names, name)
    if len(parts) == 1:
        return records.column(name)
    columns = [records.column(part) for part in parts]
    return [joined(values) for values in zip(*columns, strict=True)]


def named_column(names: Sequence[str], wanted: Sequence[str]) -> str | None:
    """The first of the wanted names that a file has, in any case."""
    lowered = {name.strip().lower(): name for name in reversed(names)}
    return next((lowered[name] for name in wanted if name in lowered), None)


def text_by_name(names: Sequence[str]) -> str | None:
    """The column with the most usual name for texts; "title+body" where both are there."""
    title, body = named_column(names, TITLES), named_column(names, BODIES)
    named = named_column(names, TEXT_NAMES)
    return f"{title}+{body}" if title and body and named in (title, body) else named


def column_parts(names: Sequence[str], name: str) -> list[str]:
    """The columns that "title+body" names; a column of just that name comes first."""
    return [name] if name in names else name.split("+")


def missing_column(
    name: str, names: Sequence[str], *, kind: str, file: str, row: int | None = None
) -> DataError:
    """What to say about a column that is not there."""
    close = difflib.get_close_matches(name.lower(), [other.lower() for other in names], n=1)
    nearest = next((other for other in names if close and other.lower() == close[0]), None)
    hint = f"; did you mean {nearest}?" if nearest else f"; name one with --{kind}-column"
    return DataError(
        f"there is no {kind} column {name!r}; the columns are {shown(names)}{hint}",
        file=file,
        row=row,
    )


def existing_column(records: Records, name: str, kind: str) -> str:
    """The name, if it is that of one column.

    Raises:
        DataError: no column has it, or several have.
    """
    count = records.names.count(name)
    if count > 1:
        raise DataError(f"{count} columns are named {name!r}: give each a name", file=records.file)
    if not count:
        raise missing_column(name, records.names, kind=kind, file=records.file)
    return name


def joined(values: Sequence[object]) -> object:
    """One text of several; a value that is no string is handed on, to be reported."""
    odd = [v for v in values if not (v is None or v is MISSING or isinstance(v, str))]
    return odd[0] if odd else " ".join(v for v in values if isinstance(v, str) and not is_blank(v))


def _guess_text(records: Records, taken: Sequence[str]) -> tuple[str, str]:
    free = [name for name in records.names if name not in taken and name]
    if len(free) == 1:
        return free[0], "the only column" if not taken else "the only other column"
    named = text_by_name(free)
    if named:
        return named, "by its name"
    _reject_missing_header(records)
    lengths = {name: mean_length(records.column(name)) for name in free}
    best = max(free, key=lengths.__getitem__, default=None)
    if best is None or math.isinf(lengths[best]):
        raise DataError(
            f"found no column of texts among {shown(records.names)}: name it with --text-column "
            "(text_column=...)",
            file=records.file,
        )
    return best, "the longest texts"


def _guess_label(
    records: Records, taken: Sequence[str], *, by_value: bool
) -> tuple[str | None, str]:
    free = [name for name in records.names if name not in taken and name]
    named = named_column(free, LABEL_NAMES)
    if named or not by_value:
        return named, "by its name"
    few = {name: distinct_values(records.column(name)) for name in free}
    most = max(2, min(100, len(records.rows) // 2))
    usable = [name for name in free if 2 <= few[name] <= most]
    return min(usable, key=few.__getitem__, default=None), "the fewest different values"


def _reject_missing_header(records: Records) -> None:
    """Refuse to take a row of data for the header, which would lose it without a word."""
    numbers = [name for name in records.names if is_number(name)]
    if numbers:
        raise DataError(
            f"expected a header, but the first row looks like data ({shown(records.names)}): put "
            "a line such as text,label on top, or name the columns with --text-column and "
            "--label-column",
            file=records.file,
        )


def is_number(name: str) -> bool:
    """Whether a string reads as a number."""
    try:
        float(name)
    except ValueError:
        return False
    return True


def mean_length(column: Column) -> float:
    """Mean length in characters of the first values; minus infinity if they are no texts."""
    values = [v for v in column[:ROWS_TO_GUESS] if v is not None and v is not MISSING]
    if not values or not all(isinstance(v, str) for v in values):
        return -math.inf
    if sum(map(is_number, values)) * 2 > len(values):
        return -math.inf
    return sum(map(len, values)) / len(values)


def distinct_values(column: Column) -> int:
    """Number of different values; 0 for a column that cannot hold labels."""
    if isinstance(column, pl.Series):
        return 0 if column.dtype.is_nested() else column.drop_nulls().n_unique()
    try:
        return len({v for v in column if v is not None and v is not MISSING})
    except TypeError:
        return 0
