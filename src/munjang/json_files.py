"""Reader of JSON files that this program wrote.

Other content means that a file was damaged or altered, which raises an error of one line.
"""

from pathlib import Path
from typing import Any

from munjang.errors import FolderError
from munjang.parsing import UnreadableError, parse_json

# The longest hold the answers of a comparison to a large test part.
_MOST_BYTES = 256_000_000


def read_object(path: Path, what: str, cure: str) -> dict[str, Any]:
    """Read the JSON object of a file.

    Raises:
        FolderError: the file holds no JSON object.
    """
    values = read_json(path, what, cure)
    if not isinstance(values, dict):
        raise FolderError(f"{path}: expected the {what}, found {shown(values)}; {cure}")
    return values


def read_json(path: Path, what: str, cure: str) -> Any:
    """Read the JSON of a file, without NaN and infinity.

    Args:
        path: path of the file.
        what: description of the file for messages.
        cure: advice for messages if it is damaged.

    Raises:
        FolderError: the file is not a regular file, too large, or damaged.
    """
    if not path.is_file():
        raise FolderError(f"{path}: expected the {what}, and this is no ordinary file; {cure}")
    size = path.stat().st_size
    if size > _MOST_BYTES:
        raise FolderError(f"{path}: {size:,} bytes are too many for the {what}; {cure}")
    try:
        most = _MOST_BYTES
        return parse_json(
            path.read_bytes(), most_bytes=most, most_values=most, most_lists=most, most_strings=most
        )
    except UnreadableError as error:
        reason = str(error).splitlines()[0][:120]
        raise FolderError(f"{path}: the {what} is damaged ({reason}); {cure}") from None


def shown(value: Any) -> str:
    """Return a value as a message quotes it, shortened."""
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}..."
