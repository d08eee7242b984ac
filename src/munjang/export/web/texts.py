"""Tokenizers as a description for the page, and the characters that Python knows."""

from collections.abc import Callable, Mapping
from functools import cache
from itertools import groupby
from typing import Any

from munjang.errors import ConfigError
from munjang.inputs.text import TextInput
from munjang.text.characters import CharacterTokenizer
from munjang.text.jamo import JamoTokenizer
from munjang.text.rows import TOKENIZERS
from munjang.text.segmentation.codepoints import CODE_POINTS, category_of
from munjang.text.subwords.tokenizers import BpeTokenizer, UnigramTokenizer, WordPieceTokenizer
from munjang.text.utf8_bytes import ByteTokenizer
from munjang.text.vocabulary import RESERVED
from munjang.text.words import WordTokenizer

Description = dict[str, Any]

# General categories of Unicode, in the order of CATEGORIES of characters.js.
_NAMES = "Cn Cc Cf Cs Co Ll Lm Lo Lt Lu Mc Me Mn Nd Nl No Pc Pd Pe Pf Pi Po Ps Sc Sk Sm So Zl Zp Zs"
_CATEGORIES = {name: number for number, name in enumerate(_NAMES.split())}
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def describe_input(fitted: Any) -> Description:
    """Return the description of an input: its tokenizer, vocabulary, and lengths.

    Raises:
        ConfigError: the page cannot read such rows.
    """
    if type(fitted) is not TextInput:
        raise ConfigError(
            f"a page reads one text per row, and the input of this model is {fitted.recipe.input}"
        )
    encoding = fitted.encoding
    if encoding["line_breaks"]:
        raise ConfigError(
            "a page cannot hold this model: it reads texts as lines (tokenizer.line_breaks)"
        )
    tokenizer = fitted.tokenizer
    write = _TOKENIZERS.get(type(tokenizer))
    if write is None:
        known = [name for name in TOKENIZERS if name in {each.name for each in _TOKENIZERS}]
        raise ConfigError(
            f"a page cannot split texts as the tokenizer {tokenizer.name} does; it knows "
            f"{', '.join(known)}"
        )
    is_words = isinstance(tokenizer, WordTokenizer)
    return {
        "tokenizer": write(tokenizer),
        "vocabulary": list(tokenizer.vocabulary.tokens[len(RESERVED) :]),
        "nfc": getattr(tokenizer, "nfc", True),
        "max_length": encoding["max_length"],
        "max_tokens": encoding["max_tokens"],
        "ends": encoding["add_go_eos"],
        "oov_words": encoding["with_oov_words"] and is_words,
    }


def _words(tokenizer: WordTokenizer) -> Description:
    kind = "keras_words" if tokenizer.split == "keras" else "words"
    return {"kind": kind, "lower": tokenizer.lower, "capitals": tokenizer.capitals}


def _characters(tokenizer: CharacterTokenizer) -> Description:
    return {"kind": "characters", "lower": tokenizer.lower}


def _plain(tokenizer: JamoTokenizer | ByteTokenizer) -> Description:
    return {"kind": tokenizer.name}


def _bpe(tokenizer: BpeTokenizer) -> Description:
    return {"kind": "bpe", "merges": tokenizer.to_json()["model"]["model"]["merges"]}


def _wordpiece(tokenizer: WordPieceTokenizer) -> Description:
    return {"kind": "wordpiece", "continuation": tokenizer.continuation}


def _unigram(tokenizer: UnigramTokenizer) -> Description:
    pieces = tokenizer.to_json()["model"]["model"]["vocab"]
    return {"kind": "unigram", "scores": [score for _, score in pieces[len(RESERVED) :]]}


_TOKENIZERS: Mapping[type[Any], Callable[[Any], Description]] = {
    WordTokenizer: _words,
    CharacterTokenizer: _characters,
    JamoTokenizer: _plain,
    ByteTokenizer: _plain,
    BpeTokenizer: _bpe,
    UnigramTokenizer: _unigram,
    WordPieceTokenizer: _wordpiece,
}


@cache
def describe_characters() -> str:
    """Return the category of every character, as runs of characters of one category.

    A run is its length and the number of its category, both in base 36, such as `w:1`. Browsers
    have other versions of Unicode than this Python.
    """
    categories = (category_of(chr(point)) for point in range(CODE_POINTS))
    return " ".join(
        f"{_in_base_36(sum(1 for _ in run))}:{_in_base_36(_CATEGORIES[category])}"
        for category, run in groupby(categories)
    )


def _in_base_36(number: int) -> str:
    digits = ""
    while number or not digits:
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits
