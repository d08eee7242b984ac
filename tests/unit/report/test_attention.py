"""Attention drawn: any token is seen and nothing of it is markup, and every weight is told."""

import html
import json
import math
import re
import unicodedata
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from munjang.errors import ConfigError
from munjang.explain.attention import Attention, AttentionMap
from munjang.report.attention import ATTENTION
from munjang.report.attention_page import draw_page
from munjang.report.attention_svg import draw_svg
from munjang.report.html import join
from munjang.report.labels import ColumnLabels, Label, text_width
from munjang.report.shades import DARK, LIGHT, STRONG, Colors, format_weight, shade, small_paths
from munjang.report.visible import isolated, language, right_to_left, visible, visible_text

HOSTILE_TEXT = st.text(
    st.characters()
    | st.sampled_from("\x00\x1b\n\t \xa0\u202e\u2028\u200b\ufffe\ud800가ㅋ<&\"'שم\u0301👨\u200d👩"),
    max_size=12,
)
SPACE = "{http://www.w3.org/2000/svg}"
_DIRECTION_MARKS = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")


def make_attention(
    source: list[str], target: list[str] | None = None, *, layers: int = 1, heads: int = 1
) -> Attention:
    random = np.random.default_rng(0)
    rows = source if target is None else target
    maps = [
        AttentionMap(
            "source" if target is None else "cross",
            layer,
            head,
            random.dirichlet(np.ones(len(source)), len(rows)).astype(np.float32),
        )
        for layer in range(layers)
        for head in range(heads)
    ]
    named = None if target is None else tuple(target)
    return Attention(tuple(source), named, tuple(maps), " ".join(source), "answer" * bool(target))


@given(HOSTILE_TEXT)
def test_visible_shows_every_token_without_changing_direction(token: str) -> None:
    shown = visible(token)
    assert shown
    assert {unicodedata.category(c) for c in shown} <= VISIBLE_CATEGORIES
    assert not set(shown) & _DIRECTION_MARKS
    ET.fromstring(f"<x>{html.escape(shown)}</x>")
    shown.encode()
    ET.fromstring(f"<x>{html.escape(visible_text(token))}</x>")


# Cf: joiners and the tags of flags, within what is seen; Cn: what this Python does not know yet.
VISIBLE_CATEGORIES = {
    *("Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Cf", "Cn"),
    *("Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So"),
}


@pytest.mark.parametrize(
    ("token", "shown"),
    [
        ("film", "film"),
        ("영화", "영화"),
        (" ", "␣"),
        ("a b", "a␣b"),
        ("", "⟨⟩"),
        ("\t", "⇥"),
        ("\x1b", "␛"),
        ("\u202eabc", "⟨U+202E⟩abc"),
        ("\u0301", "◌\u0301"),
        ("👨\u200d👩", "👨\u200d👩"),
        ("\u200d", "⟨U+200D⟩"),
        ("\ud800", "⟨U+D800⟩"),
    ],
)
def test_visible_shows_spaces_and_controls(token: str, shown: str) -> None:
    assert visible(token) == shown


def test_direction_and_language_follow_the_letters() -> None:
    assert right_to_left("(שלום")
    assert right_to_left("مرحبا a")
    assert not right_to_left("a שלום")
    assert not right_to_left("!?")
    assert [language(t) for t in ("영화 film", "ㅋ", "ひ漢", "漢", "film")] == [
        "ko",
        "ko",
        "ja",
        "",
        "",
    ]
    assert isolated("film") == "film"
    assert isolated("שלום") == "\u2068שלום\u2069"


def table_rows(page: str) -> list[list[tuple[str, str]]]:
    """The texts of a page's cells with their tooltips, by a parser of XML, which a table is."""
    (table,) = re.findall(r"<table>.*</table>", page, re.DOTALL)
    body = ET.fromstring(table)
    return [
        [("".join(cell.itertext()), cell.get("title", "")) for cell in row]
        for row in body.iter("tr")
    ]


