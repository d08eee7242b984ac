"""Output of the command line: texts on one line, aligned tables, speeds, sizes."""

import io
import json
import sys
import unicodedata
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from munjang.cli.fitting import draw_bar
from munjang.cli.output import make_console, note, show, to_one_line
from munjang.cli.progress import Bar, Lines
from munjang.cli.tables import class_table, confusion_table, detail_tables
from munjang.json_text import json_text
from munjang.progress.pace import Pace
from munjang.reporting import escape_line
from munjang.tasks.classification_scores import Scores, score_classes
from munjang.units import format_bytes, format_duration

HOSTILE_TEXT = st.text(
    st.characters() | st.sampled_from("\x00\x1b\n\r\t\x85\u2028\u202e가각👨\u200d👩e\u0301")
)


@given(HOSTILE_TEXT)
def test_escape_line_gives_one_line_without_control_characters(text: str) -> None:
    line = escape_line(text)
    assert len(line.splitlines()) <= 1
    assert not {unicodedata.category(c) for c in line} & {"Cc", "Cs", "Zl", "Zp"}
    line.encode()


@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"])))
def test_escape_line_keeps_printable_text(text: str) -> None:
    assert escape_line(text) == text


def test_to_one_line() -> None:
    assert to_one_line("a\nb\t\x1b[31m c") == "a b \\x1b[31m c"


def test_output_escapes_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    for report in (note, show):
        report("a\tb\nlabel \x1b[2J \r \x9b1m \x07")
    for written in capsys.readouterr():
        assert written == "a\tb\nlabel \\x1b[2J \\r \\x9b1m \\x07\n"
    text = "\x1b \x7f \x9b \u2028 가"
    assert json_text({"a": text}) == '{"a": "\\u001b \\u007f \\u009b \\u2028 가"}'
    assert json.loads(json_text({"a": text})) == {"a": text}


def make_scores(labels: list[str], predictions: list[int], targets: list[int]) -> Scores:
    probabilities = np.full((len(predictions), len(labels)), 0.1 / len(labels))
    probabilities[np.arange(len(predictions)), predictions] = 1 - 0.1 * (len(labels) - 1) / len(
        labels
    )
    return score_classes(probabilities, np.array(targets), tuple(labels))


def render(table: Any, capsys: pytest.CaptureFixture[str]) -> list[str]:
    capsys.readouterr()
    make_console().print(table)
    return [line for line in capsys.readouterr().out.splitlines() if line.strip()]


LABELS = ["긍정", unicodedata.normalize("NFD", "부정적"), "[red]x[/red]", "a\tb", ":smile:", "👍"]


def test_table_columns_are_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    scores = make_scores(LABELS, [0, 1, 2, 3, 4, 5, 0, 0], [0, 1, 2, 3, 4, 5, 1, 2])
    for table in (class_table(scores), confusion_table(scores)):
        lines = render(table, capsys)
        assert len(lines) == 2 + len(LABELS), "header, rule, a row a class"
        assert len({cell_len(line) for line in lines}) == 1
        for label in ("긍정", "부정적", "[red]x[/red]", "a\\tb", ":smile:", "👍"):
            assert any(label in line for line in lines)


def test_confusion_table_has_true_rows_and_predicted_columns(
    capsys: pytest.CaptureFixture[str],
) -> None:
    scores = make_scores(["x", "y"], [0, 0, 0, 1], [0, 1, 1, 1])
    _, _, x, y = render(confusion_table(scores), capsys)
    assert x.split() == ["x", "1", "0"]
    assert y.split() == ["y", "2", "1"]


def test_many_classes_list_most_confused_pairs(capsys: pytest.CaptureFixture[str]) -> None:
    labels = [f"c{number}" for number in range(30)]
    scores = make_scores(labels, [1, 1, 1, 5, *range(30)], [0, 0, 0, 4, *range(30)])
    _, _, *pairs = render(confusion_table(scores), capsys)
    assert [pair.split() for pair in pairs] == [["c0", "c1", "3"], ["c4", "c5", "1"]]


def test_detail_tables_depend_on_available_scores(
    capsys: pytest.CaptureFixture[str],
) -> None:
    scores = make_scores(["x", "y"], [0, 0, 0, 1], [0, 1, 1, 1])
    foreign = SimpleNamespace(classes=scores.classes, signatures=["a signature"])
    heads = [render(table, capsys)[0].split()[0] for table in detail_tables(foreign)]
    assert heads == ["class", "sacrebleu"]
    assert detail_tables(SimpleNamespace()) == []


