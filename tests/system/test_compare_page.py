"""compare.html: whole and escaped, and as a browser shows it."""

import re
from pathlib import Path

import pytest

from tests.system.browsers import PROBE, Page, RenderedPage, find_violations
from tests.system.commands import CommandResult
from tests.system.comparisons import ALL, HOSTILE, compare_command, compare_here, read_standings


@pytest.fixture(scope="module")
def compared(
    hostile_table: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, CommandResult]:
    """A comparison that came to its end."""
    out = tmp_path_factory.mktemp("compared") / "all of them"
    return out, compare_here(*compare_command(hostile_table, out, *ALL))


def test_page_is_complete_self_contained_and_escaped(compared: tuple[Path, CommandResult]) -> None:
    out, _ = compared
    source = (out / "compare.html").read_text("utf-8")
    page = Page(source)
    assert not page.open
    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    assert page.tags.count("svg") == 3
    assert "http" not in source
    assert any(HOSTILE in words for words in page.words), "the text itself is shown"
    for expected in ("Where the models disagree most", "nbsvm", "true \\ predicted"):
        assert any(expected in words for words in page.words)


@pytest.mark.parametrize("width", [400, 1400])
def test_browser_shows_every_row_without_requests(
    width: int, compared: tuple[Path, CommandResult], browser: str, tmp_path: Path
) -> None:
    out, _ = compared
    source = (out / "compare.html").read_text("utf-8")
    shown = RenderedPage(browser, source, tmp_path, f"--window-size={width},3000")
    assert shown.console == []
    assert shown.probe["loaded"] == []
    assert int(shown.probe["beyond"]) <= 0, "wide tables scroll in themselves, the page does not"
    assert "재미있다" in shown.dom
    assert shown.dom.count("<tr>") == source.count("<tr>")
    page = Page(shown.dom.replace(PROBE, ""))
    for name in read_standings(out):
        assert name in page.words
    assert any(HOSTILE in words for words in page.words)


def test_page_is_accessible(
    compared: tuple[Path, CommandResult], browser: str, tmp_path: Path
) -> None:
    source = (compared[0] / "compare.html").read_text("utf-8")
    assert find_violations(browser, source, tmp_path) == []


def test_dark_mode(compared: tuple[Path, CommandResult], browser: str, tmp_path: Path) -> None:
    source = (compared[0] / "compare.html").read_text("utf-8")
    shown = RenderedPage(browser, source, tmp_path, "--blink-settings=preferredColorScheme=0")
    assert shown.probe["dark"] == "true"
    ground, ink = (
        sum(map(int, re.findall(r"\d+", shown.probe[name])[:3])) / 3 for name in ("ground", "ink")
    )
    assert ground < 60 < 180 < ink


def test_browser_reports_errors_and_requests(browser: str, tmp_path: Path) -> None:
    """A page that does what compare.html must not is found out."""
    bad = (
        "<html><head></head><body><div style='width: 3000px'>x</div>"
        "<img src='http://example.invalid/x.png'><script>console.error('oh')</script></body></html>"
    )
    shown = RenderedPage(browser, bad, tmp_path, "--window-size=400,400")
    assert any("oh" in line for line in shown.console)
    assert shown.probe["loaded"] == ["http://example.invalid/x.png"]
    assert int(shown.probe["beyond"]) > 0
