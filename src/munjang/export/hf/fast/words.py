"""Words."""

import re
from typing import Any

from tokenizers import Regex, decoders, normalizers, pre_tokenizers

from munjang.export.hf.character_classes import class_ranges
from munjang.export.hf.fast.stages import (
    JOINED,
    LINE,
    Stages,
    normalizers_of,
    number_tokens,
    word_level,
)
from munjang.export.hf.reading import Reading
from munjang.text.plain.words import KERAS_FILTERS, find_word_class
from munjang.text.words import WordTokenizer

_BEFORE_CLOSING = r" +(?=[.,!?;:%)\]}»”’…。、，！？」』])"
_AFTER_OPENING = r"(?<=[(\[{«“‘„「『]) +"


def describe_words(tokenizer: WordTokenizer, reading: Reading) -> Stages:
    """Return the stages of a tokenizer of words."""
    lower = _lower_like_python() if tokenizer.lower else []
    if tokenizer.split == "keras":
        separators = re.escape(KERAS_FILTERS + " ").replace("\\\n", "\n")
        pattern = f"[^{separators}]+"
    else:
        classes = class_ranges(find_word_class)
        pattern = re.sub("[wmsfj]+", lambda run: "".join(classes[c] for c in run[0]), _WORD)
    if reading.line_breaks:
        pattern = f"{LINE}|{pattern}"
    decoder = [
        decoders.WordPiece(prefix="##", cleanup=False),
        JOINED,
        *(decoders.Replace(Regex(p), "") for p in (_BEFORE_CLOSING, _AFTER_OPENING)),
    ]
    return Stages(
        word_level(number_tokens(reading)),
        [*normalizers_of(tokenizer), *lower],
        pre_tokenizers.Split(Regex(pattern), "removed", invert=True),
        decoders.Sequence(decoder),
    )


# The pattern of `munjang.text.plain.words` with classes in brackets.
_WORD = "[m]*[w][wmfj]*|[m]+|[s](?:[mfj]|(?<=[j])[s])*+"


def _lower_like_python() -> list[Any]:
    """Return normalizers that lower-case as Python does, a capital sigma at the end of a word too.

    Unicode's rule "Final_Sigma": after a cased letter, and not before one; characters that have no
    case of their own, such as accents and apostrophes, do not count.
    """
    classes = class_ranges(_case_class)
    cased, ignored = classes["c"], classes["i"]
    before, after = rf"(?<=[{cased}][{ignored}]*)", rf"(?![{ignored}]*[{cased}])"
    return [normalizers.Replace(Regex(f"{before}\u03a3{after}"), "\u03c2"), normalizers.Lowercase()]


def _case_class(character: str) -> str:
    """Return c(ased), i(gnored) or o(ther), by what Python makes of a capital sigma behind it."""
    if (f"{character}\u03a3").lower().endswith("\u03c2"):
        return "c"
    return "i" if (f"A{character}\u03a3").lower().endswith("\u03c2") else "o"