@settings(max_examples=40)
@given(
    st.lists(HOSTILE_TEXT, min_size=1, max_size=5), st.lists(HOSTILE_TEXT, min_size=1, max_size=4)
)
def test_page_and_svg_accept_any_tokens(source: list[str], target: list[str]) -> None:
    result = make_attention(source, target)
    columns, rows = [visible(t) for t in source], [visible(t) for t in target]
    head, *lines = table_rows(draw_page(result))
    assert head[1:] == [(name, name) for name in columns]
    assert [line[0] for line in lines] == [(name, name) for name in rows]
    for row, line, weights in zip(rows, lines, result.maps[0].weights, strict=True):
        for column, (text, title), weight in zip(columns, line[1:], weights, strict=True):
            assert title.startswith(f"{isolated(row)} ← {isolated(column)} ")
            assert float(title.split(" ")[-1]) == pytest.approx(weight, abs=0.0056)
            assert float(text) == float(title.split(" ")[-1])
    titles = [title.text for title in ET.fromstring(draw_svg(result)).iter(f"{SPACE}title")]
    assert titles[1 : 1 + len(rows) + len(columns)] == rows + columns


def test_page_escapes_markup() -> None:
    nasty = "<script>alert(1)</script>"
    page = draw_page(make_attention([nasty, "</table>"], [nasty]))
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert page.count("</table>") == 1


def test_page_without_script_shows_mean_and_every_head() -> None:
    result = make_attention(["a", "b", "c"], layers=2, heads=3)
    page = re.sub(r"<script>.*?</script>", "", draw_page(result), flags=re.DOTALL)
    assert page.count("<svg") == 2 * (3 + 1) + 1  # and the rollout
    (held,) = re.findall(r'<script type="application/json">(.*?)</script>', page)
    for figures, one in zip(json.loads(held)[5:8], result.heads("source", 1), strict=True):
        np.testing.assert_allclose(figures, one.weights.ravel() * 1000, atol=0.51)
    lines = table_rows(page)[1:]
    mean = result.mean("source")
    shown = [[float(title.split(" ")[-1]) for _, title in line[1:]] for line in lines]
    np.testing.assert_allclose(shown, mean, atol=0.0056)
    assert page.count('aria-pressed="true"') == 1


def test_single_map_has_no_selection() -> None:
    page = draw_page(make_attention(["a", "b"]))
    assert "<button" not in page
    assert "application/json" not in page


def test_svg_with_many_columns_has_no_figures() -> None:
    few, many = (
        draw_svg(make_attention([f"w{n}" for n in range(columns)])) for columns in (16, 17)
    )
    assert ">.0" in few
    assert ">.0" not in many
    drawn = ET.fromstring(many)
    width = float(drawn.attrib["width"])
    for box in drawn.iter(f"{SPACE}rect"):
        if box.get("x"):
            assert float(box.attrib["x"]) + float(box.attrib["width"]) <= width


def relative_luminance(color: list[float]) -> float:
    """Relative luminance by WCAG 2, of red, green and blue up to 255."""
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4
              for c in (part / 255 for part in color)]  # fmt: skip
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("colors", [LIGHT, DARK])
def test_figures_are_readable_on_every_shade(colors: Colors) -> None:
    def parts(color: str) -> list[float]:
        return [int(color[at : at + 2], 16) for at in (1, 3, 5)]

    ground, full = parts(colors.ground), parts(colors.full)
    for step in range(1001):
        strength = shade(step / 1000)
        cell = [g + strength * (f - g) for g, f in zip(ground, full, strict=True)]
        ink = parts(colors.on_full if strength >= STRONG else colors.ink)
        low, high = sorted((relative_luminance(cell), relative_luminance(ink)))
        assert (high + 0.05) / (low + 0.05) >= 4.5, step


def test_weights_are_formatted_with_two_digits() -> None:
    assert [format_weight(n) for n in (0, 4, 5, 12, 434, 435, 994, 995, 1000)] == [
        "0", "0", ".01", ".01", ".43", ".44", ".99", "1", "1",
    ]  # fmt: skip
    shades = [shade(n / 100) for n in range(101)]
    assert shades == sorted(shades)
    assert (shades[0], shades[-1]) == (0, 1)


