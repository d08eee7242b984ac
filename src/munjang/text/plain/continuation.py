"""The text that continues a prompt, token by token, over several lines."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from munjang.config import LONGEST
from munjang.errors import ConfigError
from munjang.text.plain.ids import EOS
from munjang.text.plain.stream import TextStream


class StopStrings:
    """Text that ends at the first of some strings, which are not part of it.

    Args:
        stop: the strings, or a single one; empty ones are ignored.

    Attributes:
        is_found: True once one was found; all later text is ignored.
    """

    def __init__(self, stop: Sequence[str]) -> None:
        self._stop = [text for text in ([stop] if isinstance(stop, str) else stop) if text]
        self._held = ""
        self.is_found = False

    def push(self, text: str) -> str:
        """Take more text, and return what is before a stop string and cannot begin one."""
        if self.is_found:
            return ""
        text = self._held + text
        places = [place for stop in self._stop if (place := text.find(stop)) >= 0]
        if places:
            self.is_found, self._held = True, ""
            return text[: min(places)]
        waiting = max((_overlap(text, stop) for stop in self._stop), default=0)
        self._held = text[len(text) - waiting :]
        return text[: len(text) - waiting]

    def flush(self) -> str:
        """Return the text that was held back."""
        held, self._held = self._held, ""
        return held


class Continuation:
    """Tokens of running text in, text out; the id EOS is a line break.

    Text is returned as soon as it is certain: Hangul is never half composed, and the beginning of a
    stop string waits until it is known to be none.

    Args:
        stream: turns tokens into text.
        encode: returns the ids of a line.
        prompt: the text before the first token.
        stop: strings at which the text ends; they are not part of it.

    Attributes:
        shown_prompt: the prompt without a last syllable that later tokens may complete.
    """

    def __init__(
        self,
        stream: TextStream,
        encode: Callable[[str], Iterable[int]],
        prompt: str,
        stop: Sequence[str] = (),
    ) -> None:
        self._stream = stream
        self._stop = StopStrings(stop)
        before, line_break, line = prompt.rpartition("\n")
        shown = self._stream.feed_prompt(line, encode(line))
        self.shown_prompt = before + line_break + shown

    @property
    def is_ended(self) -> bool:
        """True once a stop string was found."""
        return self._stop.is_found

    def parts(self, tokens: Iterable[int]) -> Iterator[str]:
        """Yield the prompt, and then the text of tokens as soon as it is certain."""
        if self.shown_prompt:
            yield self.shown_prompt
        for token in tokens:
            if more := self.feed(token):
                yield more
            if self.is_ended:
                return
        if rest := self.close():
            yield rest

    def feed(self, token: int) -> str:
        """Take one token and return the text that became certain, which may be empty."""
        if self.is_ended:
            return ""
        text = self._stream.close() + "\n" if token == EOS else self._stream.feed(token)
        return self._stop.push(text)

    def close(self) -> str:
        """Return the text that was held back."""
        if self.is_ended:
            return ""
        return self._stop.push(self._stream.close()) + self._stop.flush()


def check_length(length: object) -> None:
    """Refuse a number of tokens to add that is out of range.

    Raises:
        ConfigError: it is no whole number from 1 on.
    """
    if isinstance(length, bool) or not isinstance(length, int) or not 1 <= length <= LONGEST:
        raise ConfigError(f"length: expected a number from 1 to {LONGEST:,}, got {length!r}")


def _overlap(text: str, stop: str) -> int:
    """Return the length of the longest end of `text` with which `stop` begins, but is not."""
    longest = min(len(text), len(stop) - 1)
    return next((n for n in range(longest, 0, -1) if text.endswith(stop[:n])), 0)
