"""Words with their vectors: nearest words, and analogies."""

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from munjang.data.nearest import MOST_HITS, NearestRows, normalize_rows
from munjang.data.readers.faults import shorten
from munjang.errors import ConfigError, DataError
from munjang.names import nearest_name
from munjang.reporting import escape_line
from munjang.tasks.word_answers import NearWord
from munjang.text.plain.blank import is_blank

Vectors = npt.NDArray[np.float32]
# From a word to its vector [dim]; None if it has none.
Compose = Callable[[str], Vectors | None]

# Words among which the nearest spelling is looked for, the most frequent first.
_SPELLINGS = 20_000


@dataclass(frozen=True, repr=False)
class Words:
    """Words with their vectors.

    Attributes:
        name: where they are from, for messages.
        words: the words, the most frequent first.
        vectors: a vector per word, [words, dim].
        compose: makes the vector of any other word, such as of its character n-grams; None if
            there is no way to.
    """

    name: str
    words: Sequence[str]
    vectors: Vectors
    compose: Compose | None = None

    def __repr__(self) -> str:
        return escape_line(f"Words({len(self):,} words of {self.name}, {self.dim} dimensions)")

    def __len__(self) -> int:
        return len(self.words)

    @property
    def dim(self) -> int:
        """Width of a vector."""
        return int(self.vectors.shape[1])

    @cached_property
    def places(self) -> dict[str, int]:
        """Index of each word; of words that are there twice the first."""
        return {word: place for place, word in reversed(list(enumerate(self.words)))}

    @cached_property
    def directions(self) -> Vectors:
        """The vectors divided by their lengths, [words, dim]."""
        return normalize_rows(self.vectors)

    def find(self, word: str) -> int | None:
        """Return the index of a word; None without one.

        It is looked for as it is written, then without the white space around it, then in lower
        case.
        """
        word = unicodedata.normalize("NFC", word)
        forms = (word, word.strip(), word.strip().lower())
        return next((self.places[form] for form in forms if form in self.places), None)

    def vector(self, word: str) -> Vectors | None:
        """Return the vector of a word, [dim]; None if it has none, or one of zeros."""
        place = self.find(word)
        if place is not None:
            found: Vectors | None = self.vectors[place]
        else:
            found = None if self.compose is None else self.compose(word.strip())
        return None if found is None or not found.any() else found

    def require(self, word: str) -> Vectors:
        """Return the vector of a word, [dim].

        Raises:
            DataError: it has none; a word of similar spelling is named. Or it is blank, or holds
                half of a character.
        """
        if is_blank(word):
            raise DataError("expected a word, got a blank one", file=self.name)
        if any(unicodedata.category(letter) == "Cs" for letter in word):
            raise DataError(
                f"expected a word, and {shorten(word)} holds half of a character (a surrogate)",
                file=self.name,
            )
        found = self.vector(word)
        if found is not None:
            return found
        if self.find(word) is not None:
            raise DataError(
                f"the vector of {shorten(word)} is zero, so that it is near to no word",
                file=self.name,
            )
        near = nearest_name(word, list(self.words[:_SPELLINGS]), cutoff=0.6)
        hint = f"; did you mean {shorten(near)}?" if near else ""
        raise DataError(
            f"expected one of its {len(self):,} words, and {shorten(word)} is none{hint}",
            file=self.name,
        )

    def neighbors(self, queries: str | Sequence[str], *, k: int = 10) -> list[list[NearWord]]:
        """Return the `k` words nearest to each query by cosine, the nearest first.

        Args:
            queries: words; a single one counts as a list of one. A query is not its own neighbor.
            k: most words per query.

        Raises:
            DataError: a query has no vector.
            ConfigError: `k` is out of range.
        """
        given = [queries] if isinstance(queries, str) else list(queries)
        if not given:
            return []
        vectors = np.stack([self.require(word) for word in given])
        return self._nearest(vectors, [[self.find(word)] for word in given], k)

    def analogy(
        self, positive: Sequence[str], negative: Sequence[str] = (), *, k: int = 10
    ) -> list[NearWord]:
        """Return the `k` words nearest to a sum of words, none of these among them.

        The sum of the unit vectors of `positive`, less those of `negative`, as in king - man +
        woman: Mikolov, Yih and Zweig (2013), "Linguistic regularities in continuous space word
        representations".

        Args:
            positive: words that are added.
            negative: words that are subtracted.
            k: most words.

        Raises:
            DataError: a word has no vector.
            ConfigError: there is no word, or `k` is out of range.
        """
        words = [*positive, *negative]
        if not words:
            raise ConfigError("expected words to add, as in king - man + woman, got none")
        directions = normalize_rows(np.stack([self.require(word) for word in words]))
        signs = np.array([1] * len(positive) + [-1] * len(negative), dtype=np.float32)
        return self._nearest((signs @ directions)[None], [[self.find(word) for word in words]], k)[
            0
        ]

    def _nearest(
        self, vectors: Vectors, left_out: Sequence[Sequence[int | None]], k: int
    ) -> list[list[NearWord]]:
        """Return the words nearest to each vector [queries, dim], without some by their index."""
        most = max(len(places) for places in left_out)
        if not 1 <= k <= MOST_HITS - most:
            raise ConfigError(
                f"k: expected a number of words from 1 to {MOST_HITS - most:,}, got {k}"
            )
        nearest = NearestRows(vectors, k + most)
        nearest.add(self.vectors, np.arange(len(self)))
        return [
            [NearWord(self.words[h.row], h.score) for h in hits if h.row not in set(places)][:k]
            for hits, places in zip(nearest.hits(), left_out, strict=True)
        ]


def parse_analogy(terms: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the words that are added and those that are subtracted in `king - man + woman`.

    Args:
        terms: words and signs with spaces between them, or one string of them.

    Raises:
        ConfigError: a word or a sign is missing.
    """
    pieces = [piece for term in terms for piece in term.split()]
    example = "expected words with + or - between them, as in king - man + woman"
    words: dict[str, list[str]] = {"+": [], "-": []}
    sign: str | None = "+"
    for piece in pieces:
        if piece in words:
            if sign is not None and (words["+"] or words["-"] or piece == "+"):
                raise ConfigError(f"{example}; got two signs before a word")
            sign = piece
        elif sign is None:
            raise ConfigError(f"{example}; got no sign before {shorten(piece)}")
        else:
            words[sign].append(piece)
            sign = None
    if sign is not None:
        raise ConfigError(f"{example}; got no word {'at all' if not pieces else 'at the end'}")
    return words["+"], words["-"]
