"""Tokens made visible: spaces, control characters and lone marks get a symbol of their own."""

import unicodedata

_SIGNS = {" ": "␣", "\t": "⇥", "\n": "⏎", "\r": "␍", "\x7f": "␡", "\xa0": "⍽", "": "⟨⟩"}
# They join emoji and letters, and are visible by their effect.
_JOINERS = {"\u200c", "\u200d"}
_FIRST_STRONG, _END = "\u2068", "\u2069"


def visible(token: str) -> str:
    """Replace all that is invisible, or would reverse the text around it, by a symbol.

    The result is never empty, and is valid in XML.
    """
    if token in _SIGNS:
        return _SIGNS[token]
    joined = any(_is_visible(c) for c in token)
    shown = "".join(_sign(c, joined) for c in token)
    return f"◌{shown}" if unicodedata.category(shown[0]).startswith("M") else shown


def visible_text(text: str) -> str:
    """Replace as `visible` does in a whole text, and keep its spaces and line breaks."""
    return "".join(c if c in " \n" else _sign(c, joined=True) for c in text)


def cut_visible(text: str, longest: int) -> str:
    """Return the beginning of a text as `visible_text` does; an ellipsis stands for the rest."""
    shown = visible_text(text[:longest])
    return f"{shown}…" if len(text) > longest else shown


def _is_visible(character: str) -> bool:
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
    outside = category in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp", "Zs"} or _is_noncharacter(point)
    return f"⟨U+{point:04X}⟩" if outside else character


def _is_noncharacter(point: int) -> bool:
    return point & 0xFFFE == 0xFFFE or 0xFDD0 <= point <= 0xFDEF


def right_to_left(text: str) -> bool:
    """Return whether the first letter with a direction runs to the left."""
    for character in text:
        direction = unicodedata.bidirectional(character)
        if direction in {"L", "R", "AL"}:
            return direction != "L"
    return False


def isolated(text: str) -> str:
    """Isolate text that runs to the left, for plain text such as a tooltip.

    The marks are those of the Unicode Bidirectional Algorithm (UAX 9), FSI and PDI.
    """
    is_rtl = any(unicodedata.bidirectional(c) in {"R", "AL", "AN"} for c in text)
    return f"{_FIRST_STRONG}{text}{_END}" if is_rtl else text


def language(text: str) -> str:
    """Return the language as in HTML's `lang`, as far as the script alone tells; else "".

    Hangul is Korean and kana Japanese; browsers choose the glyphs of Chinese characters by `lang`.
    """
    names = [unicodedata.name(c, "") for c in text]
    if any(name.startswith("HANGUL") for name in names):
        return "ko"
    kana = ("HIRAGANA", "KATAKANA")
    return "ja" if any(name.startswith(kana) for name in names) else ""
