"""Pages and pictures of what is inside models: whole, well-formed, no text of them is markup."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from munjang.explain.connectivity import Connectivity
from munjang.explain.filter_passes import Ngram
from munjang.explain.filters import Filter, Filters
from munjang.explain.gates import Gate, Gates
from munjang.explain.half_life import HalfLife
from munjang.explain.memory import Memory, MemoryCurve
from munjang.explain.text_filters import FilterMaximum, TextFilters
from munjang.explain.text_tokens import TextTokens
from munjang.explain.units import Place, Unit, Units
from munjang.report.connectivity import CONNECTIVITY
from munjang.report.decay_svg import Decay, draw_decays
from munjang.report.filters import FILTERS, TEXT_FILTERS
from munjang.report.formats import Formats
from munjang.report.gates import GATES
from munjang.report.memory import MEMORY
from munjang.report.units import UNITS
from tests.system.browsers import Page
from tests.unit.text.strategies import hostile_text

SPACE = "{http://www.w3.org/2000/svg}"
ATTACK = "</span><script>alert(1)</script>&\"'"


def make_tokens(text: str, count: int = 3) -> TextTokens:
    labels = tuple(f"{text}{number}" for number in range(count))
    return TextTokens(text, tuple(range(count)), labels, tuple(range(count)), labels, True)


def make_results(text: str) -> list[tuple[Formats, object]]:
    """One result of every kind, with a text wherever one stands."""
    tokens = make_tokens(text)
    squares = np.arange(9.0).reshape(3, 3)
    gate = Gate(
        0, "left to right", "forget", np.linspace(0, 1, 30, dtype=np.float32).reshape(3, 10)
    )
    ngram = Ngram((text, "·"), 1.5, (1.25, -0.25), 3)
    one = Filter(0, 2, text, (1.0,), 0.5, 0.25, 1.0, 0.5, (ngram,), (ngram,))
    maximum = FilterMaximum(0, -1, (text, "·"), 1.5, (1.25, -0.25), -0.5)
    place = Place(text, 3, text, 0.5, text, text, text)
    life = HalfLife(1.5, True, (1.0, 1.5, 2.0))
    curves = tuple(
        MemoryCurve(text, moment, (2.0, 1.0, 0.5, 0.0), (9, 9, 8, 5), life, True)
        for moment in ("before", "after")
    )
    return [
        (CONNECTIVITY, Connectivity(tokens, squares)),
        (GATES, Gates("lstm", tokens, (gate, Gate(1, "right to left", "input", gate.values)))),
        (FILTERS, Filters((text,), 9, 0.75, (one,) * 70)),
        (TEXT_FILTERS, TextFilters(tokens, text, text, 1.0, 1.5, (maximum,))),
        (UNITS, Units((text, "b"), (4, 5), 9, 2, 8, (Unit(3, 0.5, (2, 0), (place,)),))),
        (MEMORY, Memory("state", curves)),
    ]


@settings(max_examples=25)
@given(text=hostile_text())
def test_nothing_of_a_text_is_markup(text: str) -> None:
    for formats, result in make_results(text + ATTACK):
        page = str(formats.drawn[".html"](result))
        read = Page(page)
        assert not read.open
        assert "<script>alert" not in page
        assert "http" not in page.replace("http://www.w3.org/2000/svg", "").replace(text, "")
        scripts = re.findall(r"<script", page)
        assert len(scripts) == (2 if isinstance(result, Connectivity) else 0)
        if ".svg" in formats.drawn:
            root = ET.fromstring(str(formats.drawn[".svg"](result)))
            assert not list(root.iter(f"{SPACE}script"))


def test_pages_can_be_read_without_their_script() -> None:
    connectivity = make_results("낱말")[0][1]
    page = Page(str(CONNECTIVITY.drawn[".html"](connectivity)))
    assert page.tags.count("svg") == 1
    assert page.tags.count("table") == 1
    assert "낱말2" in " ".join(page.words)


def test_gates_have_a_row_per_unit_and_a_heading_per_gate() -> None:
    gates = make_results("낱말")[1][1]
    root = ET.fromstring(str(GATES.drawn[".svg"](gates)))
    texts = [text.text for text in root.iter(f"{SPACE}text")]
    assert texts.count("mean") == 2
    assert sum(str(text).startswith("unit ") for text in texts) == 16
    assert {"layer 0 forget →", "layer 1 input ←"} <= set(texts)


@given(
    curves=st.lists(
        st.lists(st.floats(0, 1e300, allow_nan=False), min_size=1, max_size=300),
        min_size=1,
        max_size=4,
    )
)
@settings(max_examples=50)
def test_curves_stay_within_their_picture(curves: list[list[float]]) -> None:
    decays = [Decay(str(n), n % 2 == 0, curve, "note") for n, curve in enumerate(curves)]
    root = ET.fromstring(str(draw_decays("title", "x", "y", decays)))
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    for path in root.iter(f"{SPACE}path"):
        for x, y in re.findall(r"[ML]([-\d.e+]+) ([-\d.e+]+)", path.attrib["d"]):
            assert 0 <= float(x) <= width
            assert 0 <= float(y) <= height


def test_formats_name_their_suffixes() -> None:
    assert [list(formats.drawn) for formats, _ in make_results("a")] == [
        *([".html", ".svg"],) * 2,
        *([".html"],) * 3,
        [".html", ".svg"],
    ]
    assert pytest.approx(1.0) == make_results("a")[5][1].curves[0].relative[1]  # type: ignore[attr-defined]
