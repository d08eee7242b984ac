"""Tokens as 64-bit numbers, so that counting and looking up need not touch their strings.

A character gets a 16-bit code. Up to four codes fit a 64-bit key exactly, which covers most words
of Korean; five to eight make two such `lanes`, hashed into one key and compared in full wherever
the key is found; whatever is longer, empty, or holds a character beyond 16 bits is `spelled`: its
key is 0 and its string is used. So equal keys are never taken for equal tokens on trust.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from munjang.text.columns import Int64s
from munjang.text.cutting.codepoints import Points

Codes = npt.NDArray[np.uint16]
Keys = npt.NDArray[np.uint64]

SPELLED = 0
SEPARATOR_CODE = 0
WIDE_CODE = 0xFFFF
PADDING = 8  # codes past the end of a text that a window may read
_LANE = 4
# Keeps the first k codes of a lane, k from 0 to 4.
_KEEP = np.array([(1 << 16 * k) - 1 for k in range(_LANE + 1)], dtype=np.uint64)
_FIRST_CODE = np.uint64(0xFFFF)
_HASHED = np.uint64(1 << 16)


@dataclass(frozen=True)
class TokenKeys:
    """The keys of some tokens.

    Attributes:
        keys: exact up to 4 characters, a hash from 5 to 8, 0 (`SPELLED`) otherwise [tokens].
        hashed: which tokens have a hash for a key, ascending [hashed].
        lanes: their first and second four codes [2, hashed].
        spelled: which tokens have no key, ascending [spelled].
    """

    keys: Keys
    hashed: Int64s
    lanes: Keys
    spelled: Int64s

    def take(self, tokens: Int64s) -> "TokenKeys":
        """The keys of some of the tokens, given by their places [chosen]."""
        keys = self.keys.take(tokens)
        hashed = np.flatnonzero((keys & _FIRST_CODE == 0) & (keys != SPELLED))
        lanes = self.lanes.take(np.searchsorted(self.hashed, tokens.take(hashed)), axis=1)
        return TokenKeys(keys, hashed, lanes, np.flatnonzero(keys == SPELLED))


def code_table(letters: Points) -> Codes:
    """From what each code point becomes in a token [0x110000] to its code [0x110000].

    No letter gets the code of a separator, 0. Letters beyond 16 bits share one, `WIDE_CODE`.
    """
    codes: Codes = np.minimum(letters + np.uint32(1), WIDE_CODE).astype("<u2")
    return codes


def token_keys(codes: Codes, starts: Int64s, ends: Int64s) -> TokenKeys:
    """The keys of the tokens `codes[starts[i]:ends[i]]`.

    Args:
        codes: codes of the characters, and `PADDING` more [characters + PADDING].
        starts: first character of each token, ascending [tokens].
        ends: one past its last [tokens].
    """
    lengths = ends - starts
    # One read at any character gives the four codes from there on.
    windows = np.ndarray((len(codes) - _LANE + 1,), dtype="<u8", buffer=codes, strides=(2,))
    windows = windows.astype(np.uint64)
    keys = windows.take(starts)
    keys &= _KEEP.take(lengths, mode="clip")
    longer = np.flatnonzero(lengths > _LANE)
    fit = lengths.take(longer) <= 2 * _LANE
    keys[longer[~fit]] = SPELLED
    keys[_holding_wide(codes, starts, ends)] = SPELLED
    hashed = longer[fit]
    hashed = hashed[keys.take(hashed) != SPELLED]
    first = keys.take(hashed)
    second = windows.take(starts.take(hashed) + _LANE) & _KEEP.take(lengths.take(hashed) - _LANE)
    keys[hashed] = _mix(first, second)
    return TokenKeys(keys, hashed, np.stack([first, second]), np.flatnonzero(keys == SPELLED))


def _mix(first: Keys, second: Keys) -> Keys:
    """A hash that no exact key equals: its first code would be a separator."""
    mixed = first * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(29)
    mixed += second * np.uint64(0xC2B2AE3D27D4EB4F)
    mixed ^= mixed >> np.uint64(32)
    return (mixed << np.uint64(16)) | _HASHED


def _holding_wide(codes: Codes, starts: Int64s, ends: Int64s) -> Int64s:
    """Which tokens hold a character beyond 16 bits."""
    places = np.flatnonzero(codes == WIDE_CODE)
    if not len(places) or not len(starts):
        return places[:0]
    owners = np.searchsorted(starts, places, side="right") - 1
    return owners[(owners >= 0) & (places < ends[owners])]


def concatenate_keys(parts: Sequence[TokenKeys]) -> TokenKeys:
    """The keys of consecutive parts of one column as those of the whole."""
    before = np.cumsum([0, *(len(part.keys) for part in parts)])
    return TokenKeys(
        keys=np.concatenate([part.keys for part in parts]),
        hashed=np.concatenate([p.hashed + n for p, n in zip(parts, before, strict=False)]),
        lanes=np.concatenate([part.lanes for part in parts], axis=1),
        spelled=np.concatenate([p.spelled + n for p, n in zip(parts, before, strict=False)]),
    )
