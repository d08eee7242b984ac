"""Document-term matrices: Keras' `sequences_to_matrix`, computed for whole columns."""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, Literal, cast, get_args

import numpy as np
import numpy.typing as npt

from munjang.errors import ConfigError, DataError
from munjang.text.columns import Int64s, TokenColumn, values_and_offsets
from munjang.text.segmentation.codepoints import bounds_of

Mode = Literal["binary", "count", "tfidf", "freq"]


def check_mode(mode: str) -> Mode:
    """Return `mode` if it is one of binary, count, tfidf and freq.

    Raises:
        ConfigError: it is another one.
    """
    if mode not in get_args(Mode):
        raise ConfigError(f"unknown mode {mode!r}; expected one of {', '.join(get_args(Mode))}")
    return cast(Mode, mode)


def flatten(sequences: Sequence[Sequence[int]] | TokenColumn) -> tuple[Int64s, Int64s]:
    """Return the ids [tokens] and row offsets [rows + 1] of lists of ids or a token column."""
    if hasattr(sequences, "to_pylist"):
        values, offsets = values_and_offsets(sequences)
        return values.astype(np.int64), offsets
    rows = sequences if hasattr(sequences, "__len__") else list(sequences)
    lengths = np.fromiter(map(len, rows), dtype=np.int64, count=len(rows))
    values = np.array(list(chain.from_iterable(rows)))
    if not len(values):
        values = values.astype(np.int64)
    if values.dtype.kind not in "biu" or values.ndim != 1:
        raise DataError(
            "expected sequences of ids (whole numbers), as texts_to_sequences gives them; "
            f"these hold {values.dtype} values"
        )
    return values.astype(np.int64), bounds_of(lengths)


def matrix_of(
    values: Int64s,
    offsets: Int64s,
    *,
    columns: int,
    mode: Mode,
    document_count: int = 0,
    index_docs: Mapping[int, int] | None = None,
) -> npt.NDArray[np.float64]:
    """Build a document-term matrix.

    Args:
        values: ids [tokens]; ids from `columns` on are left out.
        offsets: row `i` holds `values[offsets[i]:offsets[i + 1]]` [rows + 1].
        columns: width of the result.
        mode: binary: 1 for each id of the row. count: its count. freq: its share of the ids of
            the row, those left out included. tfidf: (1 + ln count) * ln(1 + N / (1 + documents)),
            the second weighting scheme of https://en.wikipedia.org/wiki/Tf-idf.
        document_count: N, the number of fitted texts.
        index_docs: the number of them that hold each id.

    Returns:
        Matrix [rows, columns].
    """
    if len(values) and values.min() < 0:
        raise DataError(f"an id cannot be negative; these sequences hold {values.min()}")
    lengths = np.diff(offsets)
    rows = np.repeat(np.arange(len(lengths)), lengths)
    kept = values < columns
    cells, counts = np.unique(rows[kept] * columns + values[kept], return_counts=True)
    matrix = np.zeros((len(lengths), columns))
    if mode == "count":
        weights: Any = counts
    elif mode == "freq":
        weights = counts / lengths[cells // columns]
    elif mode == "tfidf":
        weights = (1 + np.log(counts)) * _idf(cells % columns, document_count, index_docs or {})
    else:
        weights = 1
    matrix.reshape(-1)[cells] = weights
    return matrix


def _idf(ids: Int64s, document_count: int, index_docs: Mapping[int, int]) -> Any:
    distinct, places = np.unique(ids, return_inverse=True)
    documents = np.array([index_docs.get(i, 0) for i in distinct.tolist()], dtype=np.float64)
    return np.log(1 + document_count / (1 + documents))[places]
