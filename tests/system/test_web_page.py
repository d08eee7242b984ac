"""A page of `munjang export web` in a real browser: typed into, judged by axe-core, offline."""

import json
import os
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import munjang
from tests.synthetic import make_corpus
from tests.system.commands import invoke, write_table
from tests.system.devtools import Devtools, Tab, find_violations, open_devtools
from tests.web_pages import make_package

pytestmark = pytest.mark.usefixtures("one_thread")

TEXT = "정말 영화가 지루하다 but the end is good 😀"
HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script> \u202e good &amp; \"'</textarea>"
SMALL = (
    *("--set", "model.dim=8", "--set", "training.epochs=3", "--set", "training.threads=1"),
    *("--tokenizer", "words", "--set", "model.bag_dim=0", "--quiet"),
)
MODELS = {
    "cnn": ("--set", "model.filters=4"),
    "lstm": ("--set", "model.hidden_dim=8"),
    "transformer": ("--set", "model.heads=2"),
}
ONNX_MODELS = {
    "bert": ("--set", "model.heads=2", "--set", "model.layers=2"),
    "cnn": ("--tokenizer", "words", "--set", "model.subword_ngrams=4", "--set", "model.filters=4"),
}
ONNX_TEXTS = [
    TEXT,
    "good",
    unicodedata.normalize("NFD", "정말 재미있는 한글 영화 zzz good"),
    "café 👨‍👩‍👧 <b>bad</b> 漢字 3.14%",
    "the film is long 재미있다 " * 30,
]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Model folders, and a page of each, by name."""
    folder = tmp_path_factory.mktemp("web")
    texts, labels = make_corpus(90, korean=True)
    rows = [(f"{text} <b>&", f"{label} <i>") for text, label in zip(texts, labels, strict=True)]
    table = write_table(folder / "data.csv", rows)
    for name, options in MODELS.items():
        out = folder / name
        assert invoke("train", table, "--out", out, "--model", name, *SMALL, *options).code == 0
        language = ("--language", "ko") if name == "lstm" else ()
        result = invoke("export", "web", out, out.with_suffix(".html"), *language)
        assert result.code == 0, result.err
        assert "page written to" in result.out
    return {name: folder / f"{name}.html" for name in MODELS}


@pytest.fixture(scope="module")
def package() -> Path:
    """The npm package onnxruntime-web, which the repository does not hold."""
    folder = os.environ.get("MUNJANG_ONNXRUNTIME_WEB")
    if not folder:
        pytest.skip(
            "set MUNJANG_ONNXRUNTIME_WEB to node_modules/onnxruntime-web, which npm install "
            "onnxruntime-web makes"
        )
    return Path(folder)


@pytest.fixture(scope="module")
def devtools(browser: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devtools]:
    with open_devtools(browser, tmp_path_factory.mktemp("profile")) as started:
        yield started


@contextmanager
def open_page(
    devtools: Devtools, path: Path, *, width: int = 1000, dark: bool = False
) -> Iterator[Tab]:
    tab = Tab(devtools, width=width)
    try:
        tab.prefer("dark" if dark else "light")
        tab.open(path.as_uri())
        yield tab
    finally:
        tab.close()


def text_of(page: Tab, selector: str) -> str:
    """Return the text that is seen in an element."""
    found: str = page.run(f"document.querySelector({json.dumps(selector)}).innerText")
    return found


def write(page: Tab, text: str) -> None:
    page.run("document.getElementById('text').focus()")
    page.run("document.getElementById('text').select()")
    page.type(text)
    page.wait_for("!document.getElementById('why').hidden")


def test_library_that_does_not_run_is_told(
    pages: dict[str, Path], devtools: Devtools, tmp_path: Path
) -> None:
    path = tmp_path / "page.html"
    made_up = ("--onnxruntime-web", make_package(tmp_path))
    result = invoke("export", "web", pages["cnn"].with_suffix(""), path, *made_up)
    assert result.code == 0, result.err
    with open_page(devtools, path) as page:
        page.wait_for("document.body.classList.contains('live')")
        assert text_of(page, "#wrong").startswith("This browser cannot run the model: TypeError")
        assert page.run("document.getElementById('loading').hidden")
        write = "document.getElementById('text').value = 'good';"
        page.run(f"{write} document.getElementById('text').dispatchEvent(new InputEvent('input'))")
        assert page.run("document.getElementById('result').hidden")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bert", "cnn"])
def test_page_computes_with_onnxruntime_web(
    name: str, package: Path, devtools: Devtools, tmp_path: Path
) -> None:
    texts, labels = make_corpus(90, korean=True)
    table = write_table(tmp_path / "data.csv", zip(texts, labels, strict=True))
    out, path = tmp_path / name, tmp_path / f"{name}.html"
    # a cnn reads words out of vocabulary by their letters, which a graph gets besides ids
    steps = ("--set", "training.max_steps=20", "--set", "training.threads=1", "--quiet")
    settings = ("--set", "model.dim=16", *ONNX_MODELS[name], *steps)
    assert invoke("train", table, "--out", out, "--model", name, *settings).code == 0
    result = invoke("export", "web", out, path, "--onnxruntime-web", package)
    assert result.code == 0, result.err
    model = munjang.load(out)
    with open_page(devtools, path) as page:
        page.set_offline(True)
        page.wait_for("document.body.classList.contains('live')")
        assert page.run("document.getElementById('wrong').hidden")
        assert page.run("document.getElementById('loading').hidden")
        for text in ONNX_TEXTS:
            write(page, text)
            page.wait_for(
                f"document.getElementById('shaded').textContent === {json.dumps(text)} "
                "&& document.querySelector('#numbers td')"
            )
            (answer,) = model.predict(text)
            expected = f"{answer.label}, probability {answer.probability:.4f}"
            assert text_of(page, "#answer") == expected
            found = page.run(
                "[...document.querySelectorAll('#numbers td')].map(c => +c.textContent)"
            )
            (row,) = model.why(text, method="leave_one_out").rows
            assert found[-2:] == pytest.approx([row.base, row.value], abs=1e-4)
            values = row.texts[0].words.values.tolist()
            assert sum(found[:-2]) == pytest.approx(sum(values), abs=1e-4)
        assert page.console == []
        assert [each["url"] for each in page.requests] == [path.as_uri()]


@pytest.mark.parametrize("name", list(MODELS))
def test_page_answers_and_shows_why(
    name: str, pages: dict[str, Path], devtools: Devtools, tmp_path: Path
) -> None:
    model = munjang.load(pages[name].with_suffix(""))
    (answer,) = model.predict(TEXT)
    with open_page(devtools, pages[name]) as page:
        assert page.run("document.getElementById('result').hidden")
        write(page, TEXT)
        word = "확률" if name == "lstm" else "probability"
        assert text_of(page, "#answer") == f"{answer.label}, {word} {answer.probability:.4f}"
        assert text_of(page, "#shaded") == TEXT
        words = page.run("[...document.querySelectorAll('#shaded span')].map(s => s.textContent)")
        assert words == TEXT.split()
        shares = page.run("[...document.querySelectorAll('#numbers td')].map(c => +c.textContent)")
        method = "exact" if name == "cnn" else "leave_one_out"
        (row,) = model.why(TEXT, method=method).rows
        assert shares[: len(words)] == pytest.approx(row.texts[0].words.values.tolist(), abs=1e-4)
        assert shares[-2:] == pytest.approx([row.base, row.value], abs=1e-4)
        page.wait_for("document.getElementById('said').textContent.length > 0")
        assert text_of(page, "#said") == text_of(page, "#answer")
        assert page.run("document.getElementById('wrong').hidden")
        assert page.console == []
        assert [each["url"] for each in page.requests] == [pages[name].as_uri()]


def test_label_is_chosen_by_keyboard(
    pages: dict[str, Path], devtools: Devtools, tmp_path: Path
) -> None:
    with open_page(devtools, pages["cnn"]) as page:
        write(page, TEXT)
        before = text_of(page, "#score")
        others = "#labels button[aria-pressed=false]"
        for _ in range(4):
            page.press("Tab", 9)
            if page.run(f"document.activeElement.matches('{others}')"):
                break
        label = page.run("document.activeElement.textContent")
        page.enter()
        assert text_of(page, "#score").startswith(f"Score: logit of {label} minus")
        assert text_of(page, "#score") != before
        assert page.run("document.activeElement.getAttribute('aria-pressed')") == "true"


def test_nothing_is_answered_while_a_syllable_is_composed(
    pages: dict[str, Path], devtools: Devtools, tmp_path: Path
) -> None:
    with open_page(devtools, pages["cnn"]) as page:
        page.run("document.getElementById('text').focus()")
        for part in ("ㅈ", "지", "질"):
            page.compose(part)
        assert page.run("document.getElementById('text').value") == "질"
        assert page.run("document.getElementById('result').hidden")
        page.type("질")
        page.wait_for("!document.getElementById('result').hidden")
        assert page.run("document.getElementById('text').value") == "질"


def test_hostile_texts_are_shown_as_they_are(
    pages: dict[str, Path], devtools: Devtools, tmp_path: Path
) -> None:
    with open_page(devtools, pages["cnn"]) as page:
        count = page.run("document.querySelectorAll('img, script').length")
        write(page, HOSTILE)
        assert page.run("document.getElementById('shaded').textContent") == HOSTILE
        assert page.run("document.querySelectorAll('img, script').length") == count
        assert page.console == []
        # what a page may do, even if a text became HTML
        policy = "document.querySelector('meta[http-equiv]').content"
        assert page.run(policy).startswith("default-src 'none'; script-src 'sha256-")
        write(page, "a \x00 " * 3000)
        assert text_of(page, "#cut")
        page.run("document.getElementById('text').value = ' '")
        page.run("document.getElementById('text').dispatchEvent(new InputEvent('input'))")
        assert page.run("document.getElementById('result').hidden")


@pytest.mark.parametrize(("name", "width", "dark"), [("cnn", 1000, False), ("lstm", 360, True)])
def test_page_is_accessible_and_fits(
    name: str, width: int, dark: bool, pages: dict[str, Path], devtools: Devtools, tmp_path: Path
) -> None:
    with open_page(devtools, pages[name], width=width, dark=dark) as page:
        write(page, TEXT)
        page.run("document.querySelector('details').open = true")
        assert find_violations(page) == []
        root = "document.documentElement"
        assert page.run(f"{root}.scrollWidth - {root}.clientWidth") <= 0


def test_broken_arithmetic_is_told(
    pages: dict[str, Path], devtools: Devtools, tmp_path: Path
) -> None:
    source = pages["cnn"].read_text("utf-8")
    model = source.split('id="model">')[1].split("</script>")[0]
    changed = json.loads(model)
    changed["checks"][0]["logits"][0] += 0.01
    other = tmp_path / "other.html"
    other.write_text(source.replace(model, json.dumps(changed).replace("<", "\\u003c")), "utf-8")
    with open_page(devtools, other) as page:
        assert not page.run("document.getElementById('wrong').hidden")


def test_command_refuses_what_is_there_and_says_what_rounding_costs(
    pages: dict[str, Path], tmp_path: Path
) -> None:
    folder, page = pages["cnn"].with_suffix(""), tmp_path / "page.html"
    page.write_text("mine")
    result = invoke("export", "web", folder, page)
    assert result.code == 2
    assert "this file exists; choose another name, or add --overwrite" in result.err
    assert page.read_text() == "mine"
    result = invoke("export", "web", folder, page, "--overwrite", "--int8", "--title", "Films")
    assert result.code == 0, result.err
    assert "logits of texts made of its vocabulary differ by 0.0" in result.err
    assert "<title>Films</title>" in page.read_text("utf-8")
    result = invoke("export", "web", folder, tmp_path / "other.html", "--language", "fr")
    assert result.code == 2
    assert result.err.strip() == "munjang: language: expected en or ko, got 'fr'"
