"""Which column holds the texts and which the labels: as named, or guessed and said."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from munjang.data.readers.header import shown
from munjang.data.readers.records import MISSING, Column, Records
from munjang.errors import DataError
from munjang.names import composed, nearest_name, usual_key
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
    file, names = records.file, records.names
    if label_column is not None:
        label_column = existing_column(names, label_column, "label", file=file)
    if text_column is None:
        text_column, why = _guess_text(records, () if label_column is None else (label_column,))
        notes.append(f"text column: {text_column} (guessed: {why})")
    parts = existing_columns(names, text_column, "text", file=file)
    if label_column is not None and label_column in parts:
        raise DataError(
            f"the column {label_column!r} is named for both, texts and labels; the columns are "
            f"{shown(names)}",
            file=file,
        )
    if label_column is not None:
        return Choice("+".join(parts), label_column, tuple(notes))
    label, why = _guess_label(records, parts, by_value=need_labels)
    if label is not None:
        notes.append(f"label column: {label} (guessed: {why})")
        label = existing_column(names, label, "label", file=file)
    elif need_labels:
        raise DataError(
            f"found no label column among {shown(names)}: name it with --label-column "
            "(label_column=...)",
            file=file,
        )
    return Choice("+".join(parts), label, tuple(notes))


def text_values(records: Records, name: str) -> Column:
    """The values of the text column, or of several joined by a space."""
    parts = column_parts(records.names, name)
    if len(parts) == 1:
        return records.column(name)
    columns = [records.column(part) for part in parts]
    return [joined(values) for values in zip(*columns, strict=True)]


def named_column(names: Sequence[str], wanted: Sequence[str]) -> str | None:
    """The first of the wanted names that a file has, in any case."""
    by_key = {usual_key(name): name for name in reversed(names)}
    return next((by_key[name] for name in wanted if name in by_key), None)


def text_by_name(names: Sequence[str]) -> str | None:
    """The column with the most usual name for texts; "title+body" where both are there."""
    title, body = named_column(names, TITLES), named_column(names, BODIES)
    named = named_column(names, TEXT_NAMES)
    return f"{title}+{body}" if title and body and named in (title, body) else named


def column_parts(names: Sequence[str], name: str) -> list[str]:
    """The columns that "title+body" names, as a file calls those that it has.

    A column of just that name comes first.
    """
    own = {composed(other): other for other in reversed(names)}
    parts = [name] if composed(name) in own else name.split("+")
    return [own.get(composed(part), part) for part in parts]


def missing_column(
    name: str, names: Sequence[str], *, kind: str, file: str, row: int | None = None
) -> DataError:
    """What to say about a column that is not there."""
    nearest = nearest_name(name, names)
    hint = f"; did you mean {nearest}?" if nearest else f"; name one with --{kind}-column"
    return DataError(
        f"there is no {kind} column {name!r}; the columns are {shown(names)}{hint}",
        file=file,
        row=row,
    )


def existing_column(
    names: Sequence[str], name: str, kind: str, *, file: str, row: int | None = None
) -> str:
    """The name as the file has it, if it is that of one column (`munjang.names`).

    Args:
        names: of all columns.
        name: of the one that was named or guessed.
        kind: what it is for.
        file: for messages.
        row: of the header, for messages.

    Raises:
        DataError: no column has it, or several have.
    """
    own = [other for other in names if composed(other) == composed(name)]
    if len(own) > 1:
        forms = "" if len(set(own)) == 1 else ", in two Unicode normal forms"
        raise DataError(
            f"{len(own)} columns are named {name!r}{forms}: give each a name", file=file, row=row
        )
    if not own:
        raise missing_column(name, names, kind=kind, file=file, row=row)
    return own[0]


def existing_columns(
    names: Sequence[str], name: str, kind: str, *, file: str, row: int | None = None
) -> list[str]:
    """Those of "title+body", each as `existing_column`."""
    parts = column_parts(names, name)
    return [existing_column(names, part, kind, file=file, row=row) for part in parts]


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
