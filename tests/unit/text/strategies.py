"""Hypothesis strategies of difficult text, as in real files and worse.

`hostile_text()` draws one string, `hostile_texts()` a list of strings that share words, so that
counts, vocabularies and unknown tokens are exercised. They hold no lone surrogates, which no file
can hold (`with_surrogates()` draws these, for tests that they are refused).
"""

import unicodedata

from hypothesis import strategies as st

SYLLABLES = st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3)
JAMO = st.characters(min_codepoint=0x1100, max_codepoint=0x11FF)
COMPATIBILITY_JAMO = st.characters(min_codepoint=0x3131, max_codepoint=0x318E)
ASCII = st.characters(max_codepoint=0x7F)
MARKS = st.characters(categories=["Mn", "Mc", "Me"])
CONTROLS = st.characters(categories=["Cc", "Cf", "Zs", "Zl", "Zp"])
RIGHT_TO_LEFT = st.characters(min_codepoint=0x590, max_codepoint=0x6FF, exclude_categories=["Cs"])
EMOJI = st.sampled_from(["😀", "❤️", "👩‍👩‍👧", "👍🏽", "🇰🇷", "1️⃣", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "\u200d", "\ufe0f", "☺"])

# Where lower-casing differs between languages and libraries: dotted I, final sigma in and out of
# context, sharp S, digraphs, scripts whose case came late, the Kelvin, Angstrom and Ohm signs.
CASED = ["İ", "I", "ı", "Σ", "ΑΣ", "ΑΣ.", "Σ\u0301", "ς", "ẞ", "ß", "\u01c5", "Ⴀ", "Ა", "Ꭰ", "ꭰ"]
LATE_CASED = ["𐐀", "\u212a", "\u212b", "\u2126", "ﬁ", "ŉ", "ǰ", "Ω", "ｱ", "Ａ", "①", "½"]
# Composed, decomposed, both, and what NFC always decomposes.
COMPOSED = ["\xc0", "A\u0300", "\u1e69", "s\u0323\u0307", "\u0344", "\u0958", "\u09c7\u09be"]
COMPOSED_HANGUL = ["각", "가\u11a8", "\u1100\u1161\u11a8", "\u11a8", "\u1161"]
# White space and line ends in some libraries but not in others.
SPACES = [
    "\r\n",
    "\x0b",
    "\x1c",
    "\x85",
    "\u2028",
    "\u3000",
    "\xa0",
    "\ufeff",
    "\x00",
    "\xad",
    "。",
]
UNUSUAL = st.sampled_from([*CASED, *LATE_CASED, *COMPOSED, *COMPOSED_HANGUL, *SPACES])

KOREAN = ["영화", "재미있다", "재미", "ㅋㅋㅋ", "ㅠㅠ", "최고!!", "최고"]
OTHER = ["the", "The", "THE", "don't", "good", "3.14", "2", "a_b", "word-word", "<oov>", "<pad>"]
WORDS = st.sampled_from([*KOREAN, *OTHER, "ΟΔΟΣ", "ΟΔΟΣ ΟΔΟΣ", "İstanbul"])
SEPARATORS = st.sampled_from([" ", "  ", "\t", "\n", ".", ", ", "...", "-", "!", "\xa0", "\u3000"])

_characters = st.one_of(
    SYLLABLES,
    ASCII,
    JAMO,
    COMPATIBILITY_JAMO,
    MARKS,
    CONTROLS,
    RIGHT_TO_LEFT,
    st.characters(exclude_categories=["Cs"]),
)
_pieces = st.one_of(WORDS, SEPARATORS, WORDS, SEPARATORS, EMOJI, UNUSUAL, _characters)


def _decompose(text: str) -> str:
    return unicodedata.normalize("NFD", text)


def hostile_text(max_pieces: int = 12) -> st.SearchStrategy[str]:
    """Return a strategy of strings: often empty or real words, sometimes NFD, sometimes long."""
    mixed = st.lists(_pieces, max_size=max_pieces).map("".join)
    return st.one_of(
        mixed,
        mixed.map(_decompose),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=max_pieces),
        st.text(SYLLABLES, max_size=max_pieces).map(_decompose),
        st.builds(lambda piece, times: piece * times, _pieces, st.integers(0, 300)),
    )


def hostile_texts(max_size: int = 8, max_pieces: int = 12) -> st.SearchStrategy[list[str]]:
    """Return a strategy of lists of strings that share words: small corpora."""
    return st.lists(hostile_text(max_pieces), max_size=max_size)


def with_surrogates() -> st.SearchStrategy[str]:
    """Return a strategy of strings with a lone surrogate, which no file or column can hold."""
    lone = st.characters(categories=["Cs"])
    return st.builds(lambda a, b, c: a + b + c, hostile_text(4), lone, hostile_text(4))
