"""Fingerprint of a run: tells whether a checkpoint belongs to the data and settings at hand.

It is JSON text, so that the message of a mismatch can name what changed.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from munjang import __version__
from munjang.training.settings import CHANGEABLE_ON_RESUME

_VERSION, _SETTINGS, _DATA = "munjang", "settings", "data"


def compute_fingerprint(recipe: Mapping[str, Any], data: Mapping[str, Iterable[Any]]) -> str:
    """Return package version, settings and a hash of the data, as JSON.

    Settings that a resumed run may change (`CHANGEABLE_ON_RESUME`) are left out.

    Args:
        recipe: settings as plain values.
        data: arrays, or JSON values, by a name for messages.
    """
    training = {k: v for k, v in recipe["training"].items() if k not in CHANGEABLE_ON_RESUME}
    return json.dumps(
        {
            _VERSION: __version__,
            _SETTINGS: _flatten({**recipe, "training": training}),
            _DATA: {name: _hash(values) for name, values in data.items()},
        },
        ensure_ascii=False,
    )


def describe_change(before: str, now: str) -> str:
    """Return the first difference of two fingerprints in words; "" if it cannot be determined."""
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
        values = (json.dumps(side[_SETTINGS].get(key), ensure_ascii=False) for side in (old, new))
        was, is_now = (value if len(value) < 60 else f"{value[:57]}..." for value in values)
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""
    return f"{key} was {was} and is {is_now}"


def _first_change(before: Mapping[str, Any], now: Mapping[str, Any]) -> str | None:
    keys = dict.fromkeys((*before, *now))
    return next((key for key in keys if before.get(key) != now.get(key)), None)


def _flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return settings by their full keys."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            flat |= _flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _hash(values: Iterable[Any]) -> str:
    digest = hashlib.sha256()
    for value in values:
        if isinstance(value, np.ndarray):
            buffer = np.ascontiguousarray(value)
            digest.update(f"{buffer.dtype}{buffer.shape}".encode())
            digest.update(
                buffer.reshape(-1).view(np.uint8).data
            )  # targets may be a large mapped file
        else:
            digest.update(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()
