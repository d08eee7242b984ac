"""Stages before the first step are shown on a terminal, and nowhere else."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.system.commands import MUNJANG, call, environment, invoke, set_options, write_table
from tests.system.terminals import call_in_terminal

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals there")

ROWS = [(f"{word} {number}", word) for number in range(40) for word in ("good", "bad")]


def run_in_pty(*arguments: object) -> str:
    """Return what a command wrote to standard error, a pseudo-terminal."""
    terminal, other = os.openpty()
    environ = {**environment(), "TERM": "xterm", "COLUMNS": "80", "LINES": "25"}
    with subprocess.Popen(
        [*MUNJANG, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=other,
        env=environ,
    ) as process:
        os.close(other)
        written = b""
        while True:
            try:
                chunk = os.read(terminal, 65_536)
            except OSError:  # Linux says so where the other end was closed
                break
            if not chunk:
                break
            written += chunk
    os.close(terminal)
    assert process.returncode == 0, written.decode()
    return written.decode()


def has_stages(written: str, stages: list[str]) -> bool:
    """Return whether these stages were shown, in this order."""
    return re.search(".*".join(map(re.escape, stages)), written, re.DOTALL) is not None


def test_terminal_shows_each_stage_of_training_and_evaluation(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data, model = write_table(tmp_path / "a.csv", ROWS), tmp_path / "m"
    options = set_options(model__ngrams=2, model__linear_weight=0.3, tokenizer__name="bpe")
    written = run_in_pty("train", data, "--model", "mean", "--out", model, *options)
    stages = ["learning bpe from 72 texts", "encoding 72 texts", "solving the linear model of 72"]
    assert has_stages(written, ["reading texts", *stages])
    code, look = call_in_terminal(monkeypatch, "check", data, *set_options())
    assert code == 0
    assert has_stages(look, ["reading texts", "learning words from", "checking 80 rows"])
    _, scored = call_in_terminal(monkeypatch, "evaluate", model, data)
    assert has_stages(scored, ["reading texts", "scoring 80"])
    # in a pipe, and when it should be quiet, there is none of it
    _, quiet = call_in_terminal(monkeypatch, "evaluate", model, data, "--quiet")
    assert "accuracy" in quiet
    assert "reading texts" not in quiet
    assert "reading texts" not in call(capsys, "evaluate", model, data).err


def test_long_run_without_spaces_is_reported_with_its_row(tmp_path: Path) -> None:
    long = [("abcdefgh" * 20_000, "good")]
    data = write_table(tmp_path / "a.csv", [*ROWS[:5], *long, *ROWS[5:]])
    result = invoke(
        "train", data, "--out", tmp_path / "m", "--tokenizer", "unigram", *set_options()
    )
    assert result.code == 0
    assert f"{data}, row 7: 160,000 characters without a space" in result.err
