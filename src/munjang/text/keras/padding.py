"""Padding of sequences to one array: Keras' `pad_sequences`, computed for whole columns."""

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from munjang.errors import ConfigError, DataError
from munjang.text.columns import Int64s, TokenColumn, flat_ranges, to_lists, values_and_offsets
from munjang.text.keras.errors import InputTypeError, NumberTooLargeError, SettingTypeError
from munjang.text.segmentation.codepoints import bounds_of

_SIDES = ("pre", "post")
_EXACT = 1 << 53  # integers up to here are exact in float64


def pad_sequences(
    sequences: Sequence[Sequence[Any]] | TokenColumn,
    maxlen: int | None = None,
    dtype: npt.DTypeLike = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
) -> npt.NDArray[Any]:
    """Pad or cut every sequence to the same length, as Keras does.

    Args:
        sequences: lists (or arrays, or a token column) of ids, of strings, or of vectors of
            one shape.
        maxlen: length of the result; that of the longest sequence by default.
        dtype: dtype of the result; `object` for strings of any length.
        padding: "pre" or "post": the side on which short sequences are padded.
        truncating: "pre" or "post": the side on which long sequences are truncated.
        value: padding value.

    Returns:
        Array [sequences, maxlen, *shape of an element].

    Raises:
        ConfigError: `padding`, `truncating`, `dtype` and `value`, or `maxlen` cannot be used.
        DataError: `sequences` is not a list of sequences, or their elements differ in shape.
    """
    _check(sequences, padding, truncating, dtype, value)
    if isinstance(sequences, pa.Array | pa.ChunkedArray):
        values, offsets = values_and_offsets(sequences)
        flat = _as_dtype(values.astype(np.int64), dtype)
        if flat is None:
            return pad_sequences(to_lists(sequences), maxlen, dtype, padding, truncating, value)
        return _fill(flat, offsets, maxlen, padding, truncating, value)
    lengths = _lengths(sequences)
    numbers = _numbers(sequences, dtype)
    if numbers is not None:
        return _fill(numbers, bounds_of(lengths), maxlen, padding, truncating, value)
    return _fill_each(sequences, lengths, maxlen, dtype, padding, truncating, value)


def _check(sequences: Any, padding: str, truncating: str, dtype: Any, value: Any) -> None:
    if not hasattr(sequences, "__len__"):
        raise DataError(
            f"expected a list of sequences, not a {type(sequences).__name__}; wrap it in list()"
        )
    for name, side in (("padding", padding), ("truncating", truncating)):
        if side not in _SIDES:
            raise ConfigError(f"{name} must be 'pre' or 'post'; it is {side!r}")
    text = np.issubdtype(dtype, np.str_) or np.issubdtype(dtype, np.bytes_)
    if isinstance(value, str) and dtype is not object and not text:
        raise ConfigError(
            f"dtype {dtype} cannot hold the padding value {value!r}; set dtype=object"
        )


def _lengths(sequences: Sequence[Any]) -> Int64s:
    try:
        return np.array([len(sequence) for sequence in sequences], dtype=np.int64)
    except TypeError as error:
        row, odd = next((i, s) for i, s in enumerate(sequences, 1) if not hasattr(s, "__len__"))
        raise DataError(f"expected a sequence of ids, but here is {odd!r:.60}", row=row) from error


def _numbers(sequences: Sequence[Any], dtype: Any) -> npt.NDArray[Any] | None:
    """Return all elements, concatenated, if they are integers that `dtype` can hold; else None."""
    if not set(map(type, sequences)) <= {list, tuple}:
        return None
    elements = list(chain.from_iterable(sequences))
    if not set(map(type, elements)) <= {int}:
        return None
    try:
        return _as_dtype(np.array(elements, dtype=np.int64), dtype)
    except OverflowError:
        return None


def _as_dtype(values: Int64s, dtype: Any) -> npt.NDArray[Any] | None:
    kind = np.dtype(dtype)
    low, high = (int(values.min()), int(values.max())) if len(values) else (0, 0)
    if kind.kind in "iu" and np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
        return values.astype(kind)
    if kind in (np.float32, np.float64) and max(-low, high) <= _EXACT:
        return values.astype(kind)
    return None


def _width(lengths: Int64s, maxlen: int | None, truncating: str) -> int:
    if maxlen is None:
        if not len(lengths):
            raise DataError("there is no sequence, so the longest has no length; give maxlen")
        return int(lengths.max())
    if not isinstance(maxlen, int | np.integer):
        raise SettingTypeError(f"maxlen must be a whole number; it is {maxlen!r}")
    # Keras takes the last 0 elements by a slice, which gives all, and more than one do not fit.
    if maxlen < 0 or (maxlen == 0 and truncating == "pre" and (lengths > 1).any()):
        raise ConfigError(f"maxlen must be at least 1; it is {maxlen}")
    return int(maxlen)


def _fill(
    values: npt.NDArray[Any],
    offsets: Int64s,
    maxlen: int | None,
    padding: str,
    truncating: str,
    value: Any,
) -> npt.NDArray[Any]:
    """Copy all elements [elements] to the padded result at once."""
    lengths = np.diff(offsets)
    width = _width(lengths, maxlen, truncating)
    padded = np.full((len(lengths), width), value, dtype=values.dtype)
    kept = np.minimum(lengths, width)
    first = offsets[1:] - kept if truncating == "pre" else offsets[:-1]
    start = width - kept if padding == "pre" else np.zeros_like(kept)
    places = flat_ranges(np.arange(len(kept)) * width + start, kept)
    padded.reshape(-1)[places] = values[flat_ranges(first, kept)]
    return padded


def _fill_each(
    sequences: Sequence[Any],
    lengths: Int64s,
    maxlen: int | None,
    dtype: Any,
    padding: str,
    truncating: str,
    value: Any,
) -> npt.NDArray[Any]:
    """Pad row by row anything that NumPy understands: strings, floats, vectors."""
    width = _width(lengths, maxlen, truncating)
    shape = next((np.asarray(s).shape[1:] for s in sequences if len(s)), ())
    padded = np.full((len(sequences), width, *shape), value, dtype=dtype)
    for row, sequence in enumerate(sequences):
        size = min(len(sequence), width)
        if not size:
            continue
        cut = sequence[-size:] if truncating == "pre" else sequence[:size]
        try:
            kept = np.asarray(cut, dtype=dtype)
        except OverflowError as error:
            raise NumberTooLargeError(f"{error}, in {cut!r:.60}", row=row + 1) from error
        except (TypeError, ValueError) as error:
            raise InputTypeError(f"{error}, in {cut!r:.60}", row=row + 1) from error
        if kept.shape[1:] != shape:
            raise DataError(
                f"expected elements of shape {shape}, as in the first sequence, but here is "
                f"{kept.shape[1:]}",
                row=row + 1,
            )
        place = slice(width - size, width) if padding == "pre" else slice(0, size)
        padded[row, place] = kept
    return padded
