"""`munjang inspect`, and the views of one text that look inside, in every form."""

import html
import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.synthetic import make_corpus
from tests.system.browsers import Page, RenderedPage
from tests.system.commands import call, invoke, write_table

HOSTILE = "정말 영화가 שלום <script>alert(1)</script> &amp; 재미있다"
SMALL = (
    *("--set", "model.dim=8", "--set", "model.bag_dim=0", "--set", "training.epochs=1"),
    *("--set", "training.threads=1", "--tokenizer", "words", "--quiet"),
)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    texts, labels = make_corpus(60, korean=True)
    rows = [(f"{text} <b>&", label) for text, label in zip(texts, labels, strict=True)]
    return write_table(tmp_path_factory.mktemp("made") / "data.csv", rows)


def train_model(table: Path, name: str, *options: object) -> Path:
    out = table.with_name(f"my {name}")
    result = invoke("train", table, "--out", out, "--model", name, *SMALL, *options)
    assert result.code == 0, result.err
    return out


@pytest.fixture(scope="module")
def rnn(table: Path) -> Path:
    return train_model(table, "rnn")


@pytest.fixture(scope="module")
def lstm(table: Path) -> Path:
    return train_model(table, "lstm")


@pytest.fixture(scope="module")
def cnn(table: Path) -> Path:
    return train_model(table, "cnn", "--set", "model.filters=4")


def check_page(page: str) -> Page:
    read = Page(page)
    assert not read.open
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")
    assert not {"link", "img", "iframe"} & set(read.tags)
    assert "<script>alert" not in page
    assert "<b>&" not in page
    return read


