"""The base of tokenizers."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from munjang.text.plain.blank import is_blank
from munjang.text.plain.ids import EOS, GO, OOV, PAD, UNKNOWN


def check_text(text: Any) -> str:
    """Return a text, "" for one without visible characters.

    Raises:
        ValueError: it is no text.
    """
    if not isinstance(text, str):
        raise ValueError(f"expected a string, got {type(text).__name__}")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("a text holds half of a surrogate pair, which is no character") from None
    return "" if is_blank(text) else text


class Tokenizer:
    """Texts to ids and back. A subclass implements `encode` and `join_tokens`.

    Args:
        settings: of the tokenizer, as in `munjang.json`.
        tokens: all tokens, by their ids.
        file: the tokenizer of the package tokenizers, for subwords.
    """

    # how tokens are written one by one: see `munjang.text.plain.stream`
    writing: Any = "pieces"
    composes = False
    # whether punctuation stands apart
    loose_punctuation = False

    def __init__(self, settings: dict[str, Any], tokens: Sequence[str], file: Path) -> None:
        self.settings, self.tokens, self.file = settings, tokens, file
        self.known = {token: number for number, token in enumerate(tokens) if number > EOS}
        self.signs: list[int] = []  # ids of capital markers

    def encode(self, text: str) -> list[Any]:
        """Return ids."""
        raise NotImplementedError

    def find(self, tokens: Iterable[str]) -> list[Any]:
        """Return the ids of tokens."""
        return [self.known.get(token, OOV) for token in tokens]

    def decode(self, ids: Iterable[int], *, goes_on: bool = False) -> str:
        """Return the text of ids without PAD, GO and EOS; OOV reads as U+FFFD.

        Args:
            ids: ids.
            goes_on: True if a text stands before them, which keeps the space between.
        """
        return self.join_tokens([n for n in ids if n not in (PAD, GO, EOS)], goes_on=goes_on)

    def decode_rows(self, rows: Sequence[Sequence[int]]) -> list[str]:
        """Return the text of each row of ids."""
        return [self.decode(row) for row in rows]

    def write(self, ids: Iterable[int]) -> str:
        """Return the text of the ids of an answer."""
        return self.decode(ids)

    def join_tokens(self, ids: Sequence[int], *, goes_on: bool) -> str:
        """Return the text of ids."""
        raise NotImplementedError

    def names(self, ids: Iterable[int]) -> list[str]:
        """Return the tokens of ids; OOV reads as U+FFFD."""
        return [UNKNOWN if number == OOV else self.tokens[number] for number in ids]

    def name_of(self, number: int) -> str:
        """Return one token as people read it."""
        token = self.tokens[number]
        text = token.removeprefix("##").replace("\u2581", " ")
        return "\\n" if number == EOS else text.strip() or token

    def number_words(self, sides: list[list[list[Any]]]) -> dict[str, Any]:
        """Replace words out of vocabulary by numbers, in place; return inputs of a graph."""
        return {}


# The class of each tokenizer, by the name in its settings.
TOKENIZERS: dict[str, type[Tokenizer]] = {}


def open_tokenizer(settings: dict[str, Any], folder: Path, prefix: str = "") -> Tokenizer:
    """Open a tokenizer whose files begin with a prefix."""
    tokens = json.loads((folder / f"{prefix}vocabulary.json").read_text("utf-8"))
    return TOKENIZERS[settings["name"]](settings, tokens, folder / f"{prefix}tokenizer.json")
