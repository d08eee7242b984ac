"""Spaces around punctuation."""

import re

_BEFORE_CLOSING = re.compile(r" +([.,!?;:%)\]}»”’…。、，！？」』])")
_AFTER_OPENING = re.compile(r"([(\[{«“‘„「『]) +")


def attach_punctuation(text: str) -> str:
    """Remove spaces before closing punctuation and behind opening punctuation.

    Straight quotes may be either, so the spaces around them stay.
    """
    return _AFTER_OPENING.sub(r"\1", _BEFORE_CLOSING.sub(r"\1", text))
