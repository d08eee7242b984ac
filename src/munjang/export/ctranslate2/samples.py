"""Texts that an export is checked on."""

import random

from munjang.text.tokenizer import Tokenizer
from munjang.text.vocabulary import RESERVED

# Hangul in syllables and in jamo, capitals, emoji of several characters, marks without a base,
# reserved names spelled out, blank and long texts.
_TEXTS = (
    "",
    " ",
    "a",
    "정말 재미있는 영화였다!! ㅋㅋㅋ",
    "\u1112\u1161\u11ab\u1100\u1173\u11af 가\u0301",
    "It's NOT a bad film -- I LOVED every minute of it.",
    "İstanbul ΟΔΥΣΣΕΥΣ Straße ǅ ﬁn",
    "漢字かな交じり文 العربية हिन्दी",
    "👍🏽 👨‍👩‍👧‍👦 🇰🇷 ❤️ :-)",
    "\u0301\u0302 marks first \ufe0f",
    "<pad> <oov> <go> <eos> <unk> <s> </s>",
    "▁ ## ##는 ▁영화 #1",
    "tab\tand\nline\r\nbreaks\x00\x07",
    "1234567890 3.14 ①②③ Ⅷ ½",
    "ㅋ" * 200,
    "the film is long " * 40,
)
_MADE = 16
_LONGEST = 24


def sample_texts(tokenizer: Tokenizer) -> list[str]:
    """Return hostile texts, and words of the vocabulary in random order, always the same."""
    draw = random.Random(0)  # noqa: S311 (made-up texts)
    known = [token for token in tokenizer.vocabulary.tokens[len(RESERVED) :] if token.isprintable()]
    words = [token.strip("▁#") for token in known] or ["a"]
    made = [" ".join(draw.choices(words, k=draw.randint(1, _LONGEST))) for _ in range(_MADE)]
    return [*_TEXTS, *made]