def make_step(number: int, total: int = 100, **settings: Any) -> Any:
    plain = {"epoch": 1, "loss": 0.5, "tokens": 300, "scores": None, "is_best": False}
    plain |= {"progress": number / total, "budget": None}
    return SimpleNamespace(number=number, total=total, unit="tokens", **{**plain, **settings})


@pytest.mark.parametrize("between", [0.001, 0.1, 3.0])
def test_pace_of_even_steps(between: float) -> None:
    pace = Pace()
    for number in range(1, 51):
        pace.take(make_step(number), number * between)
    assert pace.rate == pytest.approx(300 / between)
    assert pace.left(make_step(50)) == pytest.approx(50 * between)
    assert pace.tokens == 15_000
    assert pace.loss == pytest.approx(0.5)


def test_pace_follows_recent_steps() -> None:
    pace, now = Pace(), 0.0
    for number in range(1, 4001):
        now += 0.01 if number <= 2000 else 0.03
        pace.take(make_step(number, 5000), now)
    assert pace.rate == pytest.approx(300 / 0.03, rel=0.01)
    assert pace.left(make_step(4000, 5000)) == pytest.approx(30, rel=0.01)


def test_pace_without_measurement_is_unknown() -> None:
    pace = Pace()
    assert (pace.rate, pace.left(make_step(1))) == (0.0, None)
    pace.take(make_step(7), 3.0)  # a run that was resumed
    assert (pace.rate, pace.left(make_step(7))) == (0.0, None)


@given(st.lists(st.floats(0, 20), min_size=1, max_size=60))
def test_smoothed_loss_is_within_seen_losses(losses: list[float]) -> None:
    pace = Pace()
    for number, loss in enumerate(losses, start=1):
        pace.take(make_step(number, loss=loss), number)
    assert min(losses) - 1e-9 <= pace.loss <= max(losses) + 1e-9


def test_progress_lines_at_validation_and_every_ten_seconds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 0.0
    monkeypatch.setattr("time.perf_counter", lambda: now)
    lines = Lines()
    scores = Scores(4, 0.75, 0.5, 0.6, 0.1, (), ())
    for number in range(1, 101):
        now = number * 0.5
        lines.step(make_step(number, scores=scores if number == 50 else None, is_best=number == 50))
    printed = capsys.readouterr().err.splitlines()
    assert [line.split()[1] for line in printed] == [
        "21/100",
        "41/100",
        "50/100",
        "70/100",
        "90/100",
    ]
    assert "accuracy 0.7500, macro F1 0.5000, log loss 0.6000 (best so far)" in printed[2]
    assert printed[3] == "step 70/100   70%  loss 0.5000  600 tokens/s  0:15 left"


def test_bar_shows_selection_metric(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setattr("munjang.progress.terminal.terminal_width", lambda stream: 100)
    watcher = Bar()
    scores = Scores(4, 0.75, 0.5, 0.625, 0.1, (), ())
    watcher.report("read [3] rows :smile:")
    watcher.step(make_step(1))
    watcher.step(make_step(100, scores=scores, is_best=True, metric="log_loss"))
    watcher.close()
    assert "read [3] rows :smile:" in screen.getvalue()
    last = screen.getvalue().splitlines()[-1]
    assert "100/100" in last
    assert "log loss 0.6250" in last


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.2, "0:00"), (7, "0:07"), (59.6, "1:00"), (750, "12:30"), (3723, "1:02:03")],
)
def test_format_duration(seconds: float, expected: str) -> None:
    assert format_duration(seconds) == expected


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1640, "1.64 kB"),
        (613e6, "613 MB"),
        (999_600, "1,000 kB"),
        (12_340_000, "12.3 MB"),
        (2.5e12, "2,500 GB"),
    ],
)
def test_format_bytes(count: int, expected: str) -> None:
    assert format_bytes(count) == expected


def test_json_text_has_no_nan() -> None:
    values = {"loss": float("nan"), "rows": (1, float("inf")), "한글": "각"}
    assert json.loads(json_text(values)) == {"loss": None, "rows": [1, None], "한글": "각"}
    assert "한글" in json_text(values)


def test_old_encoding_replaces_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(raw, encoding="ascii"))
    show("좋다 ok")
    assert draw_bar(0.5, 10) == "#####"
    sys.stdout.flush()
    assert raw.getvalue() == b"\\uc88b\\ub2e4 ok\n"


def test_closed_stderr_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed(io.StringIO):
        def flush(self) -> None:
            raise BrokenPipeError

    monkeypatch.setattr("sys.stderr", Closed())
    note("nobody reads this")
    note("nor this")
