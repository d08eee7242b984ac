"""Units of states as a page or numbers."""

from dataclasses import dataclass
from pathlib import PurePath

from markupsafe import Markup

from munjang.explain.units import Place, Unit, Units
from munjang.report.formats import Formats
from munjang.report.html import element, render, table
from munjang.report.inside_page import view_page
from munjang.report.visible import language, visible, visible_text
from munjang.report.why_parts import visible_line


@dataclass(frozen=True)
class _Place:
    """A place as the page shows it."""

    place: Place

    @property
    def value(self) -> str:
        return f"{self.place.activation:.3f}"

    @property
    def label(self) -> str:
        return "–" if self.place.label is None else visible_line(self.place.label)

    @property
    def origin(self) -> str:
        return origin_of(self.place)

    @property
    def lang(self) -> str:
        return language(self.place.before + self.place.token + self.place.after)

    @property
    def before(self) -> str:
        return visible_text(self.place.before)

    @property
    def token(self) -> str:
        return visible(self.place.token)

    @property
    def after(self) -> str:
        return visible_text(self.place.after)


def origin_of(place: Place) -> str:
    """Return the file and the row of a place, for people."""
    name = visible_text(PurePath(place.file).name).replace("\n", "⏎")
    return f"{name}, {place.row:,}"


@dataclass(frozen=True)
class _Unit:
    """A unit as the page shows it."""

    number: int
    summary: str
    classes: Markup | None
    places: list[_Place]


def _of(unit: Unit, units: Units) -> _Unit:
    classes, summary = None, "Where it is highest:"
    if unit.separation is not None:
        summary = (
            f"{unit.separation:.1%} of the variance of its highest values in the texts lies "
            "between the classes."
        )
        rows = [
            [
                element("td", visible_line(label), class_="label"),
                f"{count:,}",
                f"{count / max(1, units.counted):.1%}",
                f"{total / max(1, units.texts):.1%}",
            ]
            for label, count, total in zip(units.labels, unit.counts, units.totals, strict=True)
        ]
        head = f"among the {units.counted:,} highest texts"
        classes = table(["class", head, "share", "share of all"], rows)
    return _Unit(unit.number, summary, classes, [_Place(place) for place in unit.places])


def units_fragment(units: Units) -> Markup:
    """Return the part of a page: the places of each unit."""
    return render(
        "units.jinja",
        heading="Units",
        caption=f"{len(units.units):,} of {units.width:,} units of a state, over {units.texts:,} "
        "texts: the place in a text where each is highest, the highest texts first.",
        units=[_of(unit, units) for unit in units.units],
    )


def draw_units_page(units: Units) -> Markup:
    """Return the page."""
    return view_page("Units", units_fragment(units))


UNITS = Formats[Units]({".html": draw_units_page})
