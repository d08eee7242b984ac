"""Results of `munjang inspect` and of views of one text on the terminal."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from munjang.cli.output import make_console, show

if TYPE_CHECKING:
    from munjang.explain.connectivity import Connectivity
    from munjang.explain.filters import Filters
    from munjang.explain.gates import Gates
    from munjang.explain.memory import Memory
    from munjang.explain.text_filters import TextFilters
    from munjang.explain.units import Unit, Units

# Filters and n-grams of each, and places of a unit, that the terminal shows.
_FILTERS, _NGRAMS, _NEGATIVES, _PLACES = 12, 3, 1, 5
_SOURCES = 3


def show_memory(memory: "Memory", *, wide: bool) -> None:
    """Show half-lives, and the norms at some distances."""
    from munjang.cli.fitting import Column
    from munjang.cli.tables import label_text, make_table
    from munjang.report.memory import format_half_life

    table = make_table(
        "model",
        "training",
        "half-life",
        Column("quarter", rank=1),
        Column("median", rank=1),
        Column("three quarters", rank=1),
        *(Column(f"{distance} back", rank=2) for distance in _distances(memory)),
    )
    for curve in memory.curves:
        relative = curve.relative
        table.add_row(
            label_text(curve.name),
            curve.moment,
            format_half_life(curve.half_life),
            *(f"{value:.1f}" for value in curve.half_life.quartiles),
            *(f"{relative[d]:.2g}" if d < len(relative) else "" for d in _distances(memory)),
        )
    make_console(wide=wide).print(table)
    show("\nhalf-life: tokens within which half of all that reaches the " + memory.of + " lies")
    show("quarter, median, three quarters: of single texts; N back: norm of the gradient, 1 at 1")


def _distances(memory: "Memory") -> list[int]:
    longest = max(len(curve.norms) for curve in memory.curves) - 1
    return [distance for distance in (1, 2, 5, 10, 20, 50, 100) if distance <= longest]


def show_units(units: "Units", *, wide: bool) -> None:
    """Show each unit with its classes and its highest places."""
    for number, unit in enumerate(units.units):
        if number:
            show("")
        _show_unit(unit, units, wide=wide)


def _show_unit(unit: "Unit", units: "Units", *, wide: bool) -> None:
    from munjang.cli.tables import label_text, make_table, text_column
    from munjang.report.units import origin_of
    from munjang.report.visible import visible, visible_text

    show(f"unit {unit.number} of {units.width}")
    if unit.separation is not None:
        shares = ", ".join(
            f"{label_text(label)} {count:,}"
            for label, count in zip(units.labels, unit.counts, strict=True)
        )
        show(
            f"{unit.separation:.1%} of its variance between classes; "
            f"classes of the {units.counted:,} highest texts: {shares}"
        )
    heads = ["class"] if unit.separation is not None else []
    table = make_table("place", "value", *map(text_column, [*heads, "text around it"]))
    for place in unit.places[:_PLACES]:
        around = (
            f"{visible_text(place.before)} [{visible(place.token)}] {visible_text(place.after)}"
        )
        labels = [label_text(place.label)] if heads and place.label is not None else []
        text = label_text(around.replace("\n", "⏎").strip())
        table.add_row(origin_of(place), f"{place.activation:.3f}", *labels, text)
    make_console(wide=wide).print(table)


def show_filters(filters: "Filters", *, wide: bool) -> None:
    """Show the most important filters with their highest n-grams."""
    from munjang.cli.fitting import Column
    from munjang.cli.tables import label_text, make_table, text_column

    table = make_table(
        "filter",
        text_column("speaks for"),
        Column("importance", rank=1),
        "threshold",
        "texts",
        text_column("highest n-grams"),
        text_column("lowered by", rank=2),
    )
    for one in filters.filters[:_FILTERS]:
        ngrams = (f"{_ngram(n.tokens)} {n.value:.2f}" for n in one.ngrams[:_NGRAMS])
        lowered = (_lowest(n.tokens, n.slots) for n in one.negatives[:_NEGATIVES])
        table.add_row(
            str(one.number),
            label_text(one.label),
            f"{one.importance:.3f}",
            "none" if one.threshold is None else f"{one.threshold:.2f}",
            f"{one.share:.1%}",
            "   ".join(ngrams),
            "   ".join(lowered),
        )
    make_console(wide=wide).print(table)
    left = len(filters.filters) - _FILTERS
    show(f"\n{filters.texts:,} texts" + (f"; {left:,} more filters in a file" if left > 0 else ""))
    if filters.agreement is not None:
        show(f"{filters.agreement:.1%} of the answers stay without the maxima below the thresholds")


def show_text_filters(filters: "TextFilters", *, wide: bool) -> None:
    """Show the filters with the largest parts in the margin, and their n-grams."""
    from munjang.cli.tables import label_text, make_table, text_column

    against = "" if filters.against is None else f" against {label_text(filters.against)}"
    total = sum(one.contribution for one in filters.maxima)
    show(
        f"margin of {label_text(filters.answer)}{against}: {filters.margin:.3f} = "
        f"{total:.3f} of filters + {filters.rest:.3f} of the rest\n"
    )
    table = make_table(
        "filter", "part", "maximum", text_column("n-gram"), text_column("share of each token")
    )
    for one in filters.maxima[:_FILTERS]:
        slots = "  ".join(f"{slot:+.2f}" for slot in one.slots)
        figures = (f"{one.contribution:+.3f}", f"{one.value:.2f}")
        table.add_row(str(one.number), *figures, _ngram(one.tokens), slots)
    make_console(wide=wide).print(table)


def _ngram(tokens: Sequence[str]) -> str:
    from munjang.report.visible import visible

    return " ".join(map(visible, tokens))


def _lowest(tokens: Sequence[str], slots: Sequence[float]) -> str:
    """Return an n-gram with its lowest token in brackets."""
    lowest = min(range(len(slots)), key=slots.__getitem__)
    parts = [f"[{token}]" if n == lowest else token for n, token in enumerate(tokens)]
    return _ngram(parts)


def show_connectivity(connectivity: "Connectivity", *, wide: bool) -> None:
    """Show what each word draws on most."""
    from munjang.cli.tables import label_text, make_table, text_column
    from munjang.report.connectivity import strongest_sources

    table = make_table("state after", text_column("draws on"))
    for label, sources in strongest_sources(connectivity, _SOURCES):
        table.add_row(label_text(label), "   ".join(sources))
    make_console(wide=wide).print(table)
    show("\nshares of the norms of its gradients, which are 1 in all")


def show_gates(gates: "Gates", *, wide: bool) -> None:
    """Show the mean of each gate of the highest layer per token."""
    from munjang.cli.tables import label_text, make_table
    from munjang.report.gates import name_gate
    from munjang.report.visible import visible

    highest = max(gate.layer for gate in gates.gates)
    shown = [gate for gate in gates.gates if gate.layer == highest]
    table = make_table("token", *(name_gate(gate, gates) for gate in shown))
    means = [gate.mean.tolist() for gate in shown]
    for number, token in enumerate(gates.tokens.labels):
        row = (f"{mean[number]:.2f}" for mean in means)
        table.add_row(label_text(visible(token)), *row)
    make_console(wide=wide).print(table)
    show("\nmeans over the units: 0 is shut, 1 is open")
