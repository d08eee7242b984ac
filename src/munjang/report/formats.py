"""Files of a report: a page, a picture, or numbers, chosen by the suffix of the file name."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from munjang.errors import ConfigError
from munjang.folder.manifest import write_whole
from munjang.report.png import require_resvg, to_png


class HasJson(Protocol):
    """What can be written as numbers."""

    def to_json(self) -> Any:
        """Return plain JSON values."""


Shown = TypeVar("Shown", bound=HasJson)


@dataclass(frozen=True)
class Formats(Generic[Shown]):
    """Functions that render something, by the suffix of the file name; JSON is always one.

    What has a picture (.svg) has it as .png, too.

    Attributes:
        drawn: by suffix, such as ".html".
    """

    drawn: Mapping[str, Callable[[Shown], str]]

    def writer_for(self, path: Path) -> Callable[[Shown], str | bytes]:
        """Return the function that renders for a file of that name.

        Raises:
            ConfigError: the name has none of the suffixes, or it is PNG and resvg is not installed.
        """
        writers: dict[str, Callable[[Shown], str | bytes]] = {**self.drawn}
        if ".svg" in self.drawn:
            writers[".png"] = self._to_png
        writers[".json"] = _to_json
        suffix = path.suffix.lower()
        if suffix not in writers:
            known = ", ".join(writers)
            raise ConfigError(f"{path}: expected a file name that ends in one of {known}")
        if suffix == ".png":
            require_resvg(path)
        return writers[suffix]

    def write(self, shown: Shown, path: str | Path) -> Path:
        """Write a file atomically.

        Raises:
            ConfigError: as `writer_for`.
            OSError: the file cannot be written.
        """
        path = Path(path)
        content = self.writer_for(path)(shown)
        with write_whole(path) as partial:
            partial.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def _to_png(self, shown: Shown) -> bytes:
        return to_png(self.drawn[".svg"](shown))


def _to_json(shown: HasJson) -> str:
    return json.dumps(shown.to_json(), ensure_ascii=False) + "\n"