def test_memory_of_several_models_is_one_picture(rnn: Path, lstm: Path, table: Path) -> None:
    out = table.with_name("memory.svg")
    options = ("--view", "memory", "--out", out, "--json", "--texts", 30)
    result = invoke("inspect", rnn, lstm, table, *options)
    assert result.code == 0, result.err
    curves = json.loads(result.out)["curves"]
    assert [(curve["name"], curve["moment"]) for curve in curves] == [
        *(("my rnn", "before"), ("my rnn", "after")),
        *(("my lstm", "before"), ("my lstm", "after")),
    ]
    drawn = ET.fromstring(out.read_text("utf-8"))
    texts = [text.text or "" for text in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert texts.count("my rnn") == texts.count("my lstm") == 2
    assert sum("half-life" in text for text in texts) == 4
    dashed = [one for one in drawn.iter("{http://www.w3.org/2000/svg}path")
              if one.get("stroke-dasharray")]  # fmt: skip
    assert len(dashed) == 2, "before training"


def test_memory_is_a_table_on_the_terminal_and_a_page(rnn: Path, table: Path) -> None:
    result = invoke("inspect", rnn, table, "--view", "memory", "--quiet", "--distance", 5)
    assert result.code == 0
    assert "half-life" in result.out
    assert "5 back" in result.out
    out = table.with_name("memory.html")
    assert invoke("inspect", rnn, table, "--view", "memory", "--out", out).code == 0
    assert "svg" in check_page(out.read_text("utf-8")).tags


def test_units_are_counted_by_class(lstm: Path, table: Path) -> None:
    out = table.with_name("units.html")
    options = ("--view", "units", "--unit", 17, "--json", "--out", out)
    result = invoke("inspect", lstm, table, *options)
    actual = json.loads(result.out)
    (unit,) = actual["units"]
    assert unit["unit"] == 17
    assert actual["labels"] == ["bad", "good", "so-so"]
    assert sum(unit["counts"]) == actual["counted"] == 6
    assert {place["row"] for place in unit["places"]} <= set(range(2, 62)), "lines of the file"
    page = out.read_text("utf-8")
    check_page(page)
    assert page.count("<mark>") == 10
    shown = invoke("inspect", lstm, table, "--view", "units", "--quiet")
    assert shown.out.count("unit ") >= 8
    assert "data.csv, " in shown.out


def test_filters_have_ngrams_thresholds_and_classes(cnn: Path, table: Path) -> None:
    out = table.with_name("filters.html")
    result = invoke("inspect", cnn, table, "--view", "filters", "--json", "--out", out)
    actual = json.loads(result.out)
    assert len(actual["filters"]) == 4 * len({one["width"] for one in actual["filters"]})
    assert actual["texts"] == 60
    page = check_page(out.read_text("utf-8"))
    assert "재미있다" in page.words or "영화" in page.words
    assert "highest n-grams" in invoke("inspect", cnn, table, "--view", "filters", "--quiet").out


@pytest.mark.parametrize("view", ["memory", "gates"])
def test_views_of_one_text_are_pages_pictures_and_tables(view: str, lstm: Path) -> None:
    for suffix in ("html", "svg", "json"):
        out = lstm.with_name(f"{view}.{suffix}")
        result = invoke("explain", lstm, HOSTILE, "--view", view, "--out", out)
        assert (result.code, result.out) == (0, ""), result.err
        written = out.read_text("utf-8")
        if suffix == "html":
            check_page(written)
        elif suffix == "svg":
            ET.fromstring(written)
        else:
            assert json.loads(written)["text"] == HOSTILE
    shown = invoke("explain", lstm, "영화 정말", "--view", view)
    assert "영화" in shown.out
    assert ("forget" in shown.out) == (view == "gates")


def test_filters_of_one_text_add_up(cnn: Path) -> None:
    actual = json.loads(invoke("explain", cnn, HOSTILE, "--view", "filters", "--json").out)
    parts = sum(one["contribution"] for one in actual["maxima"])
    assert parts + actual["rest"] == pytest.approx(actual["margin"], abs=1e-3)
    out = cnn.with_name("text.html")
    assert invoke("explain", cnn, HOSTILE, "--view", "filters", "--out", out).code == 0
    check_page(out.read_text("utf-8"))
    assert "margin of" in invoke("explain", cnn, "영화", "--view", "filters").out


# Done by the page itself, before it is read.
POINT_SCRIPT = """<script>
  const words = document.querySelectorAll(".drawn span");
  words[1].dispatchEvent(new Event("pointerenter"));
  document.body.dataset.pointed = [...words].map(
    word => word.classList.contains("pointed")).indexOf(true);
  document.body.dataset.shares = [...words].map(word => parseFloat(word.title)).join(" ");
</script>"""


def test_pointing_at_a_word_paints_what_it_drew_on(
    lstm: Path, browser: str, tmp_path: Path
) -> None:
    out = tmp_path / "seen.html"
    result = invoke("explain", lstm, HOSTILE, "--view", "memory", "--json", "--out", out)
    shares = json.loads(result.out)["shares"][1]
    page = out.read_text("utf-8").replace("</body>", POINT_SCRIPT + "</body>")
    shown = RenderedPage(browser, page, tmp_path)
    assert shown.console == []
    assert shown.probe["loaded"] == []
    assert 'data-pointed="1"' in shown.dom
    painted = html.unescape(shown.dom.split('data-shares="')[1].split('"')[0]).split()
    assert [float(share) for share in painted] == pytest.approx(
        [100 * share for share in shares], abs=0.11
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("{rnn}", "{table}", "--view", "memry"), "unknown view 'memry'; did you mean 'memory'?"),
        (("{table}", "--view", "memory"), "expected a model folder and a file of texts"),
        (("{rnn}", "{rnn}", "{table}", "--view", "units"), "takes one model folder, got 2"),
        (("{rnn}", "{table}", "--view", "filters"), "this model (rnn) has no filters to show"),
        (("{rnn}", "{table}", "--view", "units", "--unit", 999), "from 0 to 255, got 999"),
        (("{rnn}", "{table}", "--view", "memory", "--unit", 1), "--unit: expected with --view"),
        (("{rnn}", "{table}", "--view", "units", "--out", "a.svg"), "ends in one of .html, .json"),
        (("{rnn}", "{table}", "--view", "memory", "--of", "all"), "expected state or answer"),
        (("{rnn}", "no.csv", "--view", "memory"), "no.csv: there is no such file"),
    ],
)
def test_mistakes_are_one_line(
    arguments: tuple[object, ...],
    message: str,
    rnn: Path,
    table: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    filled = [str(one).format(rnn=rnn, table=table) for one in arguments]
    result = call(capsys, "inspect", *filled, "--quiet")
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
    assert message in result.err


def test_models_without_a_view_name_those_that_they_have(
    rnn: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = call(capsys, "explain", rnn, "영화", "--view", "gates")
    assert result.code == 2
    assert "--view gates: is for lstm and gru; this model has" in result.err
    assert "memory" in result.err
