"""Files of word vectors, written in the formats of word2vec.

NAME.vec, NAME.txt   text: "COUNT DIM", then per line a word and its numbers; also fastText's .vec
NAME.bin             binary: the same line, then per word its bytes, a space and 32-bit floats
"""

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import numpy as np

from munjang.errors import ConfigError
from munjang.folder.manifest import write_whole
from munjang.reporting import Report, discard, pluralize
from munjang.word_vectors.words import Vectors, Words

_WriteRow = Callable[[BinaryIO, bytes, Vectors], None]


def export_words(words: Words, path: str | Path, *, report: Report | None = None) -> Path:
    """Write words and their vectors; an existing file is replaced when the new one is complete.

    Words with white space in them, which the formats cannot hold, are left out and counted. Numbers
    of a text file have nine digits, so that they are read back as the same 32-bit floats.

    Args:
        words: the words.
        path: file to write; .vec and .txt are text, .bin is binary.
        report: called with lines for people.

    Raises:
        ConfigError: the name ends in something else, or no word can be written.
        OSError: the file cannot be written; it is named.
    """
    target = Path(path)
    write_row = _writer_of(target)
    kept = [place for place, word in enumerate(words.words) if _can_be_written(word)]
    if not kept:
        raise ConfigError(f"{words.name}: it has no word that {target.name} can hold")
    with write_whole(target) as partial, partial.open("wb") as file:
        file.write(b"%d %d\n" % (len(kept), words.dim))
        for place in kept:
            write_row(file, words.words[place].encode(), words.vectors[place])
    left_out = len(words) - len(kept)
    if left_out and report is not None:
        report(f"left out {pluralize(left_out, 'word')} with white space")
    (report or discard)(f"{pluralize(len(kept), 'word')} of {words.dim} numbers")
    return target


def check_vector_path(path: str | Path) -> None:
    """Refuse a name of a file that says no format.

    Raises:
        ConfigError: it ends in something else than .vec, .txt or .bin.
    """
    _writer_of(Path(path))


def _can_be_written(word: str) -> bool:
    """Return whether a word has no white space, and has a form in UTF-8."""
    if not word or len(word.split()) != 1 or word != word.strip():
        return False
    try:
        word.encode()
    except UnicodeEncodeError:
        return False
    return True


def _write_text(file: BinaryIO, word: bytes, vector: Vectors) -> None:
    numbers = " ".join(f"{value:.9g}" for value in vector.tolist())
    file.write(word + b" " + numbers.encode() + b"\n")


def _write_binary(file: BinaryIO, word: bytes, vector: Vectors) -> None:
    file.write(word + b" " + np.ascontiguousarray(vector, dtype="<f4").tobytes() + b"\n")


_WRITERS: dict[str, _WriteRow] = {
    ".vec": _write_text,
    ".txt": _write_text,
    ".bin": _write_binary,
}


def _writer_of(path: Path) -> _WriteRow:
    writer = _WRITERS.get(path.suffix.lower())
    if writer is None:
        raise ConfigError(
            f"{path}: expected a file name that ends in .vec or .txt (text) or .bin (binary)"
        )
    return writer
