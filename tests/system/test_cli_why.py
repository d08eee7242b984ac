"""`munjang explain`: why an answer, on the terminal and in files that anybody can open."""

import html
import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.planted import make_planted
from tests.system.browsers import Page, RenderedPage
from tests.system.commands import call, control_characters, invoke, write_table

TEXT = "the film was zorpel and 정말 the plot"
HOSTILE = "<script>alert(1)</script> zorpel &amp; \x1b[31m שלום"
SMALL = (
    *("--tokenizer", "words", "--quiet", "--set", "training.epochs=4"),
    *("--set", "model.dim=8", "--set", "training.batch_size=8", "--set", "training.threads=1"),
    *("--set", "training.learning_rate=0.02", "--set", "training.embedding_learning_rate=0.05"),
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CNN that has learned which word decides."""
    folder = tmp_path_factory.mktemp("planted")
    table = write_table(folder / "data.csv", zip(*make_planted(120), strict=True))
    result = invoke("train", table, "--model", "cnn", "--out", folder / "m", *SMALL)
    assert result.code == 0, result.err
    return folder / "m"


def test_words_are_listed_with_signed_shares(model: Path) -> None:
    result = invoke("explain", model, TEXT)
    assert (result.code, result.err) == (0, "")
    lines = result.out.splitlines()
    assert lines[0] == "answer: yes"
    assert "log odds of yes" in lines[1]
    assert "explains 1.00 of 1.00" in lines[1]
    assert TEXT in lines
    table = [line.split() for line in lines[lines.index(TEXT) :] if line.split()]
    assert table[3][0] == "zorpel"
    assert table[3][1].startswith("+")
    assert "method exact; baseline: zero vectors" in result.out


def test_json_holds_all_shares(model: Path, tmp_path: Path) -> None:
    out = tmp_path / "why.json"
    result = invoke("explain", model, TEXT, "--json", "--out", out, "--method", "integrated")
    values = json.loads(result.out)
    assert values == json.loads(out.read_text("utf-8"))
    (score,) = values["scores"]
    (text,) = score["texts"]
    assert [word["text"].strip() for word in text["words"]] == TEXT.split()
    total = sum(word["share"] for word in text["words"])
    total += text["rest"] + sum(special["share"] for special in score["specials"])
    assert total == pytest.approx(score["sum"], abs=1e-3)
    assert score["sum"] == pytest.approx(score["value"] - score["base"], rel=0.01, abs=1e-3)
    assert values["method"] == "integrated"
    assert score["steps"] >= 8


def test_other_class_turns_the_signs(model: Path) -> None:
    yes, no = (
        json.loads(invoke("explain", model, TEXT, "--class", name, "--json").out)["scores"][0]
        for name in ("yes", "no")
    )
    assert yes["value"] == pytest.approx(-no["value"], abs=1e-3)


def test_svg_is_well_formed_and_holds_words_and_shares(model: Path, tmp_path: Path) -> None:
    out = tmp_path / "why.svg"
    result = invoke("explain", model, f"{TEXT} <b>&", "--out", out)
    assert (result.code, result.out) == (0, "")
    drawn = ET.fromstring(out.read_text("utf-8"))
    space = "{http://www.w3.org/2000/svg}"
    texts = [text.text for text in drawn.iter(f"{space}text")]
    assert {"zorpel", "정말", "<b>&"} <= set(texts)
    titles = [title.text or "" for title in drawn.iter(f"{space}title")]
    assert any(title.startswith("zorpel +") for title in titles)


@pytest.fixture(scope="module")
def page(model: Path) -> str:
    """Of a text that would like to be HTML."""
    out = model.with_name("why.html")
    result = invoke("explain", model, HOSTILE, "--out", out)
    assert (result.code, result.out) == (0, "")
    return out.read_text("utf-8")


def test_page_is_complete_inert_and_self_contained(page: str) -> None:
    read = Page(page)
    assert not read.open
    assert "http" not in page
    assert not {"link", "img", "iframe", "script"} & set(read.tags)
    assert {"zorpel", "שלום", "alert"} <= set(read.words)
    assert not control_characters(page)


def test_browser_shows_the_page_in_any_width(page: str, browser: str, tmp_path: Path) -> None:
    for width in (400, 1400):
        framed = (
            f'<html><head></head><body><iframe id="framed" style="border: 0" width="{width}" '
            f'height="900" srcdoc="{html.escape(page)}"></iframe><script>'
            'addEventListener("load", () => { const root = framed.contentDocument.documentElement;'
            "document.body.dataset.probe = JSON.stringify({ beyond: root.scrollWidth - "
            "root.clientWidth }); });</script></body></html>"
        )
        shown = RenderedPage(browser, framed, tmp_path, "--window-size=1600,1000")
        measured = json.loads(html.unescape(shown.dom.split('data-probe="')[1].split('"')[0]))
        assert measured["beyond"] <= 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--method", "shap"), "unknown method 'shap'"),
        (("--class", "yess"), "unknown class 'yess'; did you mean 'yes'"),
        (("--baseline", "mean"), "baseline: expected zero with the method exact, got 'mean'"),
        (("--head", 0), "--head: is for --view attention; the view here is why"),
        (("--view", "wy"), "unknown view 'wy'; did you mean 'why'"),
        (("--target", "x"), "is for models that write text"),
        (("--out", "why.gif"), "why.gif: expected a file name that ends in one of .html,"),
        (("second text",), "expected one text to explain, got 2"),
    ],
)
def test_errors_are_one_line(
    options: tuple[object, ...], message: str, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = call(capsys, "explain", model, TEXT, *options)
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
    assert message in result.err


def test_text_without_a_token_is_refused(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = call(capsys, "explain", model, " ")
    assert (result.code, result.err.count("\n")) == (2, 1)
    assert "no token is found" in result.err
