"""Where a bar is drawn, and where it is not."""

import io
import sys
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from munjang import TextClassifier
from munjang.progress.display import Display
from munjang.progress.notebook import NotebookBar, find_notebook
from munjang.progress.showing import show_progress
from munjang.progress.terminal import TerminalBar
from munjang.reporting import stage
from munjang.tasks.classification_scores import Scores
from tests.synthetic import make_corpus
from tests.system.terminals import to_lines
from tests.unit.progress.cells import Cell
from tests.unit.report.fragments import assert_inert
from tests.unit.test_cli_drawing import make_step

SCORES = Scores(4, 0.75, 0.5, 0.625, 0.1, (), ())


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True

    @property
    def last_line(self) -> str:
        return [line for line in to_lines(self.getvalue()) if line][-1]


@pytest.fixture
def cell(monkeypatch: pytest.MonkeyPatch) -> Cell:
    cell = Cell()
    monkeypatch.setattr("munjang.progress.showing.find_notebook", lambda: cell.display)
    return cell


def set_streams(monkeypatch: pytest.MonkeyPatch, stdout: Any, stderr: Any) -> None:
    # not in sys itself, where pytest sets its own streams between a fixture and a test
    streams = SimpleNamespace(stdout=stdout, stderr=stderr)
    monkeypatch.setattr("munjang.progress.showing.sys", streams)
    monkeypatch.setattr("munjang.progress.terminal.sys", streams)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    terminal = Terminal()
    set_streams(monkeypatch, terminal, terminal)
    monkeypatch.setattr("munjang.progress.terminal.terminal_width", lambda stream: 100)
    return terminal


def take_steps(display: Display) -> None:
    display.step(make_step(1))
    display.step(make_step(100, scores=SCORES, metric="log_loss"))


def test_terminal_has_a_bar_with_the_selection_metric(terminal: Terminal) -> None:
    with show_progress(True) as display:
        take_steps(display)
    last = terminal.last_line
    assert "100/100" in last
    assert "log loss 0.6250" in last


@pytest.mark.parametrize("piped", ["stdout", "stderr"])
def test_pipe_has_no_bar(terminal: Terminal, monkeypatch: pytest.MonkeyPatch, piped: str) -> None:
    pipe = io.StringIO()
    set_streams(monkeypatch, **{"stdout": terminal, "stderr": terminal, piped: pipe})
    with show_progress(True) as display, stage("reading"):
        take_steps(display)
    assert terminal.getvalue() == pipe.getvalue() == ""


def test_program_without_output_has_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    set_streams(monkeypatch, None, Terminal())
    with show_progress(True) as display:
        assert display.beside(None) is None
    closed = io.StringIO()
    closed.close()
    set_streams(monkeypatch, Terminal(), closed)
    with show_progress(True) as display:
        assert display.beside(None) is None


def test_no_bar_if_it_is_not_wanted(terminal: Terminal, cell: Cell) -> None:
    with show_progress(False) as display, stage("reading"):
        take_steps(display)
        display.count(1, 2, "a")
    assert (terminal.getvalue(), cell.shown) == ("", [])


def test_transient_bar_is_erased(cell: Cell) -> None:
    with show_progress(True, is_transient=True) as display:
        take_steps(display)
    assert cell.shown[-1]._repr_html_() == ""
    assert repr(cell.shown[-1]) == ""


def test_notebook_shows_stage_then_bar(cell: Cell) -> None:
    with show_progress(True) as display:
        with stage("reading <b>.csv"):
            assert repr(cell.shown[-1]) == "reading <b>.csv …"
            assert "&lt;b&gt;" in assert_and_get(cell)
        take_steps(display)
    assert repr(cell.shown[-1]).startswith("100/100  loss 0.5000  log loss 0.6250")
    assert '<progress value="100" max="100"' in assert_and_get(cell)


def assert_and_get(cell: Cell) -> str:
    html = cell.shown[-1]._repr_html_()
    assert_inert(html)
    return html


def test_runs_are_counted(cell: Cell) -> None:
    with show_progress(True) as display:
        display.count(0, 3, "cnn, seed 0\n<script>")
        assert repr(cell.shown[-1]) == "0/3  cnn, seed 0\\n<script>"
        assert_and_get(cell)


def test_bar_within_a_bar_draws_nothing(cell: Cell) -> None:
    with show_progress(True) as outer:
        take_steps(outer)
        before = list(cell.shown)
        with show_progress(True) as inner:
            take_steps(inner)
        assert cell.shown == before
    with show_progress(True) as later:
        assert later.beside(None) is not None


def test_threads_do_not_draw_at_once(cell: Cell) -> None:
    drawn = []

    def train() -> None:
        with show_progress(True) as display:
            drawn.append(display.beside(None))

    with show_progress(True):
        thread = threading.Thread(target=train)
        thread.start()
        thread.join()
    assert drawn == [None]


def test_child_process_draws_nothing(cell: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("multiprocessing.parent_process", object)
    with show_progress(True) as display:
        take_steps(display)
    assert cell.shown == []


def test_steps_reach_the_function_of_the_caller(cell: Cell) -> None:
    seen: list[Any] = []
    with show_progress(True) as display:
        call = display.beside(seen.append)
        assert call is not None
        call(make_step(1))
    assert [step.number for step in seen] == [1]
    assert len(cell.shown) == 1
    assert Display(None).beside(seen.append) == seen.append


def test_steps_are_drawn_ten_times_per_second(cell: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("time.perf_counter", lambda: now)
    with show_progress(True) as display:
        for number in range(1, 100):
            now = number * 0.01
            display.step(make_step(number))
    assert 9 <= len(cell.shown) <= 11


def test_bar_goes_when_a_training_fails(cell: Cell) -> None:
    with pytest.raises(KeyError), show_progress(True):
        raise KeyError
    with show_progress(True) as display:
        assert display.beside(None) is not None


@pytest.mark.parametrize(
    "shell", [None, SimpleNamespace(), SimpleNamespace(kernel=None)], ids=["none", "plain", "ended"]
)
def test_ipython_on_a_terminal_is_no_notebook(shell: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert find_notebook() is None


def test_python_without_ipython_is_no_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert find_notebook() is None
    assert "IPython" not in sys.modules


def test_narrow_terminal_leaves_parts_out(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("munjang.progress.terminal.terminal_width", lambda stream: 30)
    bar = TerminalBar()
    bar.draw(1, 2, {"loss": "loss 0.5", "score": "accuracy 0.75", "rate": "9 tokens/s"})
    bar.close()
    last = terminal.last_line
    assert "loss 0.5" in last
    assert "tokens/s" not in last


def test_empty_run_has_a_bar() -> None:
    cell = Cell()
    NotebookBar(cell.display).draw(0, 0, {})
    assert 'value="0" max="1"' in assert_and_get(cell)


def test_estimator_leaves_no_bar_behind(cell: Cell) -> None:
    texts, labels = make_corpus(30)
    quick = {"model.dim": 4, "model.ngram_buckets": 64, "training.epochs": 1}
    TextClassifier("mean", settings=quick, random_state=0).fit(texts, labels)
    assert any("loss" in repr(state) for state in cell.shown)
    assert repr(cell.shown[-1]) == ""
    cell.shown.clear()
    TextClassifier("mean", settings=quick, random_state=0, progress=False).fit(texts, labels)
    assert cell.shown == []
