"""Running commands: streams, signals, closed pipes, terminals."""

import json
import os
import re
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.commands import TIMEOUT, call, copy_head, environment, set_options, start
from tests.system.terminals import run_in_terminal


def next_line(stream: object) -> str:
    """The next line of an unbuffered pipe; fails when it does not come."""
    descriptor: int = stream.fileno()  # type: ignore[attr-defined]
    line, until = b"", time.monotonic() + TIMEOUT
    while not line.endswith(b"\n"):
        ready, _, _ = select.select([descriptor], [], [], max(0.0, until - time.monotonic()))
        assert ready, f"no whole line came in {TIMEOUT} s; so far {line!r}"
        one = os.read(descriptor, 1)
        assert one, f"the stream ended after {line!r}"
        line += one
    return line.decode().removesuffix("\n")


def test_predictions_are_written_while_input_is_open(model: Path) -> None:
    process = start("predict", model, "--input", "-", stderr=subprocess.DEVNULL)
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        for text in ("정말 재미있다", "", "시간이 아깝다"):
            process.stdin.write(f"{text}\n".encode())
            process.stdin.flush()
            answer = next_line(process.stdout).split("\t")
            assert answer[2] == text
            assert answer[0] in ("0", "1")
            assert process.poll() is None, "it waits for more"
        process.stdin.close()
        assert process.stdout.read() == b""
    assert process.returncode == 0


