"""Tokens as they can be seen: spaces, control characters and lone marks get a sign of their own."""

import unicodedata

_SIGNS = {" ": "␣", "\t": "⇥", "\n": "⏎", "\r": "␍", "\x7f": "␡", "\xa0": "⍽", "": "⟨⟩"}
# They join emoji and letters, and are seen by what they do.
_JOINERS = {"\u200c", "\u200d"}
_FIRST_STRONG, _END = "\u2068", "\u2069"


def visible(token: str) -> str:
    """`token` with a sign for everything that would not be seen, or would turn the text around it.

    What comes back is never empty, and well-formed XML can hold it.
    """
    if token in _SIGNS:
        return _SIGNS[token]
    joined = any(_is_seen(c) for c in token)
    seen = "".join(_sign(c, joined) for c in token)
    return f"◌{seen}" if unicodedata.category(seen[0]).startswith("M") else seen


def visible_text(text: str) -> str:
    """A whole text likewise, in which spaces and ends of lines stay what they are."""
    return "".join(c if c in " \n" else _sign(c, joined=True) for c in text)


def _is_seen(character: str) -> bool:
    return unicodedata.category(character)[0] in "LNPS"


def _sign(character: str, joined: bool) -> str:
    if character in _SIGNS:
        return _SIGNS[character]
    point, category = ord(character), unicodedata.category(character)
    if point < 0x20:
        return chr(0x2400 + point)
    tag = 0xE0020 <= point <= 0xE007F  # flags of regions are spelled with them
    if joined and (character in _JOINERS or tag):
        return character
    outside = category in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp", "Zs"} or _is_no_character(point)
    return f"⟨U+{point:04X}⟩" if outside else character


def _is_no_character(point: int) -> bool:
    return point & 0xFFFE == 0xFFFE or 0xFDD0 <= point <= 0xFDEF


def right_to_left(text: str) -> bool:
    """Whether the first letter that has a direction runs to the left."""
    for character in text:
        direction = unicodedata.bidirectional(character)
        if direction in {"L", "R", "AL"}:
            return direction != "L"
    return False


def isolated(text: str) -> str:
    """`text` for plain text, such as a tooltip: one that runs to the left moves nothing around it.

    The marks are those of the Unicode Bidirectional Algorithm (UAX 9), FSI and PDI.
    """
    turned = any(unicodedata.bidirectional(c) in {"R", "AL", "AN"} for c in text)
    return f"{_FIRST_STRONG}{text}{_END}" if turned else text


def language(text: str) -> str:
    """What the letters alone tell of the language, as `lang` has it; "" where they do not.

    Hangul is Korean and kana Japanese: browsers choose the shapes of Chinese characters by that.
    """
    names = [unicodedata.name(c, "") for c in text]
    if any(name.startswith("HANGUL") for name in names):
        return "ko"
    kana = ("HIRAGANA", "KATAKANA")
    return "ja" if any(name.startswith(kana) for name in names) else ""
