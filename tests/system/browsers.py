"""Pages: read by a parser, and as a real browser shows them, which has nobody to ask."""

import html
import json
import re
import subprocess
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from tests.system.commands import TIMEOUT

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


# Asked of the page by itself, after it was drawn: what it loaded, and whether it is too wide.
PROBE = """<script>addEventListener("load", () => {
  const root = document.documentElement;
  root.dataset.loaded = JSON.stringify(performance.getEntriesByType("resource").map(e => e.name));
  root.dataset.beyond = root.scrollWidth - root.clientWidth;
  root.dataset.dark = matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.ground = getComputedStyle(document.body).backgroundColor;
  root.dataset.ink = getComputedStyle(document.querySelector("svg text") || root).fill;
});</script>"""


class RenderedPage:
    """A page as a browser has drawn it.

    Attributes:
        dom: its HTML, after everything ran.
        console: what the browser noted of it.
        probe: what the probe found.
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
        result = subprocess.run(command, capture_output=True, timeout=TIMEOUT, check=True)
        self.dom = result.stdout.decode()
        self.console = [x for x in result.stderr.decode().splitlines() if "CONSOLE" in x]
        root = self.dom[self.dom.index("<html") : self.dom.index("<head")]
        values = {key: html.unescape(x) for key, x in re.findall(r'data-(\w+)="([^"]*)"', root)}
        self.probe: dict[str, Any] = {**values, "loaded": json.loads(values["loaded"])}


# Impacts of the findings of axe-core that are not accepted; others are "minor" and "moderate".
SERIOUS = ("serious", "critical")
_AXE = """<script>addEventListener("load", () => axe.run().then(found => {
  document.documentElement.dataset.violations = JSON.stringify(found.violations.map(
    v => [v.impact, v.id, v.nodes.length, v.nodes[0].html.slice(0, 200)]));
  document.documentElement.dataset.passes = found.passes.length;
}));</script>"""


def find_violations(browser: str, source: str, folder: Path, *options: str) -> list[list[Any]]:
    """Return the serious findings of axe-core on a page: impact, rule, places, the first one."""
    pytest.importorskip(
        "axe_playwright_python",
        reason="needs axe-core, which make .venv/.installed-dev installs",
        exc_type=ImportError,
    )
    script = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
    framed = source.replace("</body>", f"<script>{script}</script>{_AXE}</body>")
    shown = RenderedPage(browser, framed, folder, "--virtual-time-budget=30000", *options)
    assert int(shown.probe["passes"]) > 5, "axe-core did not run"
    found: list[list[Any]] = json.loads(shown.probe["violations"])
    return [each for each in found if each[0] in SERIOUS]
