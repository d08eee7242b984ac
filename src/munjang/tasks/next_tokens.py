"""Answers of language models: the likeliest next tokens of a text."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from munjang.tasks.masked_answers import MaskCandidate
from munjang.text.masks import TokenTexts
from munjang.text.vocabulary import EOS, GO, OOV, PAD

# A line break as it is shown.
LINE_BREAK = "\\n"


@dataclass(frozen=True)
class NextTokens:
    """The likeliest next tokens of a text.

    Attributes:
        candidates: tokens with their probabilities, the likeliest first.
        truncated: False: a text of any length is read.
    """

    candidates: tuple[MaskCandidate, ...]
    truncated: bool = False

    def lines(self, row: int, text: str) -> list[list[str]]:
        """Return row, probability and token, a line per candidate."""
        return [
            [str(row), f"{candidate.probability:.4f}", candidate.token]
            for candidate in self.candidates
        ]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        tokens = [asdict(candidate) for candidate in self.candidates]
        return {"next": tokens, "truncated": self.truncated}


def choose_next(logits: Tensor, texts: TokenTexts, top: int) -> list[NextTokens]:
    """Return the likeliest next tokens of logits [rows, vocabulary]."""
    pieces: Sequence[str] = texts.tokenizer.vocabulary.tokens
    logits = logits.float().clone()
    logits[:, [PAD, GO, OOV]] = -torch.inf
    best = logits.softmax(1).topk(min(top, len(pieces) - 3))
    return [
        NextTokens(
            tuple(
                MaskCandidate(_text(texts, number), _piece(pieces, number), value)
                for value, number in zip(values, ids, strict=True)
            )
        )
        for values, ids in zip(best.values.tolist(), best.indices.tolist(), strict=True)
    ]


def _text(texts: TokenTexts, number: int) -> str:
    return LINE_BREAK if number == EOS else texts[number]


def _piece(pieces: Sequence[str], number: int) -> str:
    return LINE_BREAK if number == EOS else pieces[number]
