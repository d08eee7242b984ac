"""Capital markers, tokens before a word in lower case; see `munjang.text.capitals`."""

from collections.abc import Iterable, Iterator

CAPITAL = "<\N{UPWARDS WHITE ARROW}>"
"""Marker before a word that begins with a capital: the symbol on the shift key.

No token of a text can be equal to it, since there each of its symbols is a token of its own.
"""
CAPITALS = "<\N{UPWARDS WHITE ARROW FROM BAR}>"
"""Marker before a word of two or more capitals only: the symbol on the caps-lock key."""
SIGNS = (CAPITAL, CAPITALS)
"""The markers of kinds 1 and 2, see `munjang.text.plain.words.Words.capitals`."""


def restore_capitals(tokens: Iterable[str]) -> Iterator[str]:
    """Yield the tokens without markers, with capitals behind them."""
    sign = ""
    for token in tokens:
        if token in SIGNS:
            sign = token
            continue
        if sign:
            token = token.upper() if sign == CAPITALS else token[:1].title() + token[1:]
        yield token
        sign = ""
