"""Stages of a tokenizer, and what several tokenizers share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tokenizers import decoders, models, normalizers

from munjang.export.hf.reading import Reading
from munjang.text.vocabulary import EOS, OOV, RESERVED

LINE = "\n"
# A pattern of any character, line breaks included.
ANY = "[\\s\\S]"
JOINED = decoders.Fuse()


@dataclass(frozen=True)
class Stages:
    """Stages of a tokenizer.

    Attributes:
        model: pre-tokens to ids.
        normalizers: applied to a text, in order.
        pre_tokenizer: cuts a text into pre-tokens.
        decoder: tokens to a text; None joins them by spaces.
        special: names of PAD, OOV, GO and EOS.
    """

    model: Any
    normalizers: Sequence[Any]
    pre_tokenizer: Any
    decoder: Any = None
    special: Sequence[str] = RESERVED


def normalizers_of(tokenizer: Any) -> list[Any]:
    """Return the normalizers that a tokenizer begins with."""
    return [normalizers.NFC()] if getattr(tokenizer, "nfc", True) else []


def number_tokens(reading: Reading, names: Sequence[str] | None = None) -> dict[str, int]:
    """Return the ids of all tokens; where a line begins with EOS, a line break is that token."""
    tokens = list(names or reading.tokenizer.vocabulary.tokens)
    if reading.line_breaks:
        tokens[EOS] = LINE
    return {token: number for number, token in enumerate(tokens)}


def word_level(ids: Mapping[str, int]) -> Any:
    """Return a model that looks up whole pre-tokens."""
    return models.WordLevel(dict(ids), unk_token=RESERVED[OOV])
