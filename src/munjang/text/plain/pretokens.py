"""The pre-tokens of a text: as `munjang.text.subwords.pretokens` finds them in columns."""

import re
import unicodedata

from munjang.text.plain.letters import ClassLetters

SPACE_SIGN = "\u2581"
LONGEST = 64

# letter, number, punctuation, symbol, blank, sign of a space, hash, mark
PRETOKEN_CLASSES = "LNPSB_#m"
_BY_CATEGORY = {"L": "L", "N": "N", "M": "m", "P": "P", "Z": "B"}
# A pre-token is a run of one class with its marks, and the ▁ before it.
_PRETOKEN = re.compile(r"(?:_m*)?(?:L[Lm]*|N[Nm]*|P[Pm]*|S[Sm]*|B[Bm]*|#m*)|_m*")
_SWAPPED = {ord(" "): SPACE_SIGN, ord(SPACE_SIGN): " "}


def find_pretoken_class(character: str) -> str:
    """Return the letter of the class of a character, one of `PRETOKEN_CLASSES`."""
    if character == SPACE_SIGN:
        return "_"
    if character == "#":  # alone, so that it cannot be confused with WordPiece's ##
        return "#"
    category = unicodedata.category(character)
    if category == "So":
        return "S"
    if category in ("Cf", "Sk"):  # joiners, tags, skin tones
        return "P" if character.isascii() else "m"
    if category[0] == "S":
        return "P"
    return _BY_CATEGORY.get(category[0], "B")


_pretoken_letters = ClassLetters(find_pretoken_class)


def pretokens_of(text: str) -> list[str]:
    """Split one NFC text into pre-tokens. An empty text has none."""
    if not text:
        return []
    swapped = SPACE_SIGN + text.translate(_SWAPPED)
    pretokens: list[str] = []
    for found in _PRETOKEN.finditer(swapped.translate(_pretoken_letters)):
        start, end = found.span()
        if end - start <= LONGEST:
            pretokens.append(swapped[start:end])
        else:
            pretokens += [swapped[s : min(s + LONGEST, end)] for s in range(start, end, LONGEST)]
    return pretokens


def drop_last_pretoken(text: str) -> str:
    """Remove the last pre-token of an NFC text, the only one that more text could change."""
    return "".join(pretokens_of(text)[:-1])[1:].translate(_SWAPPED)
