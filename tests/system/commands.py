"""Running `munjang` as a person does: a process of its own, its two outputs and its exit code."""

import io
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from munjang.cli import main

MUNJANG = [sys.executable, "-m", "munjang"]
# Seconds after which a process hangs: nothing that is waited for takes more than a few of them,
# but a machine that is shared may stand still.
TIMEOUT = 600.0

# A model that learns a little in a second or two.
QUICK = {
    "model.dim": 16,
    "model.ngram_buckets": 4096,
    "training.epochs": 2,
    "training.batch_size": 64,
    "training.threads": 1,
    "training.learning_rate": 0.02,
    "training.embedding_learning_rate": 0.05,
}


@dataclass(frozen=True)
class CommandResult:
    """Result of a command."""

    code: int
    out: str
    err: str


def set_options(**changed: object) -> list[str]:
    """`--set` options; `training__epochs=3` sets training.epochs."""
    named = {**QUICK, **{name.replace("__", "."): value for name, value in changed.items()}}
    return [part for key, value in named.items() for part in ("--set", f"{key}={value}")]


def environment() -> dict[str, str]:
    """One thread a process: many small processes are quicker so."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"}


def run(*arguments: object, stdin: str | bytes = b"") -> CommandResult:
    """Run a command in a process of its own."""
    result = subprocess.run(
        [*MUNJANG, *map(str, arguments)],
        input=stdin.encode() if isinstance(stdin, str) else stdin,
        capture_output=True,
        timeout=TIMEOUT,
        env=environment(),
        check=False,
    )
    return CommandResult(result.returncode, result.stdout.decode(), result.stderr.decode())


def run_with_peak_memory(*arguments: object) -> tuple[CommandResult, int]:
    """Run a command, and tell the most bytes of memory that its process has held."""
    command = [sys.executable, "-c", _PRINT_PEAK_SCRIPT, *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, env=environment(), check=False, text=True)
    err, _, peak = result.stderr.rpartition("peak memory: ")
    return CommandResult(result.returncode, result.stdout, err), int(peak)


_PRINT_PEAK_SCRIPT = """
import sys
from munjang.cli import main
from munjang.memory import peak_memory
try:
    main(sys.argv[1:])
finally:
    print("peak memory:", peak_memory(), file=sys.stderr)
"""


def start(*arguments: object, **streams: object) -> "subprocess.Popen[bytes]":
    """Begin a command whose streams are pipes, unless given."""
    piped = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    command = [*MUNJANG, *map(str, arguments)]
    return subprocess.Popen(command, env=environment(), **{**piped, **streams})  # type: ignore[call-overload, no-any-return]


def call(capsys: pytest.CaptureFixture[str], *arguments: object) -> CommandResult:
    """Run a command in this process: for the many ways to be wrong, which need no other."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return CommandResult(int(ended.value.code or 0), out, err)


def invoke(*arguments: object, stdin: str | bytes = b"") -> CommandResult:
    """As `run`, in this process: a process of its own takes seconds to begin."""
    given = io.BytesIO(stdin.encode() if isinstance(stdin, str) else stdin)
    with (
        pytest.MonkeyPatch.context() as patch,
        redirect_stdout(io.StringIO()) as out,
        redirect_stderr(io.StringIO()) as err,
    ):
        patch.setattr(sys, "stdin", io.TextIOWrapper(given))
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
    return CommandResult(int(ended.value.code or 0), out.getvalue(), err.getvalue())


def write_table(
    path: Path,
    rows: Iterable[Sequence[str]],
    *,
    header: str = "text,label",
    encoding: str = "utf-8",
) -> Path:
    """A CSV file of fields that need no quotes."""
    lines = [header, *(",".join(row) for row in rows)]
    path.write_bytes(("\n".join(lines) + "\n").encode(encoding))
    return path


def copy_head(path: Path, lines: int, into: Path) -> Path:
    """The first lines of a file, in a file of their own."""
    with path.open("rb") as file:
        into.write_bytes(b"".join(line for line, _ in zip(file, range(lines), strict=False)))
    return into


def control_characters(text: str) -> set[str]:
    """Control characters other than new line and tab."""
    return {c for c in text if ord(c) < 32 and c not in "\n\t"} | ({"\x7f"} & set(text))
