"""Answers of models that generate text."""

from dataclasses import asdict, dataclass
from typing import Any

from munjang.tasks.alignment import Link


@dataclass(frozen=True)
class Candidate:
    """One answer to a text.

    Attributes:
        text: the answer.
        score: the score of the search; higher is better.
        log_probability: sum over its tokens, in nats.
        finished: True if it ends with EOS; False if it was cut at the maximum length.
        alignment: the source piece of each piece of the answer; None unless requested, or if the
            model has no attention.
    """

    text: str
    score: float
    log_probability: float
    finished: bool
    alignment: tuple[Link, ...] | None = None


@dataclass(frozen=True)
class TextAnswer:
    """The answers to one text.

    Attributes:
        candidates: the answers, the best first.
        truncated: True if the text was longer than the model reads and its end was ignored.
        several: True if more than one answer was requested.
    """

    candidates: tuple[Candidate, ...]
    truncated: bool = False
    several: bool = False

    @property
    def text(self) -> str:
        """The best answer."""
        return self.candidates[0].text

    def lines(self, row: int, text: str) -> list[list[str]]:
        """Return the best answer; with `several`, row number, score and text of each."""
        if not self.several:
            return [[self.text]]
        return [[str(row), f"{answer.score:.4f}", answer.text] for answer in self.candidates]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        candidates = [asdict(candidate) for candidate in self.candidates]
        for values in candidates:
            if values["alignment"] is None:
                del values["alignment"]
        return {"answer": self.text, "truncated": self.truncated, "candidates": candidates}
