"""Files of a report: a page, a picture, or numbers, chosen by the suffix of the file name."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from munjang.errors import ConfigError
from munjang.folder.manifest import write_atomically


class HasJson(Protocol):
    """What can be written as numbers."""

    def to_json(self) -> Any:
        """Return plain JSON values."""


Shown = TypeVar("Shown", bound=HasJson)


@dataclass(frozen=True)
class Formats(Generic[Shown]):
    """Functions that render something, by the suffix of the file name; JSON is always one.

    Attributes:
        drawn: by suffix, such as ".html".
    """

    drawn: Mapping[str, Callable[[Shown], str]]

    def writer_for(self, path: Path) -> Callable[[Shown], str]:
        """Return the function that renders for a file of that name.

        Raises:
            ConfigError: the name has none of the suffixes.
        """
        writers = {**self.drawn, ".json": _to_json}
        writer = writers.get(path.suffix.lower())
        if writer is None:
            known = ", ".join(writers)
            raise ConfigError(f"{path}: expected a file name that ends in one of {known}")
        return writer

    def write(self, shown: Shown, path: str | Path) -> Path:
        """Write a file atomically.

        Raises:
            ConfigError: the file name has none of the suffixes.
            OSError: the file cannot be written.
        """
        path = Path(path)
        write_atomically(path, self.writer_for(path)(shown))
        return path


def _to_json(shown: HasJson) -> str:
    return json.dumps(shown.to_json(), ensure_ascii=False) + "\n"
