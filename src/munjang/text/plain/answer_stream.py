"""Text of an answer, token by token, up to a stop string."""

from munjang.text.plain.continuation import StopStrings
from munjang.text.plain.punctuation import attach_punctuation
from munjang.text.plain.stream import TextStream


class AnswerStream:
    """Tokens in, text out.

    Args:
        stream: turns tokens into text.
        stop: looks for stop strings.
        is_empty: return no text at all.
    """

    def __init__(self, stream: TextStream, stop: StopStrings, is_empty: bool) -> None:
        self._stream = stream
        self._stop = stop
        self._is_empty = is_empty

    @property
    def is_ended(self) -> bool:
        """True once a stop string was found, or from the beginning of the empty answer."""
        return self._is_empty or self._stop.is_found

    def feed(self, token: int) -> str:
        """Take one token and return the text that became certain, which may be empty."""
        return "" if self.is_ended else self._stop.push(self._added(self._stream.feed(token)))

    def close(self) -> str:
        """Return the text that was held back."""
        if self.is_ended:
            return ""
        return self._stop.push(self._added(self._stream.close(), is_last=True)) + self._stop.flush()

    def _added(self, text: str, *, is_last: bool = False) -> str:
        return text


class PunctuatedStream(AnswerStream):
    """Stream of words, in which punctuation is attached as in `attach_punctuation`."""

    def __init__(self, stream: TextStream, stop: StopStrings, is_empty: bool) -> None:
        super().__init__(stream, stop, is_empty)
        self._words = ""
        self._returned = 0

    def _added(self, text: str, *, is_last: bool = False) -> str:
        self._words += text
        # spaces at the end may be removed by what follows
        shown = attach_punctuation(self._words if is_last else self._words.rstrip(" "))
        added, self._returned = shown[self._returned :], len(shown)
        return added