@given(st.lists(st.lists(st.floats(0, 1), min_size=5, max_size=5), min_size=1, max_size=5))
def test_small_map_covers_every_cell_with_its_shade(rows: list[list[float]]) -> None:
    table = np.array(rows, dtype=np.float32)
    covered = np.zeros(table.shape)
    for path in ET.fromstring(f"<g>{join(small_paths(table))}</g>"):
        for x, y, wide in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\d+z", path.attrib["d"]):
            covered[int(y), int(x) : int(x) + int(wide)] += float(path.attrib["fill-opacity"])
    np.testing.assert_allclose(covered, np.sqrt(table), atol=0.051)


@given(HOSTILE_TEXT)
def test_label_width_is_limited(token: str) -> None:
    label = Label(token, 13, 6)
    assert text_width(label.text) <= 6 + 1e-9
    assert label.text == label.name or label.text.endswith("…")
    ET.fromstring(label.draw(10, 20, ends=True, rotation=-60))


@pytest.mark.parametrize(("token", "anchor"), [("film", "end"), ("שלום", "start")])
def test_labels_of_both_directions_are_aligned_at_the_end(token: str, anchor: str) -> None:
    (text,) = ET.fromstring(Label(token, 13, 6).draw(10, 20, ends=True)).iter("text")
    assert (text.attrib["text-anchor"], text.attrib["x"]) == (anchor, "10")


@pytest.mark.parametrize(
    ("text", "width"),
    [("영화", 2), ("ab", 1.24), ("e\u0301", 0.62), ("漢字ㅋ", 3), ("👨", 1), ("", 0)],
)
def test_wide_characters_take_the_full_font_size(text: str, width: float) -> None:
    assert text_width(text) == pytest.approx(width)


def test_long_label_is_cut_with_ellipsis() -> None:
    assert Label("재미있었다", 13, 4).text == "재미있…"
    assert Label("재미있다", 13, 4).text == "재미있다"
    assert Label("wonderful", 13, 4).text == "wonde…"


@given(st.lists(HOSTILE_TEXT | st.text("가힣ㅋ", max_size=9), min_size=1, max_size=5))
def test_column_labels_stay_below_their_height(tokens: list[str]) -> None:
    columns = ColumnLabels([Label(token, 13, 6) for token in tokens])
    drawn = columns.draw(40, 300, 20)
    assert len(drawn) == len(tokens)
    for index, (label, mark) in enumerate(zip(columns.labels, drawn, strict=True)):
        rotation, x, y = (
            ET.fromstring(mark).attrib["transform"].removeprefix("rotate(")[:-1].split()
        )
        assert (rotation, y) == ("-60", "300")
        assert abs(float(x) - (50 + 20 * index)) < 5
        assert label.width * math.sin(math.radians(60)) < columns.height
        assert label.width * math.cos(math.radians(60)) < columns.overhang


@pytest.mark.parametrize(
    ("name", "begin"), [("a.html", "<!doctype"), ("a.SVG", "<svg"), ("a.json", "{")]
)
def test_file_suffix_selects_format(name: str, begin: str, tmp_path: Path) -> None:
    path = ATTENTION.write(make_attention(["a", "b"]), tmp_path / name)
    assert path.read_text("utf-8").startswith(begin)
    assert [one.name for one in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["a.gif", "a", ".html"])
def test_unknown_suffix_is_refused_before_writing(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"ends in one of \.html, \.svg, \.png, \.json"):
        ATTENTION.write(make_attention(["a"]), tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_truncated_text_is_reported_on_the_page() -> None:
    result: Any = make_attention(["a", "b"])
    cut = Attention(result.source, None, result.maps, "a b c", truncated=True)
    assert "the model read 2 tokens of it" in draw_page(cut)
    assert "The text was cut" not in draw_page(result)
