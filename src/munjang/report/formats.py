"""Files of a report: a page, a picture, or numbers, chosen by the suffix of the file name."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from munjang.errors import ConfigError
from munjang.folder.manifest import require_writable, write_whole
from munjang.report.png import require_resvg, to_png


class HasJson(Protocol):
    """A result that can be written as numbers."""

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
        suffix = path.suffix.lower()
        if suffix not in self.suffixes:
            raise refuse_suffix(path, self.suffixes)
        if suffix == ".png":
            require_resvg(path)
            return self._to_png
        return self.drawn.get(suffix, _to_json)

    def check(self, path: str | Path) -> None:
        """Refuse a file that cannot be written, before anything is computed for it.

        Raises:
            ConfigError: as `writer_for`.
            OSError: its folder is missing or read-only.
        """
        self.writer_for(Path(path))
        require_writable(Path(path))

    @property
    def suffixes(self) -> tuple[str, ...]:
        """All suffixes, pages and pictures first."""
        png = (".png",) if ".svg" in self.drawn else ()
        return (*self.drawn, *png, ".json")

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


def refuse_suffix(path: Path, suffixes: Iterable[str]) -> ConfigError:
    """Return the error on a file name whose suffix is none of these."""
    known = ", ".join(suffixes)
    return ConfigError(f"{path}: expected a file name that ends in one of {known}")


def _to_json(shown: HasJson) -> str:
    return json.dumps(shown.to_json(), ensure_ascii=False) + "\n"
