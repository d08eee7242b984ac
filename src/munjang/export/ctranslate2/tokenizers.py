"""Tokenizers as settings that the script of an export reads."""

from collections.abc import Callable
from typing import Any

from munjang.errors import ConfigError
from munjang.text.subwords.tokenizers import (
    BpeTokenizer,
    SubwordTokenizer,
    UnigramTokenizer,
    WordPieceTokenizer,
)
from munjang.text.tokenizer import Tokenizer
from munjang.text.words import WordTokenizer


def describe_tokenizer(tokenizer: Tokenizer, side: str) -> dict[str, Any]:
    """Return the settings of a tokenizer; its class in `runner.TOKENIZERS` is their `kind`.

    Args:
        tokenizer: of one side.
        side: source or target, for messages.

    Raises:
        ConfigError: the script has no such tokenizer.
    """
    if type(tokenizer) not in _KINDS:
        raise ConfigError(
            f"tokenizer.{side}.name: the script of an export has no {tokenizer.name}; train with "
            f"one of {', '.join(kind.name for kind in _KINDS)}"
        )
    return _KINDS[type(tokenizer)](tokenizer, side)


def _describe_subwords(tokenizer: SubwordTokenizer, side: str) -> dict[str, Any]:
    model = tokenizer.to_json()["model"]
    return {"kind": "subwords", "continuation": tokenizer.continuation, "model": model}


def _describe_words(tokenizer: WordTokenizer, side: str) -> dict[str, Any]:
    if tokenizer.capitals or tokenizer.split != "unicode":
        setting = "capitals" if tokenizer.capitals else "split"
        value = "false" if tokenizer.capitals else "unicode"
        raise ConfigError(
            f"tokenizer.{side}.settings.{setting}: the script of an export has words with "
            f"{setting}={value} only; train with that, or with bpe"
        )
    return {"kind": "words", "lower": tokenizer.lower, "nfc": tokenizer.nfc}


_KINDS: dict[type[Any], Callable[[Any, str], dict[str, Any]]] = {
    BpeTokenizer: _describe_subwords,
    UnigramTokenizer: _describe_subwords,
    WordPieceTokenizer: _describe_subwords,
    WordTokenizer: _describe_words,
}
