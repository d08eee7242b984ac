"""Reading JSON that this program wrote: whole, or one line names the file and says why not.

Whatever stands in such a file was written by us; if it does not look so, it was damaged or altered
since, and nothing in it is guessed.
"""

from pathlib import Path
from typing import Any

from munjang.errors import FolderError
from munjang.parsing import UnreadableError, parse_json

# The longest are a comparison's answers to a large test part.
_MOST_BYTES = 256_000_000


def read_object(path: Path, what: str, cure: str) -> dict[str, Any]:
    """Read the JSON object of a file.

    Raises:
        FolderError: it holds none.
    """
    found = read_json(path, what, cure)
    if not isinstance(found, dict):
        raise FolderError(f"{path}: expected the {what}, found {shown(found)}; {cure}")
    return found


def read_json(path: Path, what: str, cure: str) -> Any:
    """Read the JSON of a file, without NaN and infinity.

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
        most = _MOST_BYTES
        return parse_json(
            path.read_bytes(), most_bytes=most, most_values=most, most_lists=most, most_strings=most
        )
    except UnreadableError as error:
        told = str(error).splitlines()[0][:120]
        raise FolderError(f"{path}: the {what} is damaged ({told}); {cure}") from None


def shown(value: Any) -> str:
    """Return a value as a message quotes it, shortened."""
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}..."
