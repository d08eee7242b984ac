"""The text that continues a prompt; see `munjang.text.plain.continuation`."""

from collections.abc import Sequence

from munjang.text.plain.continuation import Continuation
from munjang.text.stream import open_stream
from munjang.text.tokenizer import Tokenizer


def continue_text(tokenizer: Tokenizer, prompt: str, stop: Sequence[str] = ()) -> Continuation:
    """Return the continuation of a prompt by tokens of a fitted tokenizer.

    Args:
        tokenizer: fitted tokenizer.
        prompt: the text before the first token.
        stop: strings at which the text ends; they are not part of it.
    """
    stream = open_stream(tokenizer)
    return Continuation(stream, lambda line: tokenizer.encode_text(line).tolist(), prompt, stop)
