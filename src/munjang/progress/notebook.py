"""A bar in a notebook: HTML that the kernel replaces as the work goes on.

Both Rich and tqdm need ipywidgets for a bar in a notebook. A display that is updated needs only
IPython, which every kernel has, and what is saved with the notebook is its last state.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from munjang.reporting import escape_line

# Styles stand at the elements, so that none reaches another cell.
_STYLE = "font-variant-numeric: tabular-nums; display: flex; flex-wrap: wrap; gap: 0 1em;"
_BAR_STYLE = "flex: 0 1 20em; align-self: center; accent-color: #0072b2;"


def find_notebook() -> Callable[..., Any] | None:
    """Return the function that displays a value in the notebook that runs this; None outside one.

    IPython is not imported: a notebook has done so. IPython on a terminal has no kernel.
    """
    ipython = sys.modules.get("IPython")
    get_shell = getattr(ipython, "get_ipython", None)
    if get_shell is None or getattr(get_shell(), "kernel", None) is None:
        return None
    from IPython.display import display

    show: Callable[..., Any] = display
    return show


@dataclass(frozen=True)
class _State:
    """The bar as HTML, and as a line for frontends that show text only."""

    html: str
    text: str

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return self.text


class NotebookBar:
    """A bar below the cell that runs.

    Args:
        display: IPython's `display`.
        is_transient: clear the bar at the end.
    """

    def __init__(self, display: Callable[..., Any], *, is_transient: bool = False) -> None:
        self._display = display
        self._is_transient = is_transient
        self._handle: Any = None
        self._state = _State("", "")

    def draw(self, done: int, total: int, parts: Mapping[str, str]) -> None:
        """Draw the bar and all parts beside it."""
        texts = [f"{done}/{total}", *(escape_line(text) for text in parts.values() if text)]
        bar = Markup('<progress value="{}" max="{}" style="{}"></progress>')
        spans = Markup("").join(Markup("<span>{}</span>").format(text) for text in texts)
        line = bar.format(done, max(total, 1), _BAR_STYLE) + spans
        self._state = _State(_in_line(line), "  ".join(texts))
        self._show(self._state)

    @contextmanager
    def stage(self, description: str) -> Iterator[None]:
        """Show a line in place of the bar while the block runs."""
        line = f"{escape_line(description)} …"
        self._show(_State(_in_line(line), line))
        try:
            yield
        finally:
            self._show(self._state)

    def close(self) -> None:
        """Leave the bar as it is, or clear it."""
        if self._is_transient and self._handle is not None:
            self._show(_State("", ""))

    def _show(self, state: _State) -> None:
        if self._handle is None:
            self._handle = self._display(state, display_id=True)
        else:
            self._handle.update(state)


def _in_line(content: str) -> str:
    """Return a line of a cell; a text that is no `Markup` is escaped."""
    return str(Markup('<div style="{}">{}</div>').format(_STYLE, content))
