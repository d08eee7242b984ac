"""Tokens as 64-bit keys, so that counting and look-up do not touch strings.

A character of 16 bits has one code, a wider one two. Up to four codes form a lane of 64 bits: the
key of a short token, which covers most Korean words. A long token takes several lanes, which are
hashed into one number. As hashes can collide, the lanes are kept and compared wherever a hash is
found.

    재미있다          재미있다              short: its lane is its key
    재미있었습니다    재미있었 | 습니다     long: a first and a last lane, and middle ones if longer
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from munjang.text.columns import Int64s
from munjang.text.segmentation.codepoints import bounds_of
from munjang.text.segmentation.ragged import Ragged, concatenate
from munjang.text.segmentation.units import Codes

Keys = npt.NDArray[np.uint64]

_LANE = 4  # codes per lane
_LONG = np.uint64(1 << 16)  # the key of no short token: its first code would be a separator
# Keeps the first k codes of a lane, k from 0 to 4.
_KEEP = np.array([(1 << 16 * k) - 1 for k in range(_LANE + 1)], dtype=np.uint64)
# Odd, so that multiplying by them loses nothing.
_FIRST = np.uint64(0x9E3779B97F4A7C15)
_OTHER = np.uint64(0xC2B2AE3D27D4EB4F)


@dataclass(frozen=True)
class TokenKeys:
    """The keys of some tokens.

    Attributes:
        keys: the lane of a short token; the same value for all long ones [tokens].
        long: indices of tokens that are longer than a lane, ascending [long].
        hashes: hash of all lanes of each of these [long]. Tokens with equal hash, last and middle
            lanes also have equal first lanes.
        last: the last lane of each [long].
        middle: the lanes between the first and the last; most have none [long].
    """

    keys: Keys
    long: Int64s
    hashes: Keys
    last: Keys
    middle: Ragged


def token_keys(codes: Codes, starts: Int64s, ends: Int64s) -> TokenKeys:
    """Compute the keys of the tokens `codes[starts[i]:ends[i]]`.

    Args:
        codes: codes of the characters, and padding [codes + PADDING].
        starts: first code of each token, ascending [tokens].
        ends: one past its last [tokens].
    """
    lengths = ends - starts
    # One 64-bit read at a code gives it and the next three.
    windows = np.ndarray((len(codes) - _LANE + 1,), dtype="<u8", buffer=codes, strides=(2,))
    windows = windows.astype(np.uint64)
    keys = windows.take(starts)
    keys &= _KEEP.take(lengths, mode="clip")
    long = np.flatnonzero(lengths > _LANE)
    first = keys.take(long)
    keys[long] = _LONG
    starts, lengths = starts.take(long), lengths.take(long)
    before = (lengths - 1) // _LANE  # full lanes before the last one
    last = windows.take(starts + _LANE * before)
    last &= _KEEP.take(lengths - _LANE * before)
    middle = _middle(windows, starts + _LANE, before - 1)
    hashes = first * _FIRST + _fold(last, middle)
    return TokenKeys(keys, long, hashes, last, middle)


def _middle(windows: Keys, starts: Int64s, counts: Int64s) -> Ragged:
    """Gather `counts` consecutive lanes from each of `starts`."""
    bounds = bounds_of(counts)
    some = np.flatnonzero(counts)
    lanes = np.arange(bounds[-1]) * _LANE
    lanes += np.repeat((starts - _LANE * bounds[:-1]).take(some), counts.take(some))
    return Ragged(windows.take(lanes), bounds)


def _fold(last: Keys, middle: Ragged) -> Keys:
    """Hash the lanes of each long token except the first [long]."""
    hashes = last * _OTHER
    hashes ^= hashes >> np.uint64(29)
    counts = np.diff(middle.bounds)
    some = np.flatnonzero(counts)
    if len(some):
        begins, counts = middle.bounds.take(some), counts.take(some)
        exponents = np.arange(1, len(middle.values) + 1) - np.repeat(begins, counts)
        powers = np.multiply.accumulate(np.full(int(counts.max()) + 1, _OTHER))
        mixed = middle.values * powers.take(exponents)
        mixed ^= mixed >> np.uint64(29)
        hashes[some] += np.add.reduceat(mixed, begins)
    return hashes


def concatenate_keys(parts: Sequence[TokenKeys]) -> TokenKeys:
    """Concatenate the keys of consecutive parts of a column."""
    before = np.cumsum([0, *(len(part.keys) for part in parts)])
    return TokenKeys(
        keys=np.concatenate([part.keys for part in parts]),
        long=np.concatenate([p.long + n for p, n in zip(parts, before, strict=False)]),
        hashes=np.concatenate([part.hashes for part in parts]),
        last=np.concatenate([part.last for part in parts]),
        middle=concatenate([part.middle for part in parts]),
    )
