"""Attributions as data: how much each word of a text gives to a score of the answer."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

import numpy as np

from munjang.displayed import Drawn
from munjang.text.parts import Floats, TextParts, TokenSums

Method = Literal["exact", "integrated", "gradient", "leave_one_out"]
METHODS: tuple[Method, ...] = get_args(Method)
Baseline = Literal["zero", "oov", "deleted"]

_DIGITS = 5
# Words in a `repr`.
_NAMED = 3


@dataclass(frozen=True, eq=False)
class AttributedText:
    """One text and the shares of its parts.

    Attributes:
        text: the text as given.
        pieces: the smallest parts that the tokens tell apart.
        words: runs without white space; the share of white space before a word counts to it.
        rest: share of tokens that stand for no character.
    """

    text: str
    pieces: TextParts
    words: TextParts
    rest: float = 0.0

    @classmethod
    def of(cls, text: str, starts: Any, ends: Any, shares: Any) -> "AttributedText":
        """Sum up the shares of tokens; see `munjang.text.parts.TokenSums.of`."""
        sums = TokenSums.of(text, starts, ends, shares)
        return cls(text, sums.pieces, sums.words, sums.rest)

    @property
    def total(self) -> float:
        """Sum of the shares."""
        return float(self.pieces.values.sum()) + self.rest

    def strongest(self, most: int) -> list[tuple[str, float]]:
        """Return the words with the largest shares of either sign, these first."""
        words = [(word.strip(), share) for word, share in self.words]
        order = np.argsort(-np.abs(self.words.values), kind="stable")[:most].tolist()
        return [words[number] for number in order]

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "text": self.text,
            "words": self.words.to_json("share"),
            "pieces": self.pieces.to_json("share"),
            "rest": round(self.rest, _DIGITS),
        }


@dataclass(frozen=True)
class NgramShare:
    """An n-gram that one or more filters of a CNN found their maximum at.

    Attributes:
        text: the n-gram as it stands in the text.
        side: number of the text that it is of.
        start: index of its first character.
        end: one past its last character.
        filters: numbers of the filters.
        share: what they give to the score: the sum of weight x maximum after activation.
    """

    text: str
    side: int
    start: int
    end: int
    filters: tuple[int, ...]
    share: float

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {**vars(self), "filters": list(self.filters), "share": round(self.share, _DIGITS)}


@dataclass(frozen=True)
class NgramShares:
    """A score as the sum of what the n-grams of a CNN give, and of what no n-gram gives.

    Attributes:
        ngrams: those with a share, the largest of either sign first.
        bias: bias of the output layer.
        others: share of a bag of n-grams and of a linear model, if the model has them.
    """

    ngrams: tuple[NgramShare, ...]
    bias: float
    others: float = 0.0

    @property
    def total(self) -> float:
        """Sum of all: the score."""
        return sum(ngram.share for ngram in self.ngrams) + self.bias + self.others

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "ngrams": [ngram.to_json() for ngram in self.ngrams],
            "bias": round(self.bias, _DIGITS),
            "others": round(self.others, _DIGITS),
        }


@dataclass(frozen=True, eq=False)
class Attribution:
    """One score of an answer, divided among the words.

    Attributes:
        score: what is divided, such as "logit of good minus logit of bad".
        value: its value for the text, F(x).
        base: its value without the text: for the baseline F(x').
        texts: the texts with their shares.
        specials: tokens of no text, such as ⟨go⟩, with their shares.
        steps: number of nodes of integrated gradients; None for other methods.
        ngrams: of a CNN, if the method is exact: what each n-gram gives.
    """

    score: str
    value: float
    base: float
    texts: tuple[AttributedText, ...]
    specials: tuple[tuple[str, float], ...] = ()
    steps: int | None = None
    ngrams: NgramShares | None = None

    @property
    def total(self) -> float:
        """Sum of all shares."""
        return sum(text.total for text in self.texts) + sum(share for _, share in self.specials)

    @property
    def explained(self) -> float:
        """Sum of all shares divided by F(x) - F(x'); NaN if that is 0. Complete shares give 1."""
        difference = self.value - self.base
        return self.total / difference if difference else float("nan")

    @property
    def largest(self) -> float:
        """Largest share of a word, its sign left out; 0 without words."""
        return max(float(np.abs(text.words.values).max(initial=0)) for text in self.texts)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        ngrams = {} if self.ngrams is None else {"ngrams": self.ngrams.to_json()}
        explained = self.explained
        return {
            "score": self.score,
            "value": round(self.value, _DIGITS),
            "base": round(self.base, _DIGITS),
            "sum": round(self.total, _DIGITS),
            "explained": round(explained, _DIGITS) if np.isfinite(explained) else None,
            "steps": self.steps,
            "texts": [text.to_json() for text in self.texts],
            "specials": [
                {"token": token, "share": round(share, _DIGITS)} for token, share in self.specials
            ],
            **ngrams,
        }


@dataclass(frozen=True, eq=False, repr=False)
class Explanation(Drawn):
    """Why a model gave an answer: each score of it, divided among the words.

    Attributes:
        answer: the answer of the model.
        method: how shares were computed.
        baseline: what stands for "no text", in words.
        rows: one per score: one for a class or a number, one per label, [MASK] or written word.
        truncated: True if a text was longer than the model reads.
        summed: True if the shares of a row are meant to sum to `value` - `base`.
    """

    answer: str
    method: Method
    baseline: str
    rows: tuple[Attribution, ...]
    truncated: bool = False
    summed: bool = True

    drawings: ClassVar[str] = "munjang.report.why:WHY"

    def summary(self) -> str:
        """Return the answer, the method, and the words with the largest shares."""
        words = ", ".join(
            f"{word} {share:+.2f}"
            for row in self.rows[:1]
            for text in row.texts[:1]
            for word, share in text.strongest(_NAMED)
        )
        return f"{self.answer}, {self.method}: {words}"

    def __iter__(self) -> Iterator[Attribution]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def largest(self) -> float:
        """Largest share of a word in all rows, its sign left out."""
        return max((row.largest for row in self.rows), default=0.0)

    def matrix(self, text: int = 0) -> Floats:
        """Return the shares of all words of a text, [scores, words].

        Args:
            text: number of the text; the first is the source of a model that writes text.
        """
        return np.stack([row.texts[text].words.values for row in self.rows])

    def words(self, text: int = 0) -> Sequence[str]:
        """Return the words of a text."""
        return [word.strip() for word, _ in self.rows[0].texts[text].words]

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "answer": self.answer,
            "method": self.method,
            "baseline": self.baseline,
            "truncated": self.truncated,
            "scores": [row.to_json() for row in self.rows],
        }
