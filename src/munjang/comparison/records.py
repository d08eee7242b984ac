"""Read and validate the record of a run, `run.json`."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from munjang.errors import FolderError
from munjang.json_files import read_object, shown

Check = Callable[[Any], bool]


def is_number(value: Any) -> bool:
    """Return whether a value is a finite number."""
    return type(value) in (int, float) and math.isfinite(value)


def is_count(value: Any) -> bool:
    """Return whether a value is a whole number of 0 or more."""
    return type(value) is int and 0 <= value < 2**63


def or_none(check: Check) -> Check:
    """Return the check that accepts None as well."""
    return lambda value: value is None or check(value)


def _is_size(value: Any) -> bool:
    return is_number(value) and value >= 0


def _is_latency(value: Any) -> bool:
    return isinstance(value, dict) and all(_is_size(value.get(key)) for key in ("p50", "p99"))


def _is_history(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(point, dict)
        and _is_size(point.get("seconds"))
        and all(
            value is None or isinstance(value, bool) or is_number(value) for value in point.values()
        )
        for point in value
    )


def _is_judged(value: Any) -> bool:
    return isinstance(value, dict) and all(map(is_number, value.values()))


_DONE: dict[str, Check] = {
    "parameters": is_count,
    "folder_bytes": is_count,
    "memory_bytes": is_count,
    "seconds": _is_size,
    "tokens_per_second": or_none(_is_size),
    "steps": or_none(is_count),
    "latency": _is_latency,
    "history": _is_history,
    "judged": _is_judged,
}
# Records of earlier versions lack these.
_LATER: dict[str, Check] = {
    "epochs": or_none(_is_size),
    "processor_share": or_none(_is_size),
    "machine": or_none(lambda value: isinstance(value, str)),
}


def read_run(path: Path) -> dict[str, Any]:
    """Read the record of a run.

    Raises:
        FolderError: The file is not one.
    """
    cure = "remove this file, and --resume runs it again"
    record = read_object(path, "record of a run", cure)
    wrong = _wrong(record)
    if wrong is not None:
        raise FolderError(
            f"{path}: this is no record of a run: {wrong} is {shown(record.get(wrong))}; {cure}"
        )
    return record


def _wrong(record: Mapping[str, Any]) -> str | None:
    """Return the first key whose value no run writes."""
    if record.get("status") == "failed":
        return None if isinstance(record.get("reason"), str) else "reason"
    if record.get("status") != "done":
        return "status"
    for key, check in _DONE.items():
        if not check(record.get(key)):
            return key
    return next((key for key, check in _LATER.items() if not check(record.get(key))), None)
