"""Surprisal drawn: the whole text is there, nothing of it is markup, and shades follow the bits."""

import html
import json
import math
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from munjang.errors import ConfigError
from munjang.explain.surprisal import Surprisal
from munjang.report.shades import DARK, LIGHT
from munjang.report.surprisal import SURPRISAL
from munjang.report.surprisal_page import draw_surprisal_page, draw_surprisal_section
from munjang.report.surprisal_shades import MOST_BITS, shade_of_bits, shown_parts
from munjang.report.surprisal_svg import draw_surprisal_svg
from munjang.report.visible import visible_text
from tests.unit.text.strategies import hostile_text

SPACE = "{http://www.w3.org/2000/svg}"


def make_surprisal(text: str, *, most: float = 12.0) -> Surprisal:
    """The surprisal of a text whose every second character is a token."""
    starts = np.arange(0, len(text), 2)
    nats = np.linspace(0, most * math.log(2), len(starts))
    return Surprisal.from_tokens(text, starts, starts + 1, nats)


def test_shades_are_opaque_from_10_bits_on() -> None:
    assert [shade_of_bits(bits) for bits in (-1.0, 0.0, 5.0, MOST_BITS, 40.0)] == [0, 0, 0.5, 1, 1]
    assert LIGHT.blend(0.0) == LIGHT.ground
    assert LIGHT.blend(1.0) == LIGHT.full
    assert DARK.blend(1.0) == DARK.full


@settings(max_examples=50)
@given(text=hostile_text())
def test_shown_parts_are_the_text_with_symbols_for_line_breaks(text: str) -> None:
    shown = "".join(part.text for part in shown_parts(make_surprisal(text)))
    assert shown == "".join(
        visible_text(part).replace("\n", "⏎\n")
        for part, _ in make_surprisal(text).pieces.with_rest()
    )
    assert shown.count("\n") == text.count("\n")


@settings(max_examples=50)
@given(text=hostile_text())
def test_page_has_the_text_and_no_markup_of_it(text: str) -> None:
    surprisal = make_surprisal(f"{text}<script>alert(1)</script>&")
    page = str(draw_surprisal_page(surprisal))
    assert "<script" not in page
    body = re.search(r'<p class="shaded"[^>]*>(.*?)</p>', page, re.DOTALL)
    assert body is not None
    spans = re.findall(r"<span[^>]*>(.*?)</span>", body[1], re.DOTALL)
    assert html.unescape("".join(spans)) == "".join(part.text for part in shown_parts(surprisal))


@settings(max_examples=50)
@given(text=hostile_text())
def test_picture_is_well_formed_and_within_its_borders(text: str) -> None:
    surprisal = make_surprisal(text + " <b>&")
    root = ET.fromstring(str(draw_surprisal_svg(surprisal)))
    width, height = (float(root.attrib[key]) for key in ("width", "height"))
    for box in root.iter(f"{SPACE}rect"):
        if box.get("class") == "full":
            assert float(box.attrib["x"]) >= 0
            assert float(box.attrib["x"]) + float(box.attrib["width"]) <= width
            assert float(box.attrib["y"]) + float(box.attrib["height"]) <= height
    written = "".join(one.text or "" for one in root.iter(f"{SPACE}text"))
    for word in "<b>&":
        assert word in written


def test_file_name_chooses_the_form(tmp_path: Path) -> None:
    surprisal = make_surprisal("나는 밥을 먹는다")
    for name, beginning in (("a.html", "<!doctype"), ("a.SVG", "<svg"), ("a.json", "{")):
        path = SURPRISAL.write(surprisal, tmp_path / name)
        assert path.read_text("utf-8").lower().startswith(beginning)
    assert json.loads((tmp_path / "a.json").read_text("utf-8")) == surprisal.to_json()
    with pytest.raises(ConfigError, match=r"ends in one of \.html, \.svg, \.png, \.json"):
        SURPRISAL.write(surprisal, tmp_path / "a.gif")


def test_section_is_a_part_of_the_page() -> None:
    surprisal = make_surprisal("가나 다라")
    section = str(draw_surprisal_section(surprisal))
    assert section.startswith('<section class="surprisal">')
    assert section in str(draw_surprisal_page(surprisal))
