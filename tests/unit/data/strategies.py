"""Hypothesis strategies for text that breaks parsers."""

import unicodedata

from hypothesis import strategies as st

from munjang.text.plain.blank import is_blank

PIECES = (
    *('"', '""', ",", ";", "\t", "\n", "\r\n", "'", "\\", " ", "a", "한국어", "문장"),
    *(
        unicodedata.normalize("NFD", "각하"),
        "ᄒ",
        "ㅋㅋ",
        "😀",
        "👩‍👩‍👧",
        "é",
        "e\u0301",
        "שלום",
        "\u202e",
    ),
    *(
        "\x01",
        "\x0b",
        "\x1c",
        "\x85",
        "\u2028",
        "\ufeff",
        "\ufffd",
        "İ",
        "ß",
        "0",
        "{",
        "#",
        "\xa0",
    ),
)


def hostile_text() -> st.SearchStrategy[str]:
    """Return a strategy for nonblank texts of pieces that break parsers."""
    pieces = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)
    anything = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0\r"))
    return st.one_of(pieces, anything).filter(lambda text: not is_blank(text))
