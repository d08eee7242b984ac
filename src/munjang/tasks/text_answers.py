"""What a model answers that writes texts."""

from dataclasses import asdict, dataclass
from typing import Any

from munjang.tasks.alignment import Link


@dataclass(frozen=True)
class Candidate:
    """One answer to a text.

    Attributes:
        text: the answer.
        score: by which it was ranked; higher is better.
        log_probability: of all its tokens together, in nats.
        finished: it ended by itself; else it was cut at the longest length.
        alignment: what each piece of the answer took most from; None unless asked for, or where
            the model attends to nothing.
    """

    text: str
    score: float
    log_probability: float
    finished: bool
    alignment: tuple[Link, ...] | None = None


@dataclass(frozen=True)
class TextAnswer:
    """What the model answers to one text.

    Attributes:
        candidates: the best first.
        truncated: the text was longer than the model reads; only its beginning counted.
        several: more than one answer was asked for, though fewer may have been found.
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
        return [[str(row), f"{one.score:.4f}", one.text] for one in self.candidates]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        found = [asdict(one) for one in self.candidates]
        for one in found:
            if one["alignment"] is None:
                del one["alignment"]
        return {"answer": self.text, "truncated": self.truncated, "candidates": found}
