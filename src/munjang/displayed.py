"""Results that show themselves: a line at a prompt, HTML in a notebook, a picture for a paper.

A result stands below the code that draws it. So its class names the place of its drawings, a
`munjang.report.formats.Formats`, which is imported on first use, as in the registries:

    @dataclass(frozen=True, repr=False)
    class Weights(Drawn):
        drawings = "munjang.report.weights:WEIGHTS"

        def summary(self) -> str:
            return f"weights of {len(self.tokens)} tokens"
"""

from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

from munjang.reporting import escape_line

# A longer one is cut: it may hold a name from the data.
_LONGEST = 400


class Displayed:
    """Mixin of a result with a short `repr`, and with HTML in a notebook.

    A dataclass that has it is made with `repr=False`, or else writes a `repr` of its own.

    Attributes:
        drawings: place of its `Formats`, as "module:name"; the notebook shows its page.
    """

    drawings: ClassVar[str]

    def summary(self) -> str:
        """Return what stands in the parentheses of `repr`: what it is, in a few words."""
        raise NotImplementedError

    def __repr__(self) -> str:
        line = escape_line(f"{type(self).__name__}({self.summary()})")
        return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…)"

    def _repr_html_(self) -> str:
        draw_in_notebook = _find("munjang.report.notebook:draw_in_notebook")
        fragment: str = draw_in_notebook(_find(self.drawings), self)
        return fragment


class Drawn(Displayed):
    """Mixin of a result that is also a picture."""

    def to_svg(self) -> str:
        """Return the picture as SVG."""
        return str(_find(self.drawings).drawn[".svg"](self))

    def save(self, path: str | Path) -> Path:
        """Write a file atomically, in the format of its suffix: .svg, .png, .html or .json.

        PNG needs the extra `png`.

        Raises:
            ConfigError: the file name has none of the suffixes, or resvg is not installed.
            OSError: the file cannot be written.
        """
        written: Path = _find(self.drawings).write(self, path)
        return written


def _find(place: str) -> Any:
    """Import and return an object, given as "module:name"."""
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)
