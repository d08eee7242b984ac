"""Texts that an exported model writes, each token by token."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from munjang.errors import DataError
from munjang.text.plain.answer_stream import AnswerStream, PunctuatedStream
from munjang.text.plain.continuation import Continuation, StopStrings
from munjang.text.plain.growing import GrowingText, Part, add_token
from munjang.text.plain.ids import EOS
from munjang.text.plain.stream import open_stream

Decoding = dict[str, Any]


@dataclass
class Writing:
    """A text that is being written.

    Attributes:
        tokens: its next tokens.
        text: turns tokens into text.
        left: most tokens that may still come.
        ends: whether EOS ends the text.
    """

    tokens: Iterator[int]
    text: GrowingText
    left: int
    ends: bool

    def step(self) -> Part:
        """Add one token."""
        token = next(self.tokens)
        self.left -= 1
        has_ended = self.ends and token == EOS
        return add_token(self.text, token, is_last=has_ended or not self.left, has_ended=has_ended)


# Runner, value, decoding, length, seed and stop strings to the beginning of a text.
Begin = Callable[[Any, str, Decoding, int, int, Sequence[str]], Writing]


def _continue(
    runner: Any, value: str, decoding: Decoding, length: int, seed: int, stop: Sequence[str]
) -> Writing:
    tokenizer = runner.tokenizer
    text = Continuation(open_stream(tokenizer), tokenizer.encode, value, stop)
    return Writing(runner.continue_ids(value, length, decoding, seed), text, length, ends=False)


def _translate(
    runner: Any, value: str, decoding: Decoding, length: int, seed: int, stop: Sequence[str]
) -> Writing:
    (ids,), _ = runner.reader.row(value)
    limit = min(length, runner.limit(ids, decoding))
    if decoding["method"] == "beam":  # a beam is known only at its end
        decoding = {**decoding, "method": "greedy"}
    kind = PunctuatedStream if runner.target.loose_punctuation else AnswerStream
    text = kind(open_stream(runner.target), StopStrings(stop), is_empty=not ids)
    pairs = runner.extend(ids, limit, decoding, seed=seed) if ids else iter([(EOS, 0.0)])
    return Writing((token for token, _ in pairs), text, limit, ends=True)


WRITERS: Mapping[str, Begin] = {"language": _continue, "translate": _translate}


class ExportedTexts:
    """Texts that are written together; see `munjang.serving.backend.GrowingTexts`.

    Args:
        runner: the model.
        begin: begins a text.
        decoding: settings of decoding.
    """

    def __init__(self, runner: Any, begin: Begin, decoding: Decoding) -> None:
        self._runner, self._begin, self._decoding = runner, begin, decoding
        self._texts: dict[int, Writing] = {}
        self._next_key = 0

    def join(self, value: str, *, length: int, seed: int = 0, stop: Sequence[str] = ()) -> int:
        """Begin a text, whose first token comes with the next step, and return its key.

        Raises:
            DataError: the value cannot be used.
        """
        try:
            text = self._begin(self._runner, value, self._decoding, length, seed, stop)
        except ValueError as error:
            raise DataError(str(error)) from None
        key, self._next_key = self._next_key, self._next_key + 1
        self._texts[key] = text
        return key

    def cancel(self, keys: Iterable[int]) -> None:
        """Remove texts; unknown keys are ignored."""
        for key in keys:
            self._texts.pop(key, None)

    def step(self) -> dict[int, Part]:
        """Add one token to each text, and return what that added, by key."""
        parts = {key: text.step() for key, text in self._texts.items()}
        self.cancel([key for key, part in parts.items() if part.finish_reason is not None])
        return parts
