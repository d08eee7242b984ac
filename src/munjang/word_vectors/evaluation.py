"""Word vectors against the judgment of people: similarity of pairs of words, and analogies."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from munjang.data.nearest import normalize_rows
from munjang.word_vectors.judgments import Section, WordPair
from munjang.word_vectors.words import Words

# Cosines in memory at once.
_MOST_COSINES = 1 << 22


@dataclass(frozen=True)
class SimilarityScores:
    """Agreement of cosines with the judgment of people.

    Attributes:
        pairs: number of pairs.
        covered: pairs of which both words have a vector; only they are scored.
        composed: covered pairs of which a word is not in the list of words, and was made of its
            n-grams or of several tokens.
        spearman: rank correlation of cosines and judgments, -1 to 1; NaN for fewer than two pairs.
        listed_spearman: the same over the pairs whose words are both in the list.
        missing: words without a vector.
    """

    pairs: int
    covered: int
    composed: int
    spearman: float
    listed_spearman: float
    missing: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; a correlation that is not defined is null."""
        values = asdict(self)
        return {k: None if v != v else v for k, v in values.items()}


@dataclass(frozen=True)
class AnalogyScores:
    """Analogies that are solved: a is to b as c is to d.

    Attributes:
        section: name of the section; "all" for all of them.
        questions: number of questions.
        covered: questions of which all four words have a vector; only they are scored.
        right: those of which d is the word nearest to b - a + c.
    """

    section: str
    questions: int
    covered: int
    right: int

    @property
    def accuracy(self) -> float:
        """Share of the covered questions that are solved; NaN without any."""
        return self.right / self.covered if self.covered else math.nan

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; an accuracy that is not defined is null."""
        accuracy = self.accuracy
        return {**asdict(self), "accuracy": None if accuracy != accuracy else accuracy}


def score_similarity(words: Words, pairs: Sequence[WordPair]) -> SimilarityScores:
    """Return the rank correlation of cosines and the judgment of people.

    Args:
        words: the vectors.
        pairs: the judgments.
    """
    asked = dict.fromkeys(word for pair in pairs for word in (pair.first, pair.second))
    vectors = {word: found for word in asked if (found := words.vector(word)) is not None}
    covered = [pair for pair in pairs if pair.first in vectors and pair.second in vectors]
    listed = [
        words.find(pair.first) is not None and words.find(pair.second) is not None
        for pair in covered
    ]
    cosines: list[float] = []
    if covered:
        first = normalize_rows(np.stack([vectors[pair.first] for pair in covered]))
        second = normalize_rows(np.stack([vectors[pair.second] for pair in covered]))
        cosines = (first * second).sum(1).tolist()
    judged = [pair.score for pair in covered]
    are_listed = [place for place, is_listed in enumerate(listed) if is_listed]
    return SimilarityScores(
        pairs=len(pairs),
        covered=len(covered),
        composed=len(covered) - len(are_listed),
        spearman=_correlate(cosines, judged),
        listed_spearman=_correlate(
            [cosines[place] for place in are_listed], [judged[place] for place in are_listed]
        ),
        missing=tuple(word for word in asked if word not in vectors),
    )


def _correlate(first: Sequence[float], second: Sequence[float]) -> float:
    """Return Spearman's rank correlation; NaN if it is not defined."""
    if len(set(first)) < 2 or len(set(second)) < 2:
        return math.nan
    return float(spearmanr(first, second).statistic)


def score_analogies(
    words: Words,
    sections: Sequence[Section],
    *,
    most_words: int = 300_000,
) -> list[AnalogyScores]:
    """Return how many analogies are solved, by section, and for all of them last.

    The answer is the word nearest to b - a + c of unit vectors, the three left out (see
    `munjang.word_vectors.words.Words.analogy`). Only words of the list answer; words that are made
    of n-grams do not count.

    Args:
        words: the vectors.
        sections: name and questions (a, b, c, d) of each section.
        most_words: number of words, the most frequent first, that may be asked for and answered.
    """
    directions = words.directions[:most_words]
    found = []
    for name, questions in sections:
        places = [[words.find(word) for word in question] for question in questions]
        known = [row for row in places if all(p is not None and p < most_words for p in row)]
        right = _count_right(directions, np.array(known, dtype=np.int64).reshape(-1, 4))
        found.append(AnalogyScores(name, len(questions), len(known), right))
    total = [sum(getattr(s, key) for s in found) for key in ("questions", "covered", "right")]
    return [*found, AnalogyScores("all", *total)]


def _count_right(directions: Any, questions: Any) -> int:
    """Return the number of solved questions.

    Args:
        directions: unit vectors, [words, dim].
        questions: indices of a, b, c and d, [questions, 4].
    """
    right, step = 0, max(1, _MOST_COSINES // max(1, len(directions)))
    for start in range(0, len(questions), step):
        part = questions[start : start + step]
        queries = directions[part[:, 1]] - directions[part[:, 0]] + directions[part[:, 2]]
        cosines = queries @ directions.T
        np.put_along_axis(cosines, part[:, :3], -np.inf, axis=1)
        right += int((cosines.argmax(1) == part[:, 3]).sum())
    return right
