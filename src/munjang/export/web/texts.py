"""Tokenizers as a description for the page, and the characters that Python knows."""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from itertools import groupby
from typing import Any

import numpy as np

from munjang.errors import ConfigError
from munjang.inputs.text import TextInput
from munjang.text.characters import CharacterTokenizer
from munjang.text.huggingface.bert_wordpiece import BertWordPieceTokenizer
from munjang.text.huggingface.library import LibraryTokenizer
from munjang.text.huggingface.tokenizer import HuggingFaceTokenizer
from munjang.text.huggingface.words import REMOVED, WORD, is_removed_accent, word_classes
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
    described = write(tokenizer)
    is_words = isinstance(tokenizer, WordTokenizer)
    return {
        "tokenizer": described,
        "vocabulary": list(tokenizer.vocabulary.tokens[len(RESERVED) :]),
        "nfc": described.get("nfc", getattr(tokenizer, "nfc", True)),
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


def _bert_wordpiece(tokenizer: LibraryTokenizer) -> Description:
    """Describe BERT's tokenizer, whether it was learned here or comes from a `tokenizer.json`.

    Raises:
        ConfigError: it is another tokenizer of the library.
    """
    state = tokenizer.library_state
    normalizer, model = state["normalizer"] or {}, state["model"]
    steps = normalizer.get("normalizers", [normalizer])
    nfc = steps[:1] == [{"type": "NFC"}]
    bert = steps[-1]
    is_lower = bool(bert.get("lowercase"))
    strips = bert.get("strip_accents")
    expected = {
        "a normalizer of BERT": len(steps) == 1 + nfc and bert.get("type") == "BertNormalizer",
        "clean_text": bert.get("clean_text"),
        "handle_chinese_chars": bert.get("handle_chinese_chars"),
        "words of BERT": (state["pre_tokenizer"] or {}).get("type") == "BertPreTokenizer",
        "a WordPiece model": model.get("type") == "WordPiece",
        "no tokens of its post-processor": not tokenizer.post_process,
        "no added tokens but special ones": all(t["special"] for t in state["added_tokens"]),
    }
    if missing := [name for name, holds in expected.items() if not holds]:
        raise ConfigError(
            f"a page cannot split texts as this tokenizer {tokenizer.name} does: of those of the "
            f"library tokenizers it knows BERT's, with {missing[0]}"
        )
    return {
        "kind": "bert_wordpiece",
        "lower": is_lower,
        "nfc": nfc,
        "longest": model["max_input_chars_per_word"],
        "continuation": model["continuing_subword_prefix"],
        "classes": _describe_word_classes(),
        "marks": _describe_marks() if (is_lower if strips is None else strips) else None,
    }


_TOKENIZERS: Mapping[type[Any], Callable[[Any], Description]] = {
    WordTokenizer: _words,
    CharacterTokenizer: _characters,
    JamoTokenizer: _plain,
    ByteTokenizer: _plain,
    BpeTokenizer: _bpe,
    UnigramTokenizer: _unigram,
    WordPieceTokenizer: _wordpiece,
    BertWordPieceTokenizer: _bert_wordpiece,
    HuggingFaceTokenizer: _bert_wordpiece,
}


@cache
def describe_characters() -> str:
    """Return the category of every character, as runs of characters of one category.

    A run is its length and the number of its category, both in base 36, such as `w:1`. Browsers
    have other versions of Unicode than this Python.
    """
    return _describe_runs(_CATEGORIES[category_of(chr(point))] for point in range(CODE_POINTS))


@cache
def _describe_word_classes() -> str:
    """Return how every character parts words of BERT, as runs like those of the categories.

    The library is asked about marks, punctuation, symbols and controls. Letters and numbers are
    parts of words, but for Chinese characters, whose ranges the page has.
    """
    categories = [category_of(chr(point)) for point in range(CODE_POINTS)]
    classes = np.array([REMOVED if each == "Co" else WORD for each in categories])
    asked = [p for p, each in enumerate(categories) if each[0] in "MPSZ" or each in ("Cc", "Cf")]
    classes[asked] = word_classes(np.array(asked))
    return _describe_runs(classes.tolist())


@cache
def _describe_marks() -> str:
    """Return which characters are removed with the accents, as runs of 0 and 1."""
    categories = (category_of(chr(point)) for point in range(CODE_POINTS))
    return _describe_runs(
        int(each[0] in "MPS" and is_removed_accent(chr(p))) for p, each in enumerate(categories)
    )


def _describe_runs(numbers: Iterable[int]) -> str:
    return " ".join(
        f"{_in_base_36(sum(1 for _ in run))}:{_in_base_36(number)}"
        for number, run in groupby(numbers)
    )


def _in_base_36(number: int) -> str:
    digits = ""
    while number or not digits:
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits
