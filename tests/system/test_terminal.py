"""Every command on a terminal of 80 columns: no line is wider, no name or figure is broken."""

import re
import shlex
from pathlib import Path

import pytest

from munjang.api import train
from tests.synthetic import make_corpus
from tests.system.commands import call, write_table
from tests.system.terminals import (
    assert_fits,
    assert_words_not_broken,
    call_in_terminal,
    to_lines,
    to_words,
)

LABELS = {
    "bad": "별로라고 생각하는 사람이 쓴 부정적인 평가",
    "good": "재미있다고 생각하는 사람이 쓴 긍정적인 평가",
    "so-so": "보통",
}
SMALL = (
    *("model.dim=8", "model.bag_dim=0", "model.layers=1", "training.epochs=2"),
    *("training.threads=1", "training.batch_size=16"),
)
SETTINGS = tuple(part for setting in SMALL for part in ("--set", setting))
COMMANDS = ("check", "train", "compare", "tune", "evaluate", "predict", "explain", "shapes")
WIDE = ("--wide", "also", "shows:")

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    texts, labels = make_corpus(90, korean=True)
    rows = [(text, LABELS[label]) for text, label in zip(texts, labels, strict=True)]
    folder = tmp_path_factory.mktemp("a folder of data")
    return write_table(folder / "reviews-in-a-file-with-a-name-that-is-long.csv", rows)


@pytest.fixture(scope="module")
def model(table: Path) -> Path:
    out = table.parent / "a-model-folder-with-a-name-that-is-quite-as-long" / "model"
    train(table, model="transformer", tokenizer="words", overrides=SMALL, out=out)
    return out


@pytest.fixture
def console(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> "TerminalAndPipe":
    return TerminalAndPipe(monkeypatch, capsys)


class TerminalAndPipe:
    """A command on a terminal, and through a pipe."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.monkeypatch = monkeypatch
        self.capsys = capsys

    def terminal(self, *words: object, columns: int = 80, code: int = 0) -> str:
        """Return the visible lines, which fit the terminal."""
        ended, seen = call_in_terminal(self.monkeypatch, *words, columns=columns)
        assert ended == code, seen
        assert_fits(seen, columns)
        return seen

    def pipe(self, *words: object) -> str:
        """Return what a pipe gets from both outputs."""
        result = call(self.capsys, *words)
        return result.out + result.err


def test_data_list(console: TerminalAndPipe) -> None:
    seen = console.terminal("data", "list")
    assert_words_not_broken(seen, console.pipe("data", "list"))


def test_evaluate(console: TerminalAndPipe, table: Path, model: Path) -> None:
    command = ("evaluate", model, table, "--quiet")
    seen, piped = console.terminal(*command), console.pipe(*command)
    # the names are too long for heads of columns: numbers stand for them
    assert_words_not_broken(seen, piped, drawn=("1", "2", "3"))
    assert to_words(piped) <= to_words(seen), "nothing is left out"
    wide = call_in_terminal(console.monkeypatch, *command, "--wide")[1]
    assert [line.strip() for line in to_lines(wide)] == [line.strip() for line in to_lines(piped)]


def test_predict_and_explain(console: TerminalAndPipe, model: Path) -> None:
    text = "정말 재미있다 영화 배우 음악 줄거리 " * 5
    for command in ("predict", "explain"):
        assert_words_not_broken(
            console.terminal(command, model, text), console.pipe(command, model, text)
        )


def test_json_is_not_wrapped(console: TerminalAndPipe, model: Path) -> None:
    text = "정말 재미있다 영화 배우 음악 줄거리 " * 5
    for command in (("predict", model, text, "--json"), ("shapes", "lstm", "--json")):
        code, seen = call_in_terminal(console.monkeypatch, *command)
        assert code == 0
        assert seen.replace("\r\n", "\n") == console.pipe(*command)


@pytest.mark.parametrize("name", ["transformer", "image_cnn"])
def test_shapes_keeps_deciding_columns(name: str, console: TerminalAndPipe) -> None:
    seen, piped = console.terminal("shapes", name), console.pipe("shapes", name)
    assert_words_not_broken(seen, piped, drawn=WIDE)
    (head,) = (line for line in to_lines(seen) if line.lstrip().startswith("layer"))
    for expected in ("layer", "output", "parameters", "multiply-adds"):
        assert expected in head.split()
    assert "--wide also shows: how" in seen
    wide = call_in_terminal(console.monkeypatch, "shapes", name, "--wide")[1]
    assert to_words(wide) == to_words(piped)


def test_check(console: TerminalAndPipe, table: Path) -> None:
    command = ("check", table, "--model", "mean", "--set", "model.dim=8", "--set",
               "training.threads=1")  # fmt: skip
    seen, piped = console.terminal(*command), console.pipe(*command)
    timed = re.compile(r"[\d:,.]+|kB|MB|GB")  # what an estimate says is never twice the same
    broken = {w for w in to_words(seen) - to_words(piped) if not timed.fullmatch(w)}
    assert not {word for word in broken if str(table.parent.parent) not in word}, broken
    assert "별로라고 생각하는 사람이" in seen


def test_train(console: TerminalAndPipe, table: Path) -> None:
    out = table.parent / "another-model-folder-with-a-name-that-is-long" / "m"
    seen = console.terminal("train", table, "--model", "mean", *SETTINGS[:2], "--out", out)
    last = [line for line in to_lines(seen) if "━" in line][-1]
    for expected in ("loss ", "accuracy ", "left"):
        assert expected in last
    # what is to be typed can be copied, though it takes several lines
    typed = seen[seen.index("  munjang predict") :].replace("\r\n", "\n").replace("\\\n", "")
    assert shlex.split(typed.splitlines()[0]) == ["munjang", "predict", str(out), "a text"]


def test_progress_bar_drops_least_important_columns(
    console: TerminalAndPipe, table: Path, tmp_path: Path
) -> None:
    command = ("train", table, "--model", "mean", "--out", tmp_path / "m", *SETTINGS[:2])
    seen = console.terminal(*command, "--set", "training.metric=macro_f1", columns=60)
    bars = [line for line in to_lines(seen) if "━" in line and "loss" in line]
    assert all("tokens/s" not in line for line in bars)
    assert "macro F1 " in bars[-1]


@pytest.mark.parametrize("columns", [80, 60])
def test_error_is_wrapped_at_words(columns: int, console: TerminalAndPipe, tmp_path: Path) -> None:
    missing = tmp_path / "a folder that is not there" / "none.csv"
    seen = console.terminal("check", missing, columns=columns, code=2)
    assert "\r\n  " in seen, "what goes on is indented"
    plain = console.pipe("check", missing)
    assert plain.count("\n") == 1


@pytest.mark.parametrize("command", [*COMMANDS, "data"])
def test_help(command: str, console: TerminalAndPipe) -> None:
    console.terminal(command, "--help")


def test_any_width(console: TerminalAndPipe, table: Path, model: Path) -> None:
    """Columns that remain on the narrowest terminals are complete."""
    piped = console.pipe("shapes", "lstm")
    for columns in (20, 33, 47, 61, 75, 90, 200):
        seen = console.terminal("shapes", "lstm", columns=columns)
        if columns > 30:
            assert_words_not_broken(seen, piped, drawn=WIDE)
        console.terminal("evaluate", model, table, "--quiet", columns=max(columns, 33))
