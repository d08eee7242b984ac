"""Character ranges of tokens in a text whose normalizer composes characters.

The library gives a composed character the place of its first part only: of a decomposed syllable
the first jamo, of "e" with an accent the "e". What follows belongs to the same character.
"""

import numpy as np

from munjang.text.columns import Int64s
from munjang.text.normalize import joins_before
from munjang.text.segmentation.utf32 import points_of


def cover_combining(text: str, starts: Int64s, ends: Int64s) -> Int64s:
    """Extend ranges over the combining characters behind them that no other range covers.

    Args:
        text: the text.
        starts: index of the first character of each token [tokens].
        ends: one past its last character [tokens].

    Returns:
        The new ends [tokens].
    """
    if text.isascii() or not len(ends):
        return ends
    joins = joins_before(points_of(text))
    if not joins.any():
        return ends
    # tokens of one character share a range, so what covers it is any of them
    is_covered = np.zeros(len(text) + 1, dtype=np.int64)
    filled = ends > starts
    np.add.at(is_covered, starts[filled], 1)
    np.add.at(is_covered, ends[filled], -1)
    can_join = np.append(joins & (is_covered.cumsum()[:-1] == 0), False)
    places = np.arange(len(text) + 1)
    # of each place the next one that cannot join
    stops = np.minimum.accumulate(np.where(can_join, len(text), places)[::-1])[::-1]
    return np.where(filled, stops[ends], ends)
