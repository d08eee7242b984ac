"""Pages and pictures: escaped, well-formed, and what stands on a front."""

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from munjang.report.html import element, page, table
from munjang.report.names import LINE, Named, place_names
from munjang.report.svg import Line, Point, front_of, lines, scatter

MARKUP = "<b onclick='x'>&\"재미\"</b>"


def make_points(*positions: tuple[float, float]) -> list[Point]:
    return [Point(str(number), x, y, y, y) for number, (x, y) in enumerate(positions)]


def test_element_escapes_texts_and_attributes_but_not_markup() -> None:
    result = element("td", MARKUP, element("i", "ok"), class_="text", title=MARKUP)
    parsed = ET.fromstring(result)
    assert parsed.text == MARKUP
    assert parsed.attrib == {"class": "text", "title": MARKUP}
    assert [child.tag for child in parsed] == ["i"]


def test_table_escapes_text_that_looks_like_a_cell() -> None:
    result = ET.fromstring(table(["<td>head"], [["<td>fake"], [element("td", "real")]]))
    assert ["".join(cell.itertext()) for cell in result.iter("td")] == ["<td>fake", "real"]


def test_page_declares_its_encoding_first() -> None:
    result = page(MARKUP, "한글")
    assert result.index('<meta charset="utf-8">') < result.index("<title>")
    assert "한글" in result
    assert MARKUP not in result


@pytest.mark.parametrize(("up", "front"), [(True, ["0", "2"]), (False, ["0", "1"])])
def test_front_of_keeps_points_not_dominated(up: bool, front: list[str]) -> None:
    drawn = make_points((1, 0.5), (2, 0.4), (3, 0.9), (4, 0.9), (1, 0.5))
    assert [point.name for point in front_of(drawn, up=up)] == front


@pytest.mark.parametrize("positions", [[(1.0, 0.5)], [(0.0, 0.0), (1e6, 1.0)], [(2.0, 0.5)] * 3])
def test_scatter_draws_all_points_inside_the_frame(positions: list[tuple[float, float]]) -> None:
    drawn = ET.fromstring(scatter(make_points(*positions), MARKUP, "score"))
    circles = list(drawn.iter("circle"))
    assert len(circles) == len(positions)
    for circle in circles:
        assert 0 <= float(circle.attrib["cx"]) <= 560
        assert 0 <= float(circle.attrib["cy"]) <= 340
    assert MARKUP in [text.text for text in drawn.iter("text")]


@given(
    st.lists(
        st.tuples(st.text("가a-", min_size=1, max_size=16), st.floats(62, 450), st.floats(28, 296)),
        min_size=1,
        max_size=14,
    )
)
def test_names_do_not_overlap(positions: list[tuple[str, float, float]]) -> None:
    named = [Named(*named_point) for named_point in positions]
    result = place_names(named, 28, 296)
    assert [named_point.name for named_point in result] == [
        named_point[0] for named_point in positions
    ]
    for number, one in enumerate(result):
        for other in result[:number]:
            apart = one.reach[1] <= other.reach[0] or other.reach[1] <= one.reach[0]
            assert apart or abs(one.y - other.y) >= LINE - 1e-6


def test_name_is_right_of_its_point_unless_there_is_no_room() -> None:
    (alone,) = place_names([Named("cnn", 100, 100)], 0, 300)
    assert (alone.ends, alone.moved) == (False, False)
    assert 100 < alone.x < 115
    left, right = place_names([Named("cnn", 200, 100), Named("gru", 220, 100)], 0, 300)
    assert left.ends
    assert left.x < 200 < 220 < right.x


def test_better_is_higher_and_costlier_is_further_right() -> None:
    first, second = ET.fromstring(scatter(make_points((1, 0.5), (10, 0.9)), "x", "y")).iter(
        "circle"
    )
    assert float(first.attrib["cx"]) < float(second.attrib["cx"])
    assert float(first.attrib["cy"]) > float(second.attrib["cy"])


def test_lines_of_one_name_share_a_color_and_one_legend_entry() -> None:
    drawn = ET.fromstring(
        lines([Line("a", [1, 2], [0, 1]), Line("a", [1], [1]), Line("b", [3], [1])], "x", "y")
    )
    assert [text.text for text in drawn.iter("text")].count("a") == 1
    strokes = [one.attrib["stroke"] for one in drawn.iter("polyline")][1:]
    assert strokes[0] == strokes[1] != strokes[2]
