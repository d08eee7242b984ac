"""`munjang explain --view attention`: on the terminal, and in files that anybody can open."""

import html
import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.synthetic import make_corpus
from tests.system.browsers import Page, RenderedPage
from tests.system.commands import call, invoke, write_table

SENTENCE = "정말 영화가 שלום مرحبا <b>&재미있다 "
LONG = " ".join(["배우", "음악", "줄거리", "שלום", "<script>alert(1)</script>"] * 5 + ["영화"] * 40)
ATTENTION = ("--view", "attention")
SMALL = (
    *("--set", "model.dim=16", "--set", "model.bag_dim=0", "--set", "training.epochs=1"),
    *("--set", "training.threads=1", "--quiet"),
)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    texts, labels = make_corpus(60, korean=True)
    rows = zip(texts, labels, strict=True)
    return write_table(tmp_path_factory.mktemp("made") / "data.csv", rows)


def train_model(table: Path, *options: object) -> Path:
    out = table.with_name("-".join(map(str, options)))
    result = invoke("train", table, "--out", out, "--tokenizer", "words", *SMALL, *options)
    assert result.code == 0, result.err
    return out


@pytest.fixture(scope="module")
def transformer(table: Path) -> Path:
    return train_model(table, "--model", "transformer")


@pytest.fixture(scope="module")
def pooled(table: Path) -> Path:
    return train_model(table, "--model", "gru", "--set", "model.pooling=attention")


def test_strongest_weights_are_printed(transformer: Path) -> None:
    result = invoke("explain", transformer, "영화 정말 재미있다", *ATTENTION)
    assert (result.code, result.err) == (0, "")
    lines = [line.split() for line in result.out.splitlines() if line.strip()]
    rows = {line[0]: line[1:] for line in lines if line[0] in ("영화", "정말", "재미있다")}
    assert len(rows) == 3
    for row in rows.values():
        assert set(row[::2]) == {"영화", "정말", "재미있다"}, "all three, as there are no more"
        weights = [float(figure) for figure in row[1::2]]
        assert weights == sorted(weights, reverse=True)
        assert sum(weights) == pytest.approx(1, abs=0.02)


def test_attention_pooling_has_one_row(pooled: Path) -> None:
    result = invoke("explain", pooled, "영화 정말 재미있다", *ATTENTION, "--json")
    actual = json.loads(result.out)
    (only,) = actual["maps"]
    assert (only["kind"], only["columns"]) == ("pooling", ["영화", "정말", "재미있다"])
    assert sum(only["weights"][0]) == pytest.approx(1, abs=1e-3)
    shown = invoke("explain", pooled, "영화 정말", *ATTENTION)
    assert shown.out.startswith("attention pooling of the text")


def test_json_file_equals_json_output(transformer: Path, tmp_path: Path) -> None:
    out = tmp_path / "seen.json"
    selection = ("--kind", "source", "--layer", "-1", "--head", 0)
    result = invoke(
        "explain", transformer, SENTENCE, *ATTENTION, "--out", out, "--json", *selection
    )
    actual = json.loads(out.read_text("utf-8"))
    assert actual == json.loads(result.out)
    assert [(one["layer"], one["head"]) for one in actual["maps"]] == [(1, 0)]
    assert actual["text"] == SENTENCE


def test_svg_is_well_formed_and_names_korean_fonts(transformer: Path, tmp_path: Path) -> None:
    out = tmp_path / "seen.svg"
    result = invoke("explain", transformer, SENTENCE, *ATTENTION, "--out", out)
    assert (result.code, result.out) == (0, "")
    drawn = ET.fromstring(out.read_text("utf-8"))
    space = "{http://www.w3.org/2000/svg}"
    titles = {title.text for title in drawn.iter(f"{space}title")}
    assert {"정말", "영화가", "재미있다", "שלום", "<"} <= titles
    texts = [text.text for text in drawn.iter(f"{space}text")]
    assert {"정말", "영화가", "재미있다", "שלום", "<"} <= set(texts)
    assert "Noto Sans CJK KR" in drawn.attrib["font-family"]
    assert drawn.attrib["font-family"].endswith("sans-serif"), "else the system's own"


@pytest.fixture(scope="module")
def page(transformer: Path) -> str:
    """Of a long text, some of which would like to be HTML."""
    out = transformer.with_name("seen.html")
    result = invoke("explain", transformer, LONG, *ATTENTION, "--out", out)
    assert (result.code, result.out) == (0, "")
    return out.read_text("utf-8")


