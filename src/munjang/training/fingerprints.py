"""A fingerprint of a run: by it a checkpoint knows the data and the settings that it belongs to.

JSON text, so that a checkpoint of another run can say what is another there.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from munjang import __version__
from munjang.training.settings import HOW_IT_IS_RUN

_VERSION, _SETTINGS, _DATA = "munjang", "settings", "data"


def fingerprint(recipe: Mapping[str, Any], data: Mapping[str, Iterable[Any]]) -> str:
    """The version of the package, every setting but for how it is run, and a hash of all data.

    Args:
        recipe: as plain values.
        data: by what people call it, arrays, or values that JSON knows.
    """
    ran = {key: value for key, value in recipe["training"].items() if key not in HOW_IT_IS_RUN}
    return json.dumps(
        {
            _VERSION: __version__,
            _SETTINGS: _flat({**recipe, "training": ran}),
            _DATA: {name: _hash(values) for name, values in data.items()},
        },
        ensure_ascii=False,
    )


def what_changed(before: str, now: str) -> str:
    """In words, in what two fingerprints differ first; nothing where that cannot be told."""
    try:
        old, new = json.loads(before), json.loads(now)
        if old[_VERSION] != new[_VERSION]:
            return f"version {old[_VERSION]} of munjang, and this is {new[_VERSION]}"
        changed = _first_change(old[_DATA], new[_DATA])
        if changed is not None:
            return f"the {changed} changed"
        key = _first_change(old[_SETTINGS], new[_SETTINGS])
        if key is None:
            return ""
        values = (json.dumps(one[_SETTINGS].get(key), ensure_ascii=False) for one in (old, new))
        was, is_now = (value if len(value) < 60 else f"{value[:57]}..." for value in values)
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""
    return f"{key} was {was} and is {is_now}"


def _first_change(before: Mapping[str, Any], now: Mapping[str, Any]) -> str | None:
    keys = dict.fromkeys((*before, *now))
    return next((key for key in keys if before.get(key) != now.get(key)), None)


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Settings by their full keys."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            found |= _flat(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = value
    return found


def _hash(values: Iterable[Any]) -> str:
    digest = hashlib.sha256()
    for value in values:
        if isinstance(value, np.ndarray):
            buffer = np.ascontiguousarray(value)
            digest.update(f"{buffer.dtype}{buffer.shape}".encode())
            digest.update(buffer.tobytes())
        else:
            digest.update(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()
