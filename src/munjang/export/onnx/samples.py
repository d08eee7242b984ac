"""Texts that an export is checked on."""

import random
from collections.abc import Sequence
from typing import Any

from munjang.export.onnx.inputs import source_tokenizer
from munjang.inputs.two_texts import TwoTextsInput
from munjang.model import Model
from munjang.text.vocabulary import RESERVED

# Hangul in NFC and in jamo, capitals, digits, other scripts, emoji of several characters, marks
# without a base, special tokens spelled out, blank and endless texts.
_TEXTS = (
    "",
    " ",
    "\u200b\u3164",
    "a",
    "정말 재미있는 영화였다!! ㅋㅋㅋ",
    "\u1112\u1161\u11ab\u1100\u1173\u11af 정규화 가\u0301",
    "배우들의 연기는 좋았지만, 이야기가 너무 느리고 지루해요...",
    "It's NOT a bad film -- I LOVED every minute of it.",
    "What did NASA name after Hubble ?",
    "İstanbul ΟΔΥΣΣΕΥΣ Straße ǅ ﬁn",
    "Café déjà vu, 漢字かな交じり文 العربية हिन्दी",
    "👍🏽 👨‍👩‍👧‍👦 🇰🇷 ❤️ :-)",
    "\u0301\u0302 marks first \ufe0f",
    "<pad> <oov> <go> <eos> [CLS] [SEP] [MASK] <unk> <s> </s>",
    "<⇧> <⇪> ▁ ## ##는 ▁영화",
    "tab\tand\nline\r\nbreaks\x00\x07",
    'a.b,c!d?e(f)g"h/i#j$k%l',
    "1234567890 3.14 ①②③ Ⅷ ½",
    "ㅋ" * 300,
    "가나다라마바사아자차카타파하" * 40,
    "the film is long " * 120,
    "e" + "\u0301" * 200,
    "supercalifragilisticexpialidocious" * 30,
)
_MADE = 24
_LONGEST = 40


def sample_texts(model: Model) -> list[str]:
    """Return hostile texts, and words of the vocabulary in random order.

    Args:
        model: the model; the same one gives the same texts.
    """
    tokens: Sequence[str] = source_tokenizer(model).vocabulary.tokens
    draw = random.Random(0)  # noqa: S311 (made-up texts)
    known = [token for token in tokens[len(RESERVED) :] if token.isprintable()] or ["a"]
    made = [" ".join(draw.choices(known, k=draw.randint(1, _LONGEST))) for _ in range(_MADE)]
    return [*_TEXTS, *made]


def sample_values(model: Model, rows: Sequence[Any] = ()) -> list[Any]:
    """Return sample texts, or pairs of them for a model of two texts, and rows of data."""
    texts = sample_texts(model)
    if not isinstance(model.input, TwoTextsInput):
        return [*texts, *rows]
    pairs = zip(texts, [*texts[1:], texts[0]], strict=True)
    return [*pairs, *((text, text) for text in texts[:3]), *rows]


def mask_words(texts: Sequence[str]) -> list[str]:
    """Return texts in which [MASK] stands for some words."""
    masked = []
    for text in texts:
        words = text.split(" ")
        words[len(words) // 2] = "[MASK]"
        masked.append(" ".join(words) + (" [MASK]" if len(words) > 4 else ""))
    return masked
