"""Preparation of a training on what is checked."""

from collections.abc import Mapping
from typing import Any

from munjang.errors import DataError
from munjang.preparation import Prepared, prepare_rows
from munjang.pretrained.sources import PretrainedSource


def prepare_or_note(
    rows: Any, given: Mapping[str, Any], source: PretrainedSource | None, notes: list[str]
) -> Prepared | None:
    """Prepare a training; None, with a note, if it would refuse the text."""
    try:
        return prepare_rows(rows, given, source, notes.append)
    except DataError as error:
        notes.append(f"a training would refuse this data: {error}")
        return None
