"""Texts that grow token by token."""

from dataclasses import dataclass
from typing import Protocol


class GrowingText(Protocol):
    """Tokens in, text out; see `munjang.text.plain.continuation` and `answer_stream`."""

    @property
    def is_ended(self) -> bool:
        """True once a stop string was found."""

    def feed(self, token: int) -> str:
        """Take one token and return the text that became certain, which may be empty."""

    def close(self) -> str:
        """Return the text that was held back."""


@dataclass(frozen=True)
class Part:
    """Addition of one step to a text.

    Attributes:
        text: text that became certain; may be empty.
        finish_reason: "stop" at the end of the text, "length" at the limit, else None.
    """

    text: str
    finish_reason: str | None = None


def add_token(text: GrowingText, token: int, *, is_last: bool, has_ended: bool) -> Part:
    """Feed a token to a text and return what it added.

    Args:
        text: the text.
        token: the token.
        is_last: whether no other token follows.
        has_ended: whether the model ended the text with it.
    """
    added = text.feed(token)
    if is_last:
        reason = "stop" if has_ended or text.is_ended else "length"
        return Part(added + text.close(), reason)
    return Part(added, "stop" if text.is_ended else None)
