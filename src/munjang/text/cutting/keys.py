"""Tokens as 64-bit numbers, so that counting and looking up need not touch their strings.

A character of 16 bits has one code, a wider one two. Up to four codes are a `lane` of 64 bits: the
key of a short token, which covers most words of Korean. A long token takes several lanes, hashed
into one number. A hash can be that of another token too, so the lanes are at hand, and are
compared wherever the hash is found.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from munjang.text.columns import Int64s
from munjang.text.cutting.codepoints import bounds_of
from munjang.text.cutting.ragged import Ragged, concatenate
from munjang.text.cutting.units import Codes

Keys = npt.NDArray[np.uint64]

_LANE = 4  # codes a lane
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
        keys: the lane of a short token; the same for all long ones [tokens].
        long: which tokens are longer than a lane, ascending [long].
        hashes: of all lanes of these [long].
        lanes: their second lane and those after it [long]. Where these and the hash are the same,
            the first lane is too.
    """

    keys: Keys
    long: Int64s
    hashes: Keys
    lanes: Ragged


def token_keys(codes: Codes, starts: Int64s, ends: Int64s) -> TokenKeys:
    """The keys of the tokens `codes[starts[i]:ends[i]]`.

    Args:
        codes: codes of the characters, and `PADDING` more [codes + PADDING].
        starts: first code of each token, ascending [tokens].
        ends: one past its last [tokens].
    """
    lengths = ends - starts
    # One read at any code gives the four from there on.
    windows = np.ndarray((len(codes) - _LANE + 1,), dtype="<u8", buffer=codes, strides=(2,))
    windows = windows.astype(np.uint64)
    keys = windows.take(starts)
    keys &= _KEEP.take(lengths, mode="clip")
    long = np.flatnonzero(lengths > _LANE)
    first = keys.take(long)
    keys[long] = _LONG
    rest = lengths.take(long) - _LANE
    counts = (rest + _LANE - 1) // _LANE
    bounds = bounds_of(counts)
    turns = np.arange(bounds[-1]) - np.repeat(bounds[:-1], counts)
    places = np.repeat(starts.take(long), counts) + _LANE * (turns + 1)
    lanes = windows.take(places)
    lanes[bounds[1:] - 1] &= _KEEP.take(rest - _LANE * (counts - 1))
    hashes = first * _FIRST + _fold(lanes, turns, bounds)
    return TokenKeys(keys, long, hashes, Ragged(lanes, bounds))


def _fold(lanes: Keys, turns: Int64s, bounds: Int64s) -> Keys:
    """A hash of the lanes of each long token but the first [long].

    Args:
        lanes: of all tokens, end to end [lanes].
        turns: how many stand before each in its own token [lanes].
        bounds: where the lanes of each token begin, and the end [long + 1].
    """
    if not len(lanes):
        return lanes
    powers = np.multiply.accumulate(np.full(int(turns.max()) + 1, _OTHER))
    mixed = lanes * powers.take(turns)
    mixed ^= mixed >> np.uint64(29)
    folded: Keys = np.add.reduceat(mixed, bounds[:-1])
    return folded


def concatenate_keys(parts: Sequence[TokenKeys]) -> TokenKeys:
    """The keys of consecutive parts of one column as those of the whole."""
    before = np.cumsum([0, *(len(part.keys) for part in parts)])
    return TokenKeys(
        keys=np.concatenate([part.keys for part in parts]),
        long=np.concatenate([p.long + n for p, n in zip(parts, before, strict=False)]),
        hashes=np.concatenate([part.hashes for part in parts]),
        lanes=concatenate([part.lanes for part in parts]),
    )