def test_output_line_n_belongs_to_input_line_n(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = [f"글 {number}" if number % 7 else "" for number in range(3000)]
    lines = tmp_path / "lines.txt"
    lines.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    result = call(capsys, "predict", model, "--input", lines)
    assert result.code == 0, result.err
    assert [line.split("\t")[2] for line in result.out.splitlines()] == texts


def test_closed_pipe_ends_quietly(model: Path, tmp_path: Path) -> None:
    (tmp_path / "many.txt").write_text("정말 재미있다\n" * 60_000, encoding="utf-8")
    process = start("predict", model, "--input", tmp_path / "many.txt", "--json")
    assert process.stdout is not None
    assert process.stderr is not None
    with process:
        first = json.loads(next_line(process.stdout))
        assert first["row"] == 1
        process.stdout.close()
        assert process.wait(TIMEOUT) == 0
        assert process.stderr.read() == b""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_leaves_a_resumable_folder(
    number: signal.Signals, reviews: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = copy_head(reviews, 301, tmp_path / "few.tsv")
    command = ("train", few, "--model", "mean", "--out", tmp_path / "m")
    slow = set_options(training__epochs=80)
    process = start(*command, *slow, stdin=subprocess.DEVNULL)
    assert process.stderr is not None
    with process:
        while not next_line(process.stderr).startswith("step "):
            pass
        process.send_signal(number)
        errors = process.stderr.read().decode()
        assert process.wait(TIMEOUT) == 128 + number
    assert "Traceback" not in errors
    assert re.search(r"munjang: stopped after step [\d,]+ of 400; .*--resume", errors)
    assert (tmp_path / "m" / "checkpoint.safetensors").exists()
    refused = call(capsys, *command, *slow)
    assert refused.code == 2
    assert "--resume" in refused.err
    resumed = call(capsys, *command, *slow, "--resume")
    assert resumed.code == 0, resumed.err
    assert "model saved in" in resumed.out
    first = next(line for line in resumed.err.splitlines() if line.startswith("step "))
    stopped = int(re.findall(r"after step (\d+)", errors)[0])
    assert int(first.split()[1].split("/")[0]) > stopped, "it went on where it stopped"
    assert call(capsys, "predict", tmp_path / "m", "재미있다").code == 0


def read_imports(process: "subprocess.Popen[bytes]", lines: list[bytes]) -> Iterator[str]:
    """Yield modules in the order of `-X importtime`; all other lines go to `lines`."""
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith(b"import time:"):
            yield line.decode().split("|")[-1].strip()
        else:
            lines.append(line)


ENTRIES = {"module": ["-m", "munjang"], "script": ["-c", "import munjang.__main__ as m; m.main()"]}


@pytest.mark.parametrize(
    ("moment", "entry", "number"),
    [
        ("first", "module", signal.SIGINT),
        ("first", "script", signal.SIGINT),
        ("first", "script", signal.SIGTERM),
        ("typer", "module", signal.SIGTERM),
        ("numpy", "module", signal.SIGINT),
        ("torch.nn.functional", "module", signal.SIGINT),
    ],
)
def test_signal_during_imports(
    moment: str, entry: str, number: signal.Signals, tmp_path: Path
) -> None:
    """Signals from the first import of the command line on.

    Until Python has come to our first line, what it says of Ctrl-C is its own, and no program can
    change that.
    """
    command = [sys.executable, "-X", "importtime", *ENTRIES[entry]]
    process = subprocess.Popen(  # it waits for its input, unless the signal ends it
        [*command, "train", "-", "--out", str(tmp_path / "m")],
        stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(),
    )  # fmt: skip
    lines: list[bytes] = []
    with process:
        hangs = threading.Timer(TIMEOUT, process.kill)
        hangs.start()
        imported = read_imports(process, lines)
        reached = ("munjang.stopping", "munjang.__main__") if moment == "first" else (moment,)
        assert any(name in reached for name in imported)
        if moment == "first":  # whatever the command line itself imports
            assert any(name not in reached for name in imported)
        process.send_signal(number)
        for _ in imported:
            pass
        hangs.cancel()
        assert process.wait(TIMEOUT) == 128 + number
    assert lines == [b"munjang: stopped\n"]


def test_sigterm_ends_a_waiting_command(model: Path) -> None:
    process = start("predict", model, "--input", "-")
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    with process:
        process.stdin.write("정말 재미있다\n".encode())
        process.stdin.flush()
        next_line(process.stdout)
        process.terminate()
        assert process.stderr.read() == b"munjang: stopped\n"
        assert process.wait(TIMEOUT) == 143


def test_terminal_shows_a_progress_bar(reviews: Path, tmp_path: Path) -> None:
    command = ("train", reviews, "--model", "mean", *set_options(), "--out", tmp_path / "m")
    code, seen = run_in_terminal(*command)
    assert code == 0
    assert "\x1b[" in seen, "a terminal is drawn on"
    assert "━" in seen, "a bar"
    for expected in ("44/44", "loss 0.", "accuracy 0.", "tokens/s", "left", "munjang predict"):
        assert expected in seen
    assert seen.rstrip().endswith("FILE-IT-HAS-NOT-SEEN")
    assert seen.count("\x1b[?25l") == seen.count("\x1b[?25h"), "the cursor is shown again"


def test_narrow_terminal_cuts_nothing(model: Path, more_reviews: Path) -> None:
    code, seen = run_in_terminal("evaluate", model, more_reviews, columns=44)
    assert code == 0
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen)
    for expected in ("calibration error", "precision", "true \\ predicted"):
        assert expected in plain


def test_cp949_is_read_with_encoding_option(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [(f"좋은 영화 {n}", "긍정") for n in range(20)] + [
        (f"나쁜 글 {n}", "부정") for n in range(20)
    ]
    lines = ["문장,분류", *(",".join(row) for row in rows)]
    path = tmp_path / "old.csv"
    path.write_bytes("\r\n".join(lines).encode("cp949"))
    named = ("--text-column", "문장", "--label-column", "분류", "--encoding", "cp949")
    options = (*named, "--out", tmp_path / "m", "--model", "mean", *set_options())
    assert call(capsys, "train", path, *options).code == 0
    result = call(capsys, "evaluate", tmp_path / "m", path)
    assert result.code == 0, result.err
    matrix = [
        line.split() for line in result.out.splitlines() if line.split()[:1] in (["긍정"], ["부정"])
    ]
    assert len(matrix) == 4, "a row a class, in two tables"


def test_standard_input_is_read_as_labeled_text(
    reviews: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with reviews.open(encoding="utf-8") as stream:
        monkeypatch.setattr("sys.stdin", stream)
        result = call(capsys, "check", "-", "--model", "mean", *set_options(), "--json")
    assert result.code == 0, result.err
    report = json.loads(result.out)
    assert report["files"] == ["standard input"]
    assert report["estimate"]["steps"] == 44
