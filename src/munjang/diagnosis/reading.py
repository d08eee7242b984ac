"""Models and settings of reading, as the functions of a diagnosis take them."""

from pathlib import Path
from typing import Any

from munjang.errors import ConfigError
from munjang.folder.load import load
from munjang.model import Model


def require_model(model: Any) -> Model:
    """Return a model, loaded if a folder is given.

    Raises:
        ConfigError: it is a baseline.
        FolderError: there is no complete model in the folder.
    """
    known = load(model) if isinstance(model, str | Path) else model
    if not isinstance(known, Model):
        name = str(getattr(known, "name", type(known).__name__))
        raise ConfigError(f"expected a trained model, got the baseline {name[:80]}")
    return known


def reading_settings(
    text_column: str | None,
    label_column: str | None,
    first_column: str | None,
    second_column: str | None,
    encoding: str | None,
    skip_bad_rows: bool,
) -> dict[str, Any]:
    """Return the settings of the section `data` that are given."""
    named = {
        "text_column": text_column,
        "label_column": label_column,
        "first_column": first_column,
        "second_column": second_column,
        "encoding": encoding,
        "skip_bad_rows": skip_bad_rows,
    }
    return {key: value for key, value in named.items() if value}
