"""Pages in a real browser: axe-core finds nothing serious, and no request is made."""

import re
import unicodedata
from pathlib import Path
from typing import Literal

import pytest

from tests.synthetic import make_corpus
from tests.system.browsers import RenderedPage, find_violations
from tests.system.commands import invoke, write_table

TEXT = "정말 영화가 지루하다 but the end is good 😀"
SMALL = (
    *("--set", "model.dim=8", "--set", "training.epochs=2", "--set", "training.threads=1"),
    *("--tokenizer", "words", "--quiet"),
)
MODELS = {
    "cnn": ("--set", "model.filters=4", "--set", "model.bag_dim=0"),
    "lstm": ("--set", "model.bag_dim=0", "--set", "model.hidden_dim=8"),
    "transformer": ("--set", "model.heads=2", "--set", "model.layers=2"),
}
# Arguments of the commands that write a page, by its name.
PAGES = {
    "report in Korean": ("report", "{cnn}", "{table}", "--language", "ko"),
    "report": ("report", "{lstm}", "{table}"),
    "curves": ("report", "{lstm}"),
    "errors": ("errors", "{cnn}", "{table}"),
    "calibration": ("calibrate", "{copy}", "{table}"),
    "why": ("explain", "{cnn}", TEXT, "--view", "why"),
    "why, of a class": ("explain", "{lstm}", TEXT, "--view", "why", "--class", "so-so"),
    "surprisal": ("explain", "{language}", TEXT, "--view", "surprisal"),
    "attention": ("explain", "{transformer}", TEXT, "--view", "attention"),
    "word": ("explain", "{transformer}", TEXT, "--view", "word", "--word", "good"),
    "memory of a text": ("explain", "{lstm}", TEXT, "--view", "memory"),
    "gates": ("explain", "{lstm}", TEXT, "--view", "gates"),
    "filters of a text": ("explain", "{cnn}", TEXT, "--view", "filters"),
    "memory": ("inspect", "{lstm}", "{transformer}", "{table}", "--view", "memory"),
    "units": ("inspect", "{lstm}", "{table}", "--view", "units"),
    "filters": ("inspect", "{cnn}", "{table}", "--view", "filters"),
    "texts": ("inspect", "{lstm}", "{table}", "--view", "texts"),
}


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Model folders and the table they were trained on, by name."""
    folder = tmp_path_factory.mktemp("pages")
    texts, labels = make_corpus(90, korean=True)
    rows = [(f"{text} <b>&", label) for text, label in zip(texts, labels, strict=True)]
    found = {"table": write_table(folder / "data.csv", rows)}
    for name, options in MODELS.items():
        for copy in [name, "copy"] if name == "cnn" else [name]:
            found[copy] = folder / copy
            command = ("train", found["table"], "--out", found[copy], "--model", name)
            result = invoke(*command, *SMALL, *options)
            assert result.code == 0, result.err
    lines = folder / "lines.txt"
    lines.write_text("\n".join(texts), encoding="utf-8")
    found["language"] = folder / "language"
    command = ("train", lines, "--out", found["language"], "--task", "language", "--quiet")
    small = ("--set", "training.max_steps=2", "--set", "model.hidden_dim=8")
    assert invoke(*command, *small, "--set", "model.dim=8").code == 0
    return found


@pytest.mark.parametrize("name", list(PAGES))
def test_page_is_accessible(
    name: str, places: dict[str, Path], browser: str, tmp_path: Path
) -> None:
    page = tmp_path / "written.html"
    arguments = [argument.format(**places) for argument in PAGES[name]]
    result = invoke(*arguments, "--out", page)
    assert result.code == 0, result.err
    source = page.read_text("utf-8")
    boxes = re.findall(r'<div[^>]*tabindex="0"[^>]*aria-label="([^"]*)"', source)
    assert "" not in boxes
    assert len(boxes) == len(set(boxes)) == len(re.findall(r'<div[^>]*tabindex="0"', source))
    assert find_violations(browser, source, tmp_path) == []


# Typed into the search field, as a person does.
SEARCH = """<script>addEventListener("load", () => {
  const field = document.querySelector("#query");
  field.value = "%s";
  field.dispatchEvent(new Event("input"));
  const root = document.documentElement, count = (s) => document.querySelectorAll(s).length;
  root.dataset.found = count(".points .found");
  root.dataset.off = count(".points .off");
  root.dataset.listed = count("details tbody tr:not([hidden])");
  root.dataset.told = document.querySelector("output").textContent;
});</script>"""


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_texts_are_found_on_the_map(
    form: Literal["NFC", "NFD"], places: dict[str, Path], browser: str, tmp_path: Path
) -> None:
    page = tmp_path / "written.html"
    command = ("inspect", places["lstm"], places["table"], "--view", "texts", "--quiet")
    assert invoke(*command, "--out", page).code == 0
    source, word = page.read_text("utf-8"), "정말"
    texts = [line for line in places["table"].read_text("utf-8").splitlines()[1:] if word in line]
    assert 0 < len(texts) < 90
    typed = SEARCH % unicodedata.normalize(form, word)
    shown = RenderedPage(browser, source.replace("</body>", f"{typed}</body>"), tmp_path)
    assert (shown.console, shown.probe["loaded"]) == ([], [])
    assert [int(shown.probe[key]) for key in ("found", "off")] == [len(texts), 90 - len(texts)]
    assert int(shown.probe["listed"]) == len(texts)
    assert shown.probe["told"] == f"{len(texts)} of 90 texts"
    assert source.count("<tr>") > 90, "without a script, the texts are in a table"
    assert '<p class="search" hidden>' in source


@pytest.mark.parametrize(
    "options", [("--blink-settings=preferredColorScheme=0",), ("--window-size=500,3000",)]
)
def test_report_in_the_dark_and_on_a_narrow_screen(
    options: tuple[str, ...], places: dict[str, Path], browser: str, tmp_path: Path
) -> None:
    page = tmp_path / "written.html"
    assert invoke("report", places["cnn"], places["table"], "--out", page, "--quiet").code == 0
    source = page.read_text("utf-8")
    shown = RenderedPage(browser, source, tmp_path, *options)
    assert shown.probe["loaded"] == []
    assert shown.console == []
    assert int(shown.probe["beyond"]) <= 0
    assert shown.probe["dark"] == ("true" if "Color" in options[0] else "false")
    assert find_violations(browser, source, tmp_path, *options) == []


def test_serious_findings_are_reported(browser: str, tmp_path: Path) -> None:
    bad = (
        "<html><head><title>t</title></head><body><main><h1>t</h1><p>a</p>"
        '<p style="color:#ddd;background:#fff">faint</p><img src="data:,"></main></body></html>'
    )
    rules = {rule for _, rule, *_ in find_violations(browser, bad, tmp_path)}
    assert {"color-contrast", "image-alt", "html-has-lang"} <= rules
