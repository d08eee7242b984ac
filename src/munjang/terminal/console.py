"""Rich consoles that print texts literally."""

from typing import TYPE_CHECKING, Any

from munjang.terminal.wrapping import terminal_width

if TYPE_CHECKING:
    from rich.console import Console

# Width where there is no terminal: nothing is cut or wrapped.
PIPE_WIDTH = 10_000


def open_console(
    stream: Any, *, wide: bool = False, kind: "type[Console] | None" = None
) -> "Console":
    """Return a console that prints texts literally: no markup, emoji codes or highlighting.

    Args:
        stream: where it writes.
        wide: show all columns of tables, whatever the width of the terminal.
        kind: class of the console; that of Rich if omitted.
    """
    from rich.console import Console

    return (kind or Console)(
        file=stream,
        width=PIPE_WIDTH if wide else terminal_width(stream) or PIPE_WIDTH,
        markup=False,
        emoji=False,
        highlight=False,
    )
