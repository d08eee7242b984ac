"""Templates: escaped, without inline event handlers, and part of the package."""

import re
import tomllib
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from jinja2 import UndefinedError

from munjang.explain.attention import Attention, AttentionMap
from munjang.report import html
from munjang.report.attention_page import draw_page
from munjang.report.html import Markup, element, join, render, scrollable, table

MARKUP = "\"'><img src=x onerror=alert(1)>{{ 7 * 7 }}{% include 'page.css.jinja' %}&"
TEMPLATES = Path(html.__file__).parent / "templates"


def test_template_values_are_escaped_and_not_rendered() -> None:
    page = render("page.html.jinja", title=MARKUP, body=MARKUP)
    assert "<img" not in page
    assert "49" not in page
    assert Markup.escape(MARKUP) in page


def test_attention_page_escapes_every_text() -> None:
    head = AttentionMap("cross", 0, 0, np.ones((1, 1), dtype=np.float32))
    page = draw_page(Attention((MARKUP,), (MARKUP,), (head, head), MARKUP, MARKUP, truncated=True))
    assert "<img" not in page
    assert "49" not in page
    # two texts; two tokens with their tooltips, and those of the one cell
    assert page.count("&lt;img") == 2 + 2 * 2 + 2


def test_attributes_are_escaped() -> None:
    drawn = ET.fromstring(element("text", MARKUP, title=MARKUP, class_=MARKUP))
    assert drawn.attrib == {"title": MARKUP, "class": MARKUP}
    assert drawn.text == MARKUP
    assert join(["<", Markup("<br>")]) == "&lt;<br>"


def test_missing_template_value_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="title"):
        render("page.html.jinja", body="")


def test_templates_escape_and_have_no_inline_handlers() -> None:
    for path in TEMPLATES.iterdir():
        source = path.read_text("utf-8")
        assert not re.search(r"<[^>]*\son\w+\s*=", source), path.name
        assert not re.search(r"javascript:|https?://|autoescape", source), path.name
        unescaped = re.findall(r"{{ ?(\w+) ?\| ?safe", source)
        assert set(unescaped) <= {"fonts"}, path.name


def test_boxes_that_scroll_have_a_name() -> None:
    drawn = ET.fromstring(scrollable(MARKUP, table(["a"], [["b"]])))
    assert (drawn.attrib["role"], drawn.attrib["tabindex"]) == ("region", "0")
    assert drawn.attrib["aria-label"] == MARKUP
    for path in TEMPLATES.iterdir():
        for tag in re.findall(r'<div[^>]*tabindex="0"[^>]*>', path.read_text("utf-8")):
            assert "role=" in tag, path.name
            assert "aria-label=" in tag, path.name


def test_templates_are_package_data() -> None:
    pyproject = Path(__file__).parents[3] / "pyproject.toml"
    data = tomllib.loads(pyproject.read_text("utf-8"))["tool"]["setuptools"]["package-data"]
    packed = {path for glob in data["munjang.report"] for path in TEMPLATES.parent.glob(glob)}
    assert packed == set(TEMPLATES.iterdir())
