"""Messages between the process of the command and its workers: one JSON object per line."""

import json
import os
from typing import Any, BinaryIO

from munjang.errors import ConfigError, DataError, FolderError, MunjangError

Message = dict[str, Any]

# Keys of messages of a worker; each message has one of them.
READY, NOTE, BEGIN, ROWS, PART, DONE, ERROR, BUG = (
    "ready",  # the model is loaded
    "note",  # a line for people
    "begin",  # a part is begun: its number
    "written",  # a number of rows was written to a part
    "part",  # a part is done: its number, its record, and the memory of the process
    "done",  # a stripe is done: the number of parts of the file
    "error",  # a mistake of the user, or of the system
    "bug",  # a traceback
)
_ERRORS = {kind.__name__: kind for kind in (ConfigError, DataError, FolderError)}


def write_message(stream: BinaryIO, message: Message) -> None:
    """Write one message and flush."""
    stream.write(json.dumps(message).encode() + b"\n")
    stream.flush()


def read_message(stream: BinaryIO) -> Message | None:
    """Read the next message; None at the end, also if the writer was killed amid a message."""
    line = stream.readline()
    if not line.endswith(b"\n"):
        return None
    message: Message = json.loads(line)
    return message


def describe_error(error: MunjangError | OSError) -> Message:
    """Return an error as a message."""
    if isinstance(error, OSError):
        return {ERROR: "OSError", "number": error.errno, "file": error.filename}
    place = {"file": getattr(error, "file", None), "row": getattr(error, "row", None)}
    return {ERROR: type(error).__name__, "text": str(error), **place}


def make_error(message: Message) -> Exception:
    """Return the error of a message."""
    if message[ERROR] == "OSError":
        number = message["number"] or 0
        return OSError(number, os.strerror(number), message["file"])
    error = _ERRORS.get(message[ERROR], MunjangError)(message["text"])
    if isinstance(error, DataError):
        error.file, error.row = message["file"], message["row"]
    return error
