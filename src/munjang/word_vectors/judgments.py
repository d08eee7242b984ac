"""Readers of judged pairs of words and of analogies."""

import csv
import io
import math
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from munjang.data.readers.faults import shorten
from munjang.data.readers.source import open_source, source_name
from munjang.errors import DataError

# Largest file, in bytes; sets of word pairs have some kilobytes.
_MOST_BYTES = 1 << 26
_DELIMITERS = ("\t", ";", ",", " ")

# Words a, b, c and d: a is to b as c is to d.
Question = tuple[str, str, str, str]
# Name and questions.
Section = tuple[str, list[Question]]


@dataclass(frozen=True)
class WordPair:
    """Two words, and how similar people find them.

    Attributes:
        first: a word.
        second: another word.
        score: larger = more similar.
    """

    first: str
    second: str
    score: float


def read_word_pairs(path: str | Path) -> list[WordPair]:
    """Read pairs of words with scores.

    The first two columns are the words; the score is the first column behind them that is a number
    in all rows. Columns are separated by tabs, semicolons, commas or spaces. A first row without a
    number is a header. Blank lines and lines that begin with # are left out.

    Raises:
        DataError: the file cannot be read, or a row has no two words and a number.
    """
    name = source_name(path)
    rows = list(_read_rows(path))
    if not rows:
        raise DataError("expected rows of two words and a score, found none", file=name)
    if not any(_is_number(cell) for cell in rows[0][1][2:]):
        rows = rows[1:]  # the header
    columns = [
        column
        for column in range(2, max((len(row) for _, row in rows), default=0))
        if rows and len(rows[0][1]) > column and _is_number(rows[0][1][column])
    ]
    if not columns:
        raise DataError(
            "expected rows of two words and a score, as in love<TAB>sex<TAB>6.77, found no number",
            file=name,
        )
    pairs = []
    for number, row in rows:
        cell = row[columns[0]] if len(row) > columns[0] else ""
        if len(row) < 3 or not row[0] or not row[1] or not _is_number(cell):
            raise DataError(
                f"expected two words and a score, got {shorten(' | '.join(row))}",
                file=name,
                row=number,
            )
        pairs.append(WordPair(row[0], row[1], float(cell)))
    return pairs


def read_analogies(path: str | Path) -> list[Section]:
    """Read questions of four words per line, in sections that begin with `: NAME`.

    It is the format of word2vec's questions-words.txt. Lines before the first section are in one
    without a name.

    Raises:
        DataError: the file cannot be read, has no question, or a line has not four words.
    """
    sections: list[Section] = []
    for number, line in _read_lines(path):
        words = line.split()
        if line.startswith(":"):
            sections.append((line[1:].strip(), []))
            continue
        if len(words) != 4:
            raise DataError(
                f"expected four words, as in Athens Greece Oslo Norway, or a section, as in "
                f": capitals, got {shorten(line)}",
                file=source_name(path),
                row=number,
            )
        if not sections:
            sections.append(("", []))
        sections[-1][1].append((words[0], words[1], words[2], words[3]))
    if not any(questions for _, questions in sections):
        raise DataError("expected questions of four words, found none", file=source_name(path))
    return sections


def _read_rows(path: str | Path) -> Iterator[tuple[int, list[str]]]:
    """Yield number and cells of each row."""
    lines = list(_read_lines(path))
    delimiter = next((d for d in _DELIMITERS if lines and lines[-1][1].count(d) > 1), "\t")
    for number, line in lines:
        cells = (
            line.split()
            if delimiter == " "
            else next(csv.reader(io.StringIO(line), delimiter=delimiter))
        )
        yield number, [cell.strip() for cell in cells]


def _read_lines(path: str | Path) -> Iterator[tuple[int, str]]:
    """Yield number and text of each line, in NFC, without blank lines and comments.

    Raises:
        DataError: the file cannot be read, is too large, or is not UTF-8.
    """
    name = source_name(path)
    with open_source(path) as stream:
        data = stream.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise DataError(f"expected at most {_MOST_BYTES:,} bytes of words", file=name)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"expected text in UTF-8, got the byte 0x{data[error.start]:02x} at {error.start:,}",
            file=name,
        ) from None
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.startswith("#"):
            yield number, unicodedata.normalize("NFC", line.strip("\r\n"))


def _is_number(cell: str) -> bool:
    try:
        return math.isfinite(float(cell))
    except ValueError:
        return False
