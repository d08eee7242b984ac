"""Errors of users: one line with what was expected, what was given, where, and what to do.

Every mistake of a user raises a `MunjangError`. Python callers catch it; the command line
prints its text in one line and exits with 2, without a traceback.
"""


class MunjangError(ValueError):
    """A mistake of the user; `str(error)` is one complete line."""


class ConfigError(MunjangError):
    """A setting that does not exist, or a value that it cannot take."""


class DataError(MunjangError):
    """A file or a row that cannot be used.

    Args:
        message: what was expected, what was given, and what to do.
        file: name of the file, if any.
        row: the 1-based line (CSV, TSV, JSON Lines, text) or row (Parquet) in that file.
    """

    def __init__(self, message: str, *, file: str | None = None, row: int | None = None) -> None:
        self.file = file
        self.row = row
        place = ", ".join(p for p in (file, None if row is None else f"row {row}") if p)
        super().__init__(f"{place}: {message}" if place else message)


class FolderError(MunjangError):
    """A model folder that is missing, half-written, altered, or of another format."""


class NotFittedError(MunjangError):
    """A use before fitting: call `fit` or load a folder first."""
