"""A cell of a notebook without a kernel."""

from typing import Any


class Cell:
    """A cell of a notebook: what IPython's `display` and its handle are called with."""

    def __init__(self) -> None:
        self.shown: list[Any] = []

    def display(self, state: Any, *, display_id: bool) -> "Cell":
        assert display_id
        assert not self.shown, "the bar is displayed once, and then updated"
        self.shown.append(state)
        return self

    def update(self, state: Any) -> None:
        self.shown.append(state)
