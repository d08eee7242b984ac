"""Gates over one text as a page, a picture or numbers."""

from markupsafe import Markup

from munjang.explain.gates import Gate, Gates
from munjang.report.formats import Formats
from munjang.report.grid_svg import GridRow, draw_grid
from munjang.report.html import element, render, table
from munjang.report.inside_page import view_page
from munjang.report.visible import visible

ARROWS = {"left to right": "→", "right to left": "←"}


def name_gate(gate: Gate, gates: Gates) -> str:
    """Return the name of a gate, with layer and direction where there are several."""
    layer = f"layer {gate.layer} " if any(other.layer for other in gates.gates) else ""
    has_two = len({other.direction for other in gates.gates}) > 1
    return f"{layer}{gate.name}" + (f" {ARROWS[gate.direction]}" if has_two else "")


def draw_gates_svg(gates: Gates) -> Markup:
    """Return the picture: per gate its mean, and the units that vary most over the text."""
    rows = []
    for gate in gates.gates:
        heading = name_gate(gate, gates)
        rows.append(GridRow("mean", gate.mean.tolist(), heading, is_name=True))
        for unit in gate.varying_units():
            rows.append(GridRow(f"unit {unit}", gate.values[:, unit].tolist(), is_name=True))
    return draw_grid("Gates over the tokens of a text", gates.tokens.labels, rows)


def gates_fragment(gates: Gates) -> Markup:
    """Return the part of a page: picture, and table of means."""
    means = [gate.mean.tolist() for gate in gates.gates]
    rows = [
        [element("td", visible(token), class_="label"), *(f"{mean[n]:.2f}" for mean in means)]
        for n, token in enumerate(gates.tokens.labels)
    ]
    cut = " The text was cut." if gates.tokens.truncated else ""
    return render(
        "gates.jinja",
        heading=f"Gates of the {gates.cell}",
        caption="A gate is a number from 0 (shut, no shade) to 1 (open, the full color) per unit "
        "and token: its mean over all units, and the units that vary most over the text. A layer "
        f"that reads from right to left is marked by ←.{cut}",
        picture=draw_gates_svg(gates),
        table=table(["token", *(name_gate(gate, gates) for gate in gates.gates)], rows),
    )


def draw_gates_page(gates: Gates) -> Markup:
    """Return the page."""
    return view_page("Gates", gates_fragment(gates))


GATES = Formats[Gates]({".html": draw_gates_page, ".svg": draw_gates_svg})
