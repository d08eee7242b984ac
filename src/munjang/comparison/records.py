"""Reading the JSON files of a comparison: whole and of the right kind, or one line says why.

Whatever stands in such a file was written by a comparison; if it does not look so, it was damaged
or altered since, and nothing in it is guessed.
"""

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from munjang.errors import FolderError

# The longest are answers to a large test part.
_MOST_BYTES = 256_000_000
_DEEPEST_ERRORS = (ValueError, RecursionError)  # of json: damage, and endless brackets

Check = Callable[[Any], bool]


def is_number(value: Any) -> bool:
    """Whether it is a number, and a finite one."""
    return type(value) in (int, float) and math.isfinite(value)


def is_count(value: Any) -> bool:
    """Whether it is a whole number from 0 up."""
    return type(value) is int and 0 <= value < 2**63


def or_none(check: Check) -> Check:
    """Takes None as well."""
    return lambda value: value is None or check(value)


def _is_size(value: Any) -> bool:
    return is_number(value) and value >= 0


def _is_latency(value: Any) -> bool:
    return isinstance(value, dict) and all(_is_size(value.get(key)) for key in ("p50", "p99"))


def _is_history(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(point, dict)
        and _is_size(point.get("seconds"))
        and all(one is None or isinstance(one, bool) or is_number(one) for one in point.values())
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
# Versions that wrote none of them did not measure it.
_LATER: dict[str, Check] = {
    "passes": or_none(_is_size),
    "processor_share": or_none(_is_size),
}


def read_run(path: Path) -> dict[str, Any]:
    """The record of a run.

    Raises:
        FolderError: the file holds none.
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
    """The first key whose value no run writes."""
    if record.get("status") == "failed":
        return None if isinstance(record.get("reason"), str) else "reason"
    if record.get("status") != "done":
        return "status"
    for key, check in _DONE.items():
        if not check(record.get(key)):
            return key
    return next((key for key, check in _LATER.items() if not check(record.get(key))), None)


def read_object(path: Path, what: str, cure: str) -> dict[str, Any]:
    """The JSON object that a file holds.

    Raises:
        FolderError: it holds none.
    """
    found = read_json(path, what, cure)
    if not isinstance(found, dict):
        raise FolderError(f"{path}: expected the {what}, found {shown(found)}; {cure}")
    return found


def read_json(path: Path, what: str, cure: str) -> Any:
    """The JSON that a file holds, without numbers that are none.

    Args:
        path: of the file.
        what: it should be, in words.
        cure: what to do when it is not.

    Raises:
        FolderError: it is no ordinary file, too large, or damaged.
    """
    if not path.is_file():
        raise FolderError(f"{path}: expected the {what}, and this is no ordinary file; {cure}")
    size = path.stat().st_size
    if size > _MOST_BYTES:
        raise FolderError(f"{path}: {size:,} bytes are too many for the {what}; {cure}")
    try:
        return json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_number)
    except _DEEPEST_ERRORS as error:
        told = "it nests without end" if isinstance(error, RecursionError) else _first_line(error)
        raise FolderError(f"{path}: the {what} is damaged ({told}); {cure}") from None


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:120]


def shown(value: Any) -> str:
    """A value for a message, cut where it is long."""
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}..."