def test_page_is_complete_and_self_contained(page: str) -> None:
    read = Page(page)
    assert not read.open
    assert "http" not in page
    assert not {"link", "img", "iframe"} & set(read.tags)
    assert read.tags.count("button") == 11, "two layers: four heads each, and their mean; rollout"
    assert read.tags.count("bdi") > 2 * 60, "a name for each row and each column"
    assert {"배우", "שלום", "script", "alert"} <= set(read.words)


# Done by the page itself, before it is read.
SELECT_HEAD_SCRIPT = """<script>
  document.body.dataset.before = document.querySelector("caption").textContent;
  document.querySelectorAll("button")[7].click();
  document.body.dataset.bad = [...document.querySelectorAll("tbody tr")].filter(row => {
    const cells = [...row.querySelectorAll("td")];
    const sum = cells.reduce((all, cell) => all + Number(cell.title.match(/[0-9.]+$/)[0]), 0);
    return Math.abs(sum - 1) > .005 * cells.length + .001;
  }).length;
</script>"""


def test_browser_shows_selected_head_without_requests(
    page: str, browser: str, tmp_path: Path
) -> None:
    shown = RenderedPage(browser, page.replace("</body>", SELECT_HEAD_SCRIPT + "</body>"), tmp_path)
    assert shown.console == []
    assert shown.probe["loaded"] == []
    assert 'data-before="layer 1, mean of heads"' in shown.dom
    assert ">layer 1, head 1</caption>" in shown.dom
    assert 'data-bad="0"' in shown.dom, "each row of the chosen head is 1 in all"
    assert "<script>alert" not in shown.dom


# A window of a browser has a least width; a frame has none.
IFRAME_PAGE = """<html><head></head><body><iframe id="framed" style="border: 0" width="{width}"
height="900" srcdoc="{page}"></iframe><script>addEventListener("load", () => {{
  const root = framed.contentDocument.documentElement, map = root.querySelector(".map");
  map.scrollLeft = map.scrollTop = 300;
  const [corner, left, top] = ["td", "tbody tr:nth-child(40) th", "th:nth-child(40)"].map(
    name => map.querySelector(name).getBoundingClientRect());
  document.body.dataset.probe = JSON.stringify({{
    width: framed.contentWindow.innerWidth, beyond: root.scrollWidth - root.clientWidth,
    scrolled: map.scrollLeft, left: left.left - map.getBoundingClientRect().left,
    top: top.bottom - corner.bottom }});
}});</script></body></html>"""


@pytest.mark.parametrize("width", [400, 1400])
def test_page_is_not_wider_than_its_window(
    width: int, page: str, browser: str, tmp_path: Path
) -> None:
    framed = IFRAME_PAGE.format(width=width, page=html.escape(page))
    shown = RenderedPage(browser, framed, tmp_path, "--window-size=1600,1000")
    measured = json.loads(html.unescape(shown.dom.split('data-probe="')[1].split('"')[0]))
    assert measured["width"] == width
    assert measured["beyond"] <= 0, "a wide map scrolls in itself, the page does not"
    assert measured["scrolled"] == 300
    assert abs(measured["left"]) <= 1, "the names of rows stay in sight"
    assert abs(measured["top"]) <= 1, "the names of columns stay in sight"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--out", "seen.gif"), "seen.gif: expected a file name that ends in one of .html,"),
        (("--out", "no/where.svg"), "no/where.svg: No such file or directory"),
        (("--method", "exact"), "--method: is for --view why; the view here is attention"),
        (("--layer", 2), "there is no layer 2 of source; layers are 0 to 1"),
        (("--head", 4), "there is no head 4 of source; heads are 0 to 3"),
        (("--kind", "cross"), "this model has no attention of kind 'cross'; it has source"),
        (("--target", "an answer"), "is for models that write text"),
    ],
)
def test_errors_are_one_line(
    options: tuple[object, ...], message: str, transformer: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = call(capsys, "explain", transformer, "영화", *ATTENTION, *options)
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
    assert message in result.err


def test_models_without_attention_name_those_with_attention(
    model: Path, transformer: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = call(capsys, "explain", model, "영화", *ATTENTION)
    assert result.code == 2
    assert (
        "this model (mean) has no attention to show; attentive, bert and transformer" in result.err
    )
    empty = call(capsys, "explain", transformer, " ", *ATTENTION)
    assert empty.code == 2
    assert "no token is found" in empty.err
