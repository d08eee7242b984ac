"""Wrapping of lines at words to the width of a terminal, in cells; Hangul takes two."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

# A word that is wider than a line, such as a path, is cut after these characters.
_INSIDE = re.compile(r"[^/\\|,;:?&=]*[/\\|,;:?&=]+|[^/\\|,;:?&=]+")
_WORD = re.compile(r"\S+\s*")
# Items that are two or more spaces apart are kept whole.
_ITEM = re.compile(r"\S+(?:\s\S+)*\s*")
# One word of a shell.
_TYPED = re.compile(r"""(?:'[^']*'|"[^"]*"|[^\s'"])+\s*""")
_COMMAND = re.compile(r"\s*(?:next: )?munjang ")


def cell_width(text: str) -> int:
    """Return the width of a text in cells of a terminal."""
    from rich.cells import cell_len

    return cell_len(text)


def wrap(text: str, width: int) -> str:
    """Return `text` with no line wider than `width`.

    Continuation lines are indented. A line that begins with `munjang` is a command, and is
    continued with backslashes, so that it can be copied to a shell.
    """
    lines = text.split("\n")
    return "\n".join(part for line in lines for part in _wrapped_line(line, width))


def wrap_cell(text: str, width: int) -> list[str]:
    """Return the text of a table's cell in lines of at most `width`.

    It is cut between items that are two or more spaces apart, then between words, and inside a word
    only if the word is wider than a line.
    """
    if cell_width(text) <= width:
        return [text]
    lines: list[str] = []
    for line in _fill(_ITEM.findall(text), width):
        fits = cell_width(line) <= width
        lines += [line] if fits else _fill(_cut_words(_WORD.findall(line), width), width)
    return lines


def _wrapped_line(line: str, width: int) -> list[str]:
    if cell_width(line) <= width and "\t" not in line:
        return [line]
    line = line.expandtabs()
    if cell_width(line) <= width:
        return [line]
    begin = line[: len(line) - len(line.lstrip())]
    if len(begin) >= width // 2:
        begin = ""
    if _COMMAND.match(line):
        return _wrap_command(begin, _TYPED.findall(line.strip()), width)
    hang = f"{begin}  "
    room = width - len(hang)
    parts = _fill(_cut_words(_WORD.findall(line.strip()), room), room)
    return [f"{hang if number else begin}{part}" for number, part in enumerate(parts)]


def _wrap_command(begin: str, words: Iterable[str], width: int) -> list[str]:
    """Return a command in lines that a shell joins again, even inside a word."""
    lines, line, hang = [], begin, f"{begin}    "
    for word in words:
        if line.strip() and cell_width(line + word.rstrip()) > width - 2:
            lines.append(f"{line.rstrip()} \\")
            line = hang
        pieces = [word]
        if cell_width(line + word.rstrip()) > width - 2:
            pieces = _split_word(word, width - len(hang) - 2)
        for number, piece in enumerate(pieces):
            if number and cell_width(line + piece.rstrip()) > width - 2:
                lines.append(f"{line}\\")  # no space on either side: one word
                line = ""
            line += piece
    return [*lines, line.rstrip()]


def _split_word(word: str, width: int) -> list[str]:
    """Return a word of a command in pieces that a shell joins.

    Pieces of a word in single quotes are quoted. A word with other quotes or backslashes is
    returned whole.
    """
    quoted = re.fullmatch(r"'([^']*)'(\s*)", word)
    if quoted is None:
        plain = not set("'\"\\") & set(word)
        return list(_cut_words([word], width)) if plain else [word]
    pieces = [f"'{piece}'" for piece in _cut_words([quoted[1]], width - 2)]
    return [*pieces[:-1], pieces[-1] + quoted[2]]


def _fill(words: Iterable[str], width: int) -> list[str]:
    """Join words, each with the spaces after it, into lines of at most `width` if they fit."""
    lines = [""]
    for word in words:
        if lines[-1] and cell_width(lines[-1] + word.rstrip()) > width:
            lines.append("")
        lines[-1] += word
    return [line.rstrip() for line in lines]


def _cut_words(words: Iterable[str], width: int) -> Iterator[str]:
    """Yield the words; those that are wider than a line in pieces."""
    for word in words:
        if cell_width(word.rstrip()) <= width:
            yield word
            continue
        for piece in _INSIDE.findall(word):
            yield from _cut_letters(piece, width)


def _cut_letters(word: str, width: int) -> Iterator[str]:
    """Yield a word in pieces of at most `width`; combining marks stay with their letter."""
    piece, size = "", 0
    for letter in word:
        wide = cell_width(letter)
        if size + wide > width and piece and wide:
            yield piece
            piece, size = "", 0
        piece, size = piece + letter, size + wide
    if piece:
        yield piece


def terminal_width(stream: Any) -> int | None:
    """Return the columns of the terminal that a stream writes to, or None if it is none."""
    import os
    import shutil

    if not stream.isatty():
        return None
    try:
        columns = os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        columns = 0
    return columns or shutil.get_terminal_size().columns
