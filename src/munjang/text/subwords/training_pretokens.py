"""Pre-tokens for the training of subword models: long runs without spaces are shortened.

Encoding does not use these: it depends on `pretokens` only.
"""

from dataclasses import dataclass

import numpy as np

from munjang.text.columns import Int64s
from munjang.text.plain.pretokens import LONGEST, SPACE_SIGN
from munjang.text.segmentation.codepoints import Bools, bounds_of
from munjang.text.subwords.pretokens import Pretokens

# Characters that are learned from a run without a space or another blank.
LONGEST_RUN = 65_536
# The longest piece of a unigram model, so pre-tokens of this length lose none.
_LONGEST_PIECE = 16
# With this share of characters in long runs, pre-tokens are shortened and seeds reduced.
_MANY_CUT = 0.1
_BLANKS = [ord(sign) for sign in f"{SPACE_SIGN}\t\n\v\f\r\x85\xa0\u2028\u2029\u3000"]


@dataclass(frozen=True)
class Seeds:
    """Training data of a unigram model.

    Attributes:
        pretokens: pre-tokens to learn from.
        count: number of seed pieces, which training prunes down to the vocabulary size.
    """

    pretokens: Pretokens
    count: int


def limit_long_runs(pretokens: Pretokens) -> Pretokens:
    """Keep the pre-tokens that begin within `LONGEST_RUN` characters after a space."""
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
    """Choose the training data of a unigram model so that time is linear in the text.

    The library's time grows with the number of seed pieces. Words give few of them; runs without a
    space, such as amino acids, give as many as allowed, and hardly any is useful.

    Args:
        pretokens: pre-tokens of the texts.
        max_size: maximum size of the vocabulary.
        usual: number of seed pieces for texts of words.
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
    """Return the distance of each character from the last blank or the start of its text."""
    places = np.arange(len(pretokens.points))
    begins: Bools = np.isin(pretokens.points, _BLANKS)
    begins[pretokens.cuts[:-1][np.diff(pretokens.cuts) > 0]] = True
    return np.asarray(places - np.maximum.accumulate(np.where(begins, places, 0)))
