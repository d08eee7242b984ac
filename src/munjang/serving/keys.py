"""The key of a server."""

from pathlib import Path

from munjang.errors import ConfigError

_SHORTEST, _LONGEST = 16, 1024


def read_key(path: str | Path) -> bytes:
    """Return the key in a file: its only line.

    Raises:
        ConfigError: the file cannot be read, or holds no usable key.
    """
    try:
        key = Path(path).read_bytes().strip()
    except OSError as error:
        raise ConfigError(f"--api-key-file: {path}: {error.strerror}") from None
    if not _SHORTEST <= len(key) <= _LONGEST or not key.isascii() or len(key.split()) != 1:
        raise ConfigError(
            f"--api-key-file: {path}: expected one line of {_SHORTEST} to {_LONGEST} ASCII "
            f"characters without spaces, got {len(key)} bytes"
        )
    return key
