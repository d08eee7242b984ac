"""`X` of an estimator, checked as scikit-learn's own estimators and checks expect."""

from typing import Any

import numpy as np
import polars as pl

from munjang.data.collection import collect_values
from munjang.data.columns import text_column
from munjang.errors import DataError

NO_ROWS = "Found array with 0 sample(s) while a minimum of 1 is required."


def read_texts(texts: Any) -> pl.Series:
    """Return a column of texts.

    Raises:
        DataError: it is not one column of strings, or it is empty.
    """
    if isinstance(texts, str | bytes):
        raise DataError("Iterable over raw text documents expected, string object received.")
    shape = getattr(texts, "shape", None)
    if shape is not None and len(shape) != 1:
        raise DataError(
            f"expected one column of texts, a 1D array-like of strings, got the shape {shape}; "
            "choose one column, as in X['text']"
        )
    if not hasattr(texts, "__iter__"):
        raise DataError(f"expected a column of texts, got {type(texts).__name__}")
    column = text_column(texts)
    if not len(column):
        raise DataError(NO_ROWS)
    return column


def read_images(images: Any) -> list[Any]:
    """Return a list of images: paths, arrays of pixels or images of Pillow.

    Raises:
        DataError: it is one image alone, an array of another shape, or empty.
    """
    shape = getattr(images, "shape", None)
    if shape is not None and not (
        len(shape) == 3 or (len(shape) == 4 and shape[3] in (3, 4)) or len(shape) == 1
    ):
        flat = "; give each image its sides back, as in X.reshape(-1, 8, 8)"
        raise DataError(
            "expected images: paths, or uint8 [rows, height, width] or [rows, height, width, 3], "
            f"got the shape {tuple(shape)}{flat if len(shape) == 2 else ''}"
        )
    if isinstance(images, str | bytes) or not hasattr(images, "__iter__"):
        raise DataError(
            f"expected several images, got {type(images).__name__}; give one alone as [image]"
        )
    is_array = isinstance(images, np.ndarray)
    rows = list(images) if is_array else collect_values(images, "image", nested=True)
    if not rows:
        raise DataError(NO_ROWS)
    return rows
