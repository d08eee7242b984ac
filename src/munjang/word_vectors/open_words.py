"""Words with their vectors, from a model folder or from a file of word vectors."""

import unicodedata
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from munjang.baselines import Baseline
from munjang.data.vectors import VectorSource, open_vectors
from munjang.errors import DataError
from munjang.folder.load import load
from munjang.memory import available_memory
from munjang.model import Model
from munjang.names import find_existing_path
from munjang.reporting import Report, discard, pluralize, stage
from munjang.word_vectors.model_words import words_of_model
from munjang.word_vectors.words import Vectors, Words

_FLOAT_BYTES = 4
_MORE_LINES = 65_536  # lines without a header are read in arrays of so many


def load_words(source: Any, *, skip_bad_lines: bool = False, report: Report | None = None) -> Words:
    """Return the words of a model or of a file, with their vectors.

    Args:
        source: a model folder whose model has an embedding of tokens, or such a model; or a file
            of word vectors: word2vec text or binary, fastText .vec, GloVe text, also gzipped; or
            gensim's KeyedVectors.
        skip_bad_lines: skip and count lines of a file that cannot be read.
        report: called with lines for people.

    Raises:
        ConfigError: the model has no embedding of tokens.
        DataError: the file cannot be read, or is too large for the memory that is free.
        FolderError: there is no complete model in the folder.

    Example:
        >>> words = munjang.load_words("my-vectors")
        >>> words.neighbors("go", k=2)[0][0].word
        'going'
    """
    if isinstance(source, Model | Baseline):
        return words_of_model(source, "the given model")
    if isinstance(source, str | PathLike) and find_existing_path(Path(source)).is_dir():
        with stage("reading the model"):
            return words_of_model(load(Path(source)), str(source))
    with stage("reading vectors"):
        return read_words(open_vectors(source), skip_bad_lines, report or discard)


def read_words(source: VectorSource, skip_bad_lines: bool, report: Report) -> Words:
    """Read all words of a source and their vectors; of words that are there twice the first.

    Raises:
        DataError: a line cannot be read, there is no word, or the vectors are too large for the
            memory that is free.
    """
    skipped: list[DataError] = []

    def on_bad(error: DataError) -> None:
        if not skip_bad_lines:
            raise error
        skipped.append(error)

    _require_memory(source, source.header_count or 0, " (the header says so)")
    places: dict[str, int] = {}
    parts: list[Vectors] = []
    repeated = 0
    for block in source.blocks(on_bad):
        rows: list[Vectors] = []
        for number, word in enumerate(block.words):
            word = unicodedata.normalize("NFC", word)
            if word in places:
                repeated += 1
                continue
            try:
                rows.append(block.numbers(number))
            except DataError as error:
                on_bad(error)
                continue
            places[word] = len(places)
        if rows:
            parts.append(np.stack(rows))
        if len(parts) % 16 == 15:
            _require_memory(source, _MORE_LINES)
    if not places:
        raise DataError("expected words with vectors, found none", file=source.name)
    report(f"{pluralize(len(places), 'word')} of {source.dim} numbers in {source.name}")
    read = len(places) + repeated + len(skipped)
    if source.header_count is not None and source.header_count != read:
        report(f"the header promises {source.header_count:,} words, {read:,} were there")
    if repeated:
        report(f"{repeated:,} words stood there again; the first of each counts")
    if skipped:
        report(f"skipped {pluralize(len(skipped), 'line')} that could not be read")
    return Words(source.name, list(places), np.concatenate(parts))


def _require_memory(source: VectorSource, words: int, reason: str = "") -> None:
    """Refuse vectors that do not fit in the memory that is free.

    Args:
        source: the vectors.
        words: number of vectors that are still to be read.
        reason: how that number is known, for the message.

    Raises:
        DataError: naming both sizes.
    """
    # the vectors, and a copy while they are joined
    needed, available = 2 * words * source.dim * _FLOAT_BYTES, available_memory()
    if available is not None and needed > available:
        raise DataError(
            f"{words:,} vectors of {source.dim:,} numbers{reason} take "
            f"{needed / 1e9:,.1f} GB of memory, and {available / 1e9:,.1f} GB are free; give a "
            "file of fewer words",
            file=source.name,
        )
