"""Keras as a reference, and a way to send small texts through the path for columns."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

os.environ.setdefault("KERAS_BACKEND", "torch")

from keras.src.legacy.preprocessing import text as legacy
from keras.utils import pad_sequences

from munjang.text.keras import rules

__all__ = ["force_path", "legacy", "pad_sequences"]


@contextmanager
def force_path(columns: bool) -> Iterator[None]:
    """Take the path of columns for texts of any size, or never."""
    before = rules._FEW_CHARACTERS
    rules._FEW_CHARACTERS = 0 if columns else 1 << 60
    try:
        yield
    finally:
        rules._FEW_CHARACTERS = before
