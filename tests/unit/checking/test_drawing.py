"""Blocks of a report, drawn on the terminal."""

import pytest

from munjang.checking.blocks import Column, Histogram, Line, grid
from munjang.checking.shared_blocks import places_text, share_grid, short
from munjang.cli.report import draw
from munjang.data.repeats import Place


def draw_lines(capsys: pytest.CaptureFixture[str], *blocks: object) -> list[str]:
    draw(blocks)
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


def test_lines_are_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    assert draw_lines(capsys, Line("a\nb\x1b[2J"), Line(), Line("c")) == ["a\\nb\\x1b[2J", "", "c"]


def test_grid_draws_figures_and_bars(capsys: pytest.CaptureFixture[str]) -> None:
    bars = Column("", is_bar=True)
    lines = draw_lines(capsys, grid(["name", "rows", bars], [("가\t", "30", 0.5), ("b", "5", 0.0)]))
    head, _, first, second = [line for line in lines if line]
    assert head.split() == ["name", "rows"]
    assert first.split() == ["가\\t", "30", "█" * 20]
    assert second.split() == ["b", "5"]


def test_histogram_scales_bars_to_largest_count(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = draw_lines(capsys, Histogram(("1", "10-19"), (2000, 500)))
    assert lines == [f"      1 {'█' * 40} 2,000", f"  10-19 {'█' * 10} 500"]


def test_share_grid_merges_names_beyond_most() -> None:
    rows = share_grid("label", "rows", {"a": 6, "b": 3, "c": 1}, 10, most=1).rows
    assert rows == (("a", "6", "60.0%", 0.6), ("2 more", "4", "40.0%"))


def test_examples_are_shortened_and_name_their_rows() -> None:
    assert short("가" * 61) == "가" * 60 + "..."
    assert short("a\nb") == "a\\nb"
    positions = [Place("x/a.tsv", 1207, None), Place("x/a.tsv", 3, None), Place("y/b.tsv", 9, None)]
    assert places_text([*positions, positions[0]]) == "a.tsv:1,207, 3; b.tsv:9"
