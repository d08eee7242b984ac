"""compare.html: whole and escaped, and as a browser shows it."""

import html
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.system.commands import PATIENCE, Done
from tests.system.comparisons import HOSTILE, standings

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class Page(HTMLParser):
    """The tags of a page, seen to be closed, and its texts."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_the_page_is_whole_loads_nothing_and_escapes_texts(compared: tuple[Path, Done]) -> None:
    out, _ = compared
    source = (out / "compare.html").read_text("utf-8")
    page = Page(source)
    assert not page.open
    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    assert page.tags.count("svg") == 3
    assert "http" not in source
    assert any(HOSTILE in words for words in page.words), "the text itself is shown"
    for wanted in ("Where the models disagree most", "nbsvm", "true \\ guessed"):
        assert any(wanted in words for words in page.words)


# Asked of the page by itself, after it was drawn: what it loaded, and whether it is too wide.
PROBE = """<script>addEventListener("load", () => {
  const root = document.documentElement;
  root.dataset.loaded = JSON.stringify(performance.getEntriesByType("resource").map(e => e.name));
  root.dataset.beyond = root.scrollWidth - root.clientWidth;
  root.dataset.dark = matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.ground = getComputedStyle(document.body).backgroundColor;
  root.dataset.ink = getComputedStyle(document.querySelector("svg text") || root).fill;
});</script>"""


@pytest.fixture(scope="session")
def browser() -> str:
    """A headless browser, if there is one."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no browser in PATH: looked for {', '.join(BROWSERS)}")
    return found


class Shown:
    """A page as a browser has drawn it.

    Attributes:
        dom: its HTML, after everything ran.
        console: what the browser noted of it.
        told: what the probe found.
    """

    def __init__(self, browser: str, source: str, folder: Path, *options: str) -> None:
        path, profile = folder / "page.html", folder / "profile"
        path.write_text(source.replace("</body>", PROBE + "</body>"), encoding="utf-8")
        command = [
            *(browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"),
            *("--no-first-run", "--disable-background-networking", "--disable-component-update"),
            *("--disable-sync", "--enable-logging=stderr", f"--user-data-dir={profile}"),
            *("--host-resolver-rules=MAP * ~NOTFOUND", *options, "--dump-dom", path.as_uri()),
        ]
        done = subprocess.run(command, capture_output=True, timeout=PATIENCE, check=True)
        self.dom = done.stdout.decode()
        self.console = [x for x in done.stderr.decode().splitlines() if "CONSOLE" in x]
        root = self.dom[self.dom.index("<html") : self.dom.index("<head")]
        told = {key: html.unescape(x) for key, x in re.findall(r'data-(\w+)="([^"]*)"', root)}
        self.told: dict[str, Any] = {**told, "loaded": json.loads(told["loaded"])}


@pytest.mark.parametrize("width", [400, 1400])
def test_a_browser_shows_every_row_and_asks_nobody(
    width: int, compared: tuple[Path, Done], browser: str, tmp_path: Path
) -> None:
    out, _ = compared
    source = (out / "compare.html").read_text("utf-8")
    shown = Shown(browser, source, tmp_path, f"--window-size={width},3000")
    assert shown.console == []
    assert shown.told["loaded"] == []
    assert int(shown.told["beyond"]) <= 0, "wide tables scroll in themselves, the page does not"
    assert "재미있다" in shown.dom
    assert shown.dom.count("<tr>") == source.count("<tr>")
    page = Page(shown.dom.replace(PROBE, ""))
    for name in standings(out):
        assert name in page.words
    assert any(HOSTILE in words for words in page.words)


def test_on_a_dark_screen_the_page_is_dark(
    compared: tuple[Path, Done], browser: str, tmp_path: Path
) -> None:
    source = (compared[0] / "compare.html").read_text("utf-8")
    shown = Shown(browser, source, tmp_path, "--blink-settings=preferredColorScheme=0")
    assert shown.told["dark"] == "true"
    ground, ink = (
        sum(map(int, re.findall(r"\d+", shown.told[name])[:3])) / 3 for name in ("ground", "ink")
    )
    assert ground < 60 < 180 < ink


def test_the_browser_would_tell(browser: str, tmp_path: Path) -> None:
    """A page that does what compare.html must not is found out."""
    bad = (
        "<html><head></head><body><div style='width: 3000px'>x</div>"
        "<img src='http://example.invalid/x.png'><script>console.error('oh')</script></body></html>"
    )
    shown = Shown(browser, bad, tmp_path, "--window-size=400,400")
    assert any("oh" in line for line in shown.console)
    assert shown.told["loaded"] == ["http://example.invalid/x.png"]
    assert int(shown.told["beyond"]) > 0
