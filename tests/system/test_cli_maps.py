"""Attention of one word, references, maps and words that moved, by the command line."""

import json
from pathlib import Path

import pytest

from tests.synthetic import make_corpus
from tests.system.browsers import Page
from tests.system.commands import call, invoke, write_table

SMALL = (
    *("--set", "model.dim=8"),
    *("--set", "model.heads=2"),
    *("--set", "model.layers=2"),
    *("--set", "training.epochs=2"),
    *("--set", "training.threads=1"),
)
CASES = [
    ("great film but plot", "but", "film", "great"),
    ("awful music and actors", "and", "music", "actors"),
]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    texts, labels = make_corpus(150)
    path = tmp_path_factory.mktemp("data") / "reviews.csv"
    return write_table(path, zip(texts, labels, strict=True))


@pytest.fixture(scope="module")
def folder(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("trained") / "model"
    result = invoke("train", table, "--model", "bert", *SMALL, "--out", out, "--quiet")
    assert result.code == 0, result.err
    return out


def test_one_word_of_a_text_is_explained(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ("explain", folder, "great film but plot", "--view", "word", "--word", "but")
    shown = call(capsys, *command)
    assert shown.code == 0, shown.err
    assert "attention from but" in shown.out
    data = json.loads(call(capsys, *command, "--json").out)
    assert data["words"][data["chosen"]] == "but"
    assert len(data["heads"]) == 4
    for head in data["heads"]:
        assert sum(head["weights"]) == pytest.approx(1, abs=1e-3)
    for name in ("word.html", "word.svg"):
        assert call(capsys, *command, "--out", tmp_path / name).code == 0
    Page((tmp_path / "word.html").read_text("utf-8"))


def test_references_are_counted(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases = write_table(tmp_path / "cases.csv", CASES, header="text,word,meant,other")
    command = ("inspect", folder, cases, "--view", "references", "--quiet")
    shown = call(capsys, *command)
    assert shown.code == 0, shown.err
    assert "guessing heads" in shown.out
    data = json.loads(call(capsys, *command, "--json").out)
    assert data["cases"] == 2
    assert len(data["heads"]) == 4


def test_texts_are_drawn_on_a_map(
    folder: Path, table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ("inspect", folder, table, "--view", "texts", "--quiet", "--texts", 60)
    shown = call(capsys, *command)
    assert "60 of 150 texts" in shown.out, shown.err
    assert call(capsys, *command, "--out", tmp_path / "map.html").code == 0
    assert (tmp_path / "map.html").read_text("utf-8").count("<circle") >= 60
    data = json.loads(call(capsys, *command, "--json").out)
    assert {point["label"] for point in data["points"]} == {"bad", "good", "so-so"}


def test_words_that_moved_are_shown(
    folder: Path, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ("inspect", folder, table, "--view", "moved", "--quiet", "--json")
    shown = call(capsys, *command)
    assert shown.code == 0, shown.err
    data = json.loads(shown.out)
    distances = [word["distance"] for word in data["words"]]
    assert distances == sorted(distances, reverse=True)
    assert distances[0] > 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--view", "word"), "name a word of the text with --word"),
        (("--view", "word", "--word", "no"), "is not in"),
        (("--view", "attention", "--word", "film"), "--word: is for --view word"),
    ],
)
def test_mistakes_of_explain_are_named(
    folder: Path, options: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    result = call(capsys, "explain", folder, "great film", *options)
    assert result.code == 2
    assert message in result.err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("text,word\na,b\n", "meant, other are missing"),
        ("text,word,meant,other\n", "at least one row"),
        ("text,word,meant,other\na film,film,,a\n", "empty cell"),
        ("text,word,meant,other\na film,film,a,no\n", "is not in"),
    ],
)
def test_bad_cases_are_named(
    folder: Path,
    content: str,
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "cases.csv").write_text(content, "utf-8")
    result = call(capsys, "inspect", folder, tmp_path / "cases.csv", "--view", "references")
    assert result.code == 2
    assert message in result.err


def test_options_of_other_views_are_refused(
    folder: Path, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = call(capsys, "inspect", folder, table, "--view", "moved", "--projection", "tsne")
    assert result.code == 2
    assert "--projection: expected with --view texts only" in result.err
