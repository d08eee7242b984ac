"""One row as a network reads it, and the characters of the text that each of its tokens is."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from munjang.data.columns import text_column
from munjang.data.text_lines import split_text
from munjang.errors import DataError
from munjang.explain.attention import EOS_LABEL, GO_LABEL
from munjang.tasks.task import Encoded
from munjang.text.columns import Int64s, values_and_offsets
from munjang.text.masks import MaskReader
from munjang.text.parts import TextParts, find_words, number_words
from munjang.text.tokenizer import Tokenizer
from munjang.text.vocabulary import EOS, GO

_LABELS = {GO: GO_LABEL, EOS: EOS_LABEL}


@dataclass(frozen=True, eq=False)
class LocatedText:
    """A text of a row.

    Attributes:
        text: the text as given.
        places: places of its tokens in the row, from 0 [tokens].
        starts: index of the first character of each token, [tokens].
        ends: one past its last character, [tokens].
    """

    text: str
    places: Int64s
    starts: Int64s
    ends: Int64s

    @property
    def words(self) -> TextParts:
        """The words of the text, whether it was read to its end or not."""
        return find_words(self.text)

    def word_of(self) -> Int64s:
        """Return the number of the word of each token, [tokens]."""
        words = self.words
        return number_words(words, self.starts) if len(words) else np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class LocatedRow:
    """One row as a network reads it.

    Attributes:
        encoded: the row, which adapts the network to its OOV words.
        sides: ids of each text that the network reads apart, [tokens] each. Places count through
            all of them.
        texts: the texts with their tokens. Other places, such as GO, are of no text.
        truncated: True if a text was longer than the model reads.
    """

    encoded: Encoded
    sides: tuple[Int64s, ...]
    texts: tuple[LocatedText, ...]
    truncated: bool = False

    @property
    def places(self) -> int:
        """Number of places."""
        return sum(map(len, self.sides))

    def specials(self) -> list[tuple[int, str]]:
        """Return the places of no text, and how they are displayed."""
        ids = np.concatenate([*self.sides, np.zeros(0, np.int64)])
        of_texts = np.zeros(len(ids), dtype=np.bool_)
        for text in self.texts:
            of_texts[text.places] = True
        places: list[int] = np.flatnonzero(~of_texts).tolist()
        return [(place, _LABELS.get(int(ids[place]), "⟨token⟩")) for place in places]


def locate_text(
    text: str,
    tokenizer: Tokenizer | MaskReader,
    count: int,
    *,
    first: int = 0,
    line_breaks: bool = False,
) -> LocatedText:
    """Return the characters of the first tokens of a text.

    Args:
        text: the text.
        tokenizer: the tokenizer.
        count: number of tokens that the network reads, the line break before the text excluded.
        first: place of the first one in the row.
        line_breaks: True if the network reads EOS for each line break in the text.

    Raises:
        DataError: the network reads no token of it.
    """
    if count < 1:
        raise DataError(f"expected a text with words in it, got {text!r}: no token is found there")
    lines = split_text(text, count) if line_breaks else [text]
    starts: list[npt.NDArray[np.int64]] = []
    ends: list[npt.NDArray[np.int64]] = []
    begin = 0
    for number, line in enumerate(lines):
        if number:  # the line break
            starts.append(np.array([begin - 1]))
            ends.append(np.array([begin]))
        tokens = tokenizer.encode_with_offsets(pl.Series([line], dtype=pl.String))
        starts.append(values_and_offsets(tokens.starts)[0].astype(np.int64) + begin)
        ends.append(values_and_offsets(tokens.ends)[0].astype(np.int64) + begin)
        begin += len(line) + 1
    places = first + np.arange(count, dtype=np.int64)
    return LocatedText(text, places, np.concatenate(starts)[:count], np.concatenate(ends)[:count])


def require_text(text: object) -> str:
    """Return one text from Python.

    Raises:
        DataError: it is None, not a string, or has surrogates.
    """
    column = text_column(text)  # type: ignore[arg-type]
    value: str = column[0]
    return value
