"""The pre-tokens that subwords are learned from: of very long runs the beginning, in short pieces.

Only training looks at these. What a text is encoded to is decided by `pretokens` alone.
"""

from dataclasses import dataclass

import numpy as np

from munjang.text.columns import Int64s
from munjang.text.cutting.codepoints import Bools, bounds_of
from munjang.text.subwords.pretokens import LONGEST, SPACE_SIGN, Pretokens

# Of a run of characters without a space (or another blank) so many are learned from.
LONGEST_RUN = 65_536
# No piece of a unigram model is longer, so nothing of it is lost in pre-tokens of this length.
_LONGEST_PIECE = 16
# From this share of characters in runs that had to be cut, pre-tokens and seeds are few and short.
_MANY_CUT = 0.1
_BLANKS = [ord(sign) for sign in f"{SPACE_SIGN}\t\n\v\f\r\x85\xa0\u2028\u2029\u3000"]


@dataclass(frozen=True)
class Seeds:
    """What a unigram model is trained on.

    Attributes:
        pretokens: to learn from.
        count: of the pieces that it begins with; they are dropped until few enough are left.
    """

    pretokens: Pretokens
    count: int


def without_long_runs(pretokens: Pretokens) -> Pretokens:
    """The pre-tokens that begin in the first `LONGEST_RUN` characters behind a space."""
    if int(np.diff(pretokens.cuts).max(initial=0)) <= LONGEST_RUN:
        return pretokens
    lengths = np.diff(pretokens.starts)
    kept = _places_in_run(pretokens)[pretokens.starts[:-1]] < LONGEST_RUN
    characters = np.repeat(kept, lengths)
    return Pretokens(
        pretokens.points[characters],
        bounds_of(characters)[pretokens.cuts],
        bounds_of(lengths[kept]),
    )


def unigram_seeds(pretokens: Pretokens, *, max_size: int, usual: int) -> Seeds:
    """What a unigram model of so many pieces is trained on, in a time that is linear in the text.

    The library's time grows with the pieces that it begins with. Words give few of them; runs
    without a space, such as amino acids, give as many as it is allowed, none of which means much.

    Args:
        pretokens: of the texts.
        max_size: of the vocabulary.
        usual: pieces that it begins with where the texts are of words.
    """
    lengths = np.diff(pretokens.starts)
    if lengths[lengths == LONGEST].sum() < _MANY_CUT * len(pretokens.points):
        return Seeds(pretokens, usual)
    parts = -(-lengths // _LONGEST_PIECE)
    within = np.arange(parts.sum()) - np.repeat(bounds_of(parts)[:-1], parts)
    starts = np.repeat(pretokens.starts[:-1], parts) + _LONGEST_PIECE * within
    cut = Pretokens(pretokens.points, pretokens.cuts, np.append(starts, pretokens.starts[-1]))
    return Seeds(cut, min(usual, 2 * max_size))


def _places_in_run(pretokens: Pretokens) -> Int64s:
    """How far behind the last blank, or the start of the text, each character stands."""
    places = np.arange(len(pretokens.points))
    begins: Bools = np.isin(pretokens.points, _BLANKS)
    begins[pretokens.cuts[:-1][np.diff(pretokens.cuts) > 0]] = True
    return np.asarray(places - np.maximum.accumulate(np.where(begins, places, 0)))
