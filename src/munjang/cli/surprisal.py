"""The surprisal of a text on the terminal: the text in shades, and its most surprising words."""

import math
from typing import TYPE_CHECKING

from munjang.cli.output import make_console, show
from munjang.cli.tables import make_table, text_column
from munjang.reporting import pluralize

if TYPE_CHECKING:
    from rich.text import Text

    from munjang.explain.surprisal import Surprisal

# Words, and pieces of a word, that the table has.
_WORDS, _PIECES = 10, 12
# Weaker shades are left out: most of a text keeps the colors of the terminal.
_WEAKEST = 0.1
_LEGEND = (2, 4, 6, 8, 10)


def show_surprisal(surprisal: "Surprisal", *, wide: bool) -> None:
    """Show a text in shades, its bits in total, and the words that the model expected least."""
    from munjang.report.visible import visible

    screen = make_console(wide=wide)
    # a pipe is never wrapped
    screen.print(_shaded(surprisal), soft_wrap=not screen.is_terminal)
    bits = surprisal.nats / math.log(2)
    count = len(surprisal.characters)
    show(
        f"\n{bits:.1f} bits in {pluralize(count, 'character')}: "
        f"{bits / max(1, count):.2f} bits per character\n"
    )
    if screen.is_terminal:
        screen.print(_legend())
        show("")
    table = make_table("most surprising words", "bits", text_column("bits of each piece"))
    for word, nats, pieces in surprisal.surprising_words(_WORDS):
        parts = [f"{visible(part)} {value / math.log(2):.1f}" for part, value in pieces[:_PIECES]]
        more = ["…"] if len(pieces) > _PIECES else []
        table.add_row(visible(word), f"{nats / math.log(2):.1f}", "   ".join(parts + more))
    screen.print(table)


def _shaded(surprisal: "Surprisal") -> "Text":
    """Return the text with the shade of each piece behind it."""
    from rich.text import Text

    from munjang.report.surprisal_shades import shown_parts

    text = Text()
    for part in shown_parts(surprisal):
        text.append(part.text, _style(part.shade))
    return text


def _legend() -> "Text":
    from rich.text import Text

    from munjang.report.surprisal_shades import shade_of_bits

    text = Text("bits: ")
    for bits in _LEGEND:
        end = " or more" if bits == _LEGEND[-1] else ""
        text.append(f" {bits}{end} ", _style(shade_of_bits(bits)))
    return text


def _style(shade: float) -> str:
    """Return a style of Rich: letters and ground, so that both are legible on any terminal."""
    from munjang.report.shades import LIGHT, STRONG

    if shade < _WEAKEST:
        return ""
    ink = LIGHT.on_full if shade >= STRONG else LIGHT.ink
    return f"{ink} on {LIGHT.blend(shade)}"
