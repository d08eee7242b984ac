"""Lines cut at words to the width of a terminal, in cells: Hangul takes two."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

# Behind these a word may be cut that is wider than a line, such as a path.
_INSIDE = re.compile(r"[^/\\|,;:?&=]*[/\\|,;:?&=]+|[^/\\|,;:?&=]+")
_WORD = re.compile(r"\S+\s*")
# Items of a list that stand two or more spaces apart are kept whole.
_ITEM = re.compile(r"\S+(?:\s\S+)*\s*")
# What a shell reads as one word.
_TYPED = re.compile(r"""(?:'[^']*'|"[^"]*"|[^\s'"])+\s*""")
_COMMAND = re.compile(r"\s*(?:next: )?munjang ")


def cells(text: str) -> int:
    """How many cells of a terminal a text takes."""
    from rich.cells import cell_len

    return cell_len(text)


def wrapped(text: str, width: int) -> str:
    """`text` with no line wider than `width`, whatever it holds.

    A line that goes on is indented deeper than its beginning. What is to be typed, a line that
    begins with `munjang`, goes on behind a backslash, so that it can still be copied.
    """
    lines = text.split("\n")
    return "\n".join(part for line in lines for part in _wrapped_line(line, width))


def flowed(text: str, width: int) -> list[str]:
    """A text of a table's cell in lines of at most `width`.

    It is cut between items that stand two or more spaces apart, then between words, and inside of
    a word only where that alone is wider.
    """
    if cells(text) <= width:
        return [text]
    lines: list[str] = []
    for line in _filled(_ITEM.findall(text), width):
        fits = cells(line) <= width
        lines += [line] if fits else _filled(_cut_words(_WORD.findall(line), width), width)
    return lines


def _wrapped_line(line: str, width: int) -> list[str]:
    if cells(line) <= width and "\t" not in line:
        return [line]
    line = line.expandtabs()
    if cells(line) <= width:
        return [line]
    begin = line[: len(line) - len(line.lstrip())]
    if len(begin) >= width // 2:
        begin = ""
    if _COMMAND.match(line):
        return _typed_lines(begin, _TYPED.findall(line.strip()), width)
    hang = f"{begin}  "
    room = width - len(hang)
    parts = _filled(_cut_words(_WORD.findall(line.strip()), room), room)
    return [f"{hang if number else begin}{part}" for number, part in enumerate(parts)]


def _typed_lines(begin: str, words: Iterable[str], width: int) -> list[str]:
    """A command whose lines a shell joins again, also where a word had to be cut."""
    lines, line, hang = [], begin, f"{begin}    "
    for word in words:
        if line.strip() and cells(line + word.rstrip()) > width - 2:
            lines.append(f"{line.rstrip()} \\")
            line = hang
        pieces = [word]
        if cells(line + word.rstrip()) > width - 2:
            pieces = _typed_pieces(word, width - len(hang) - 2)
        for number, piece in enumerate(pieces):
            if number and cells(line + piece.rstrip()) > width - 2:
                lines.append(f"{line}\\")  # no space on either side: one word
                line = ""
            line += piece
    return [*lines, line.rstrip()]


def _typed_pieces(word: str, width: int) -> list[str]:
    """A typed word in pieces that a shell joins; one in quotes in pieces with quotes of their own.

    Of other quotes and backslashes it stays as it is.
    """
    quoted = re.fullmatch(r"'([^']*)'(\s*)", word)
    if quoted is None:
        plain = not set("'\"\\") & set(word)
        return list(_cut_words([word], width)) if plain else [word]
    pieces = [f"'{piece}'" for piece in _cut_words([quoted[1]], width - 2)]
    return [*pieces[:-1], pieces[-1] + quoted[2]]


def _filled(words: Iterable[str], width: int) -> list[str]:
    """Words, each with the spaces behind it, in lines of at most `width` where that can be."""
    lines = [""]
    for word in words:
        if lines[-1] and cells(lines[-1] + word.rstrip()) > width:
            lines.append("")
        lines[-1] += word
    return [line.rstrip() for line in lines]


def _cut_words(words: Iterable[str], width: int) -> Iterator[str]:
    """The words, those that are wider than a line in pieces."""
    for word in words:
        if cells(word.rstrip()) <= width:
            yield word
            continue
        for piece in _INSIDE.findall(word):
            yield from _cut_letters(piece, width)


def _cut_letters(word: str, width: int) -> Iterator[str]:
    """A word in pieces of at most `width`; a letter keeps the marks that stand on it."""
    piece, size = "", 0
    for letter in word:
        wide = cells(letter)
        if size + wide > width and piece and wide:
            yield piece
            piece, size = "", 0
        piece, size = piece + letter, size + wide
    if piece:
        yield piece


def terminal_width(stream: Any) -> int | None:
    """Columns of the terminal that a stream goes to; None where it goes elsewhere."""
    import os
    import shutil

    if not stream.isatty():
        return None
    try:
        columns = os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        columns = 0
    return columns or shutil.get_terminal_size().columns
