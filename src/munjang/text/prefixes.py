"""Prefixes of long texts that hold all tokens which a model keeps, so that no more is encoded.

A model keeps some hundred tokens of a text, even if it has fifty million characters. A text is
split where the tokens before the split do not depend on what follows; where that is depends on the
tokenizer.
"""

import re
from functools import lru_cache

import numpy as np

from munjang.text.capitals import sign_ids
from munjang.text.plain.nfc import normalize_text
from munjang.text.plain.pretokens import drop_last_pretoken
from munjang.text.registry import SUBWORDS
from munjang.text.tokenizer import Tokenizer
from munjang.text.words import WordTokenizer

_FEWEST_CHARACTERS = 4096  # a text of up to twice as many is encoded as a whole
_CHARACTERS_PER_TOKEN = 8  # first guess; each further guess is four times as long
_LETTERS_THAT_SPELL = 64  # letters kept of an endless word at least; no subword n-gram lies further


def longest_encoded_whole(tokens: int) -> int:
    """Return the length of the longest text that is encoded as a whole [characters].

    Args:
        tokens: that the model keeps per text.
    """
    return 2 * max(_FEWEST_CHARACTERS, _CHARACTERS_PER_TOKEN * tokens)


def sufficient_prefix(tokenizer: Tokenizer, text: str, tokens: int) -> str:
    """Return a prefix of `text` with more than `tokens` tokens, or all of it if it has fewer.

    Its first `tokens` tokens are those of the whole text. Capital markers are not counted. A run of
    letters that is longer than any word of the vocabulary is shortened: it stays out of vocabulary.
    """
    if len(text) <= longest_encoded_whole(tokens) or tokenizer.split_points is None:
        return text
    size = longest_encoded_whole(tokens) // 2
    while size < len(text):
        found = tokenizer.split_points.search(text, size)
        if found is None:
            break
        head = _settled(tokenizer, text[: found.start()])
        if _count(tokenizer, head) > tokens:
            return head
        size = 4 * found.start()
    return _without_endless_words(tokenizer, text)


def _settled(tokenizer: Tokenizer, head: str) -> str:
    """Return the part of a prefix whose tokens do not depend on what follows."""
    if tokenizer.name in SUBWORDS:
        return drop_last_pretoken(normalize_text(head))
    return _without_endless_words(tokenizer, head)


def _count(tokenizer: Tokenizer, text: str) -> int:
    """Count the tokens of a text without capital markers."""
    ids = tokenizer.encode_text(text)
    return len(ids) - int(np.isin(ids, sign_ids(tokenizer.vocabulary)).sum())


def _without_endless_words(tokenizer: Tokenizer, text: str) -> str:
    if not isinstance(tokenizer, WordTokenizer):
        return text
    kept = max(tokenizer.vocabulary.longest, _LETTERS_THAT_SPELL) + 1
    return _endless_run(kept).sub(r"\1\2\3", text)


@lru_cache(maxsize=8)
def _endless_run(kept: int) -> re.Pattern[str]:
    """Compile a pattern of runs of more than `kept` letters; its groups are what is kept of a run.

    A run keeps a lower-case letter if it has one, and two capitals if it has any, so that a word in
    capitals stays one, and no other word becomes one.
    """
    caseless = "0-9ㄱ-ㆎ一-鿿가-힣"
    runs = []
    for begin, letters in ("", ""), ("[a-z]", "a-z"), ("[A-Z]{2}", "A-Z"):
        letter = f"[{letters}{caseless}]"
        runs.append(f"({begin}{letter}{{{kept}}}){letter}+")
    return re.compile("|".join(runs))
