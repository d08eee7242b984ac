"""`munjang tune` as a person runs it: to the end, stopped, killed, without optuna."""

import json
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from munjang.api import load
from munjang.tuning import study
from tests.synthetic import make_corpus
from tests.system.commands import TIMEOUT, CommandResult, call, invoke, start, write_table
from tests.system.terminals import assert_fits, assert_words_not_broken, call_in_terminal, to_lines
from tests.system.test_cli_errors import assert_one_line

pytest.importorskip("optuna", reason="optuna (extra tune)")

SMALL = [
    part
    for setting in ("training.threads=1", "training.epochs=3", "model.ngrams=1")
    for part in ("--set", setting)
]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    texts, labels = make_corpus(90)
    return write_table(
        tmp_path_factory.mktemp("made") / "data.csv", zip(texts, labels, strict=True)
    )


def tune_command(table: Path, out: Path, *more: object) -> list[object]:
    return ["tune", table, "--model", "mean", "--out", out, "--seed", 5, *SMALL, *more]


@pytest.fixture(scope="module")
def tuned(table: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, CommandResult]:
    """A search that came to its end."""
    out = tmp_path_factory.mktemp("tuned") / "a search"
    return out, invoke(*tune_command(table, out, "--trials", 9))


def read_trials(out: Path) -> list[dict[str, Any]]:
    rows = json.loads((out / "tune.json").read_text("utf-8"))["trials"]
    return [{**row, "seconds": 0} for row in rows]


def test_table_names_best_trial_and_next_command(tuned: tuple[Path, CommandResult]) -> None:
    out, result = tuned
    assert result.code == 0, result.err
    best = json.loads((out / "tune.json").read_text("utf-8"))["best"]
    lines = [line.split() for line in result.out.splitlines()]
    (row,) = (line for line in lines if line[-1:] == ["best"] and line[0].isdigit())
    assert row[:2] == [str(best["number"]), f"{best['value']:.4f}"]
    for expected in ("training.learning_rate", "importance", "next:", "munjang evaluate '", "FILE"):
        assert expected in result.out
    assert "[9/9] done" in result.err or "[9/9] pruned" in result.err
    assert invoke("predict", out / "best", "a great film").code == 0


def test_terminal_of_80_columns(
    table: Path,
    tuned: tuple[Path, CommandResult],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    command = tune_command(table, tuned[0], "--trials", 9, "--resume")
    code, seen = call_in_terminal(monkeypatch, *command)
    assert code == 0
    assert_fits(seen)
    result = call(capsys, *command)
    assert_words_not_broken(seen, result.out + result.err, drawn=("--wide", "also", "shows:"))
    (head,) = (line.split() for line in to_lines(seen) if line.lstrip().startswith("trial "))
    assert {"trial", "accuracy", "seconds", "ended"} <= set(head)


def wait_for(out: Path, count: int) -> None:
    limit = time.monotonic() + TIMEOUT
    while time.monotonic() < limit:
        if (out / "tune.json").exists() and len(read_trials(out)) >= count:
            return
        time.sleep(0.02)
    raise TimeoutError(f"{out} did not come to {count} trials")


def test_repeatedly_killed_search_ends_with_same_trials(
    table: Path, tuned: tuple[Path, CommandResult], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    for count in (1, 4):
        process = start(*tune_command(table, out, "--trials", 9, "--resume"))
        wait_for(out, count)
        time.sleep(0.1 * count)  # into the next trial
        process.kill()
        process.communicate()
    result = invoke(*tune_command(table, out, "--trials", 9, "--resume", "--json"))
    assert result.code == 0, result.err
    assert read_trials(out) == read_trials(tuned[0])
    assert json.loads(result.out)["best"] == json.loads((out / "tune.json").read_text())["best"]
    weights = [folder / "best" / "model.safetensors" for folder in (out, tuned[0])]
    assert weights[0].read_bytes() == weights[1].read_bytes()
    load(out / "best")


def test_ctrl_c_says_how_to_resume(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = start(*tune_command(table, out, "--trials", 500))
    wait_for(out, 2)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 130
    last = errors.decode().splitlines()[-1]
    assert last.startswith("munjang: stopped after ")
    assert f"--resume continues from {out}" in last
    assert b"Traceback" not in errors
    count = len(read_trials(out))
    assert invoke(*tune_command(table, out, "--trials", count + 1, "--resume", "--quiet")).code == 0
    assert len(read_trials(out)) == count + 1


def test_errors_are_one_line(
    table: Path,
    tuned: tuple[Path, CommandResult],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "out"
    assert_one_line(
        call(capsys, *tune_command(table, tuned[0])), "holds a search already", "--resume"
    )
    space = tmp_path / "space.yaml"
    space.write_text("model.dim: [8]\n")
    result = call(capsys, *tune_command(table, out, "--space", space))
    assert_one_line(result, "space.yaml: model.dim", "two or more")
    assert_one_line(call(capsys, *tune_command(table, out, "--trials", 0)), "trials")
    monkeypatch.setattr(study, "find_spec", lambda name: None)
    assert_one_line(call(capsys, *tune_command(table, out)), "munjang[tune]")
    assert not out.exists()
