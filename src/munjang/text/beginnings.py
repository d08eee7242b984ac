"""The beginning of a long text that is sure to hold its first tokens, so that no more is read.

Of a text of fifty million characters a model keeps some hundred tokens. A text is cut where the
tokens before the cut are the same whatever follows: a place that depends on the tokenizer.
"""

import re
from functools import lru_cache

import numpy as np

from munjang.text.capitals import sign_ids
from munjang.text.normalise import normalise_text
from munjang.text.registry import SUBWORDS
from munjang.text.subwords.pretokens import without_last_pretoken
from munjang.text.tokenizer import Tokenizer
from munjang.text.words import WordTokenizer

_FEWEST_CHARACTERS = 4096  # a text of twice as many is read as a whole
_CHARACTERS_PER_TOKEN = 8  # of a first guess; four times as many of each next one
_LETTERS_THAT_SPELL = 64  # or more are kept of a word without end: no n-gram of letters is further


def longest_read_whole(tokens: int) -> int:
    """Characters of the longest text of which all is read where so many tokens are kept."""
    return 2 * max(_FEWEST_CHARACTERS, _CHARACTERS_PER_TOKEN * tokens)


def beginning_of(tokenizer: Tokenizer, text: str, tokens: int) -> str:
    """A beginning of `text` with more than `tokens` tokens, signs not counted; or all of it.

    Its first `tokens` tokens are those of the whole text. Of a run of letters that is too long for
    any word of the vocabulary only a part is kept: the word stays as unknown as it was.
    """
    if len(text) <= longest_read_whole(tokens) or tokenizer.cuts is None:
        return text
    size = longest_read_whole(tokens) // 2
    while size < len(text):
        found = tokenizer.cuts.search(text, size)
        if found is None:
            break
        head = _settled(tokenizer, text[: found.start()])
        if _count(tokenizer, head) > tokens:
            return head
        size = 4 * found.start()
    return _without_endless_words(tokenizer, text)


def _settled(tokenizer: Tokenizer, head: str) -> str:
    """What of a text that was cut has the same tokens whatever follows."""
    if tokenizer.name in SUBWORDS:
        return without_last_pretoken(normalise_text(head))
    return _without_endless_words(tokenizer, head)


def _count(tokenizer: Tokenizer, text: str) -> int:
    """How many tokens the text has, signs not counted."""
    ids = tokenizer.encode_text(text)
    return len(ids) - int(np.isin(ids, sign_ids(tokenizer.vocabulary)).sum())


def _without_endless_words(tokenizer: Tokenizer, text: str) -> str:
    if not isinstance(tokenizer, WordTokenizer):
        return text
    kept = max(tokenizer.vocabulary.longest, _LETTERS_THAT_SPELL) + 1
    return _endless_run(kept).sub(r"\1\2\3", text)


@lru_cache(maxsize=8)
def _endless_run(kept: int) -> re.Pattern[str]:
    """Runs of more than `kept` letters, of which the groups are enough.

    Every run keeps a small letter if it has one, and two capitals if it has any, so that a word in
    capitals alone stays one, and another none.
    """
    caseless = "0-9ㄱ-ㆎ一-鿿가-힣"
    runs = []
    for begin, letters in ("", ""), ("[a-z]", "a-z"), ("[A-Z]{2}", "A-Z"):
        letter = f"[{letters}{caseless}]"
        runs.append(f"({begin}{letter}{{{kept}}}){letter}+")
    return re.compile("|".join(runs))
