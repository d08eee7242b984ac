"""A distribution of its own adds an input, a task and an architecture; nothing else is touched."""

import json
import os
import random
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.system.commands import MUNJANG, CommandResult, environment

EXTENSION = Path(__file__).parents[1] / "extension"
QUICK = ("--set", "training.epochs=12", "--set", "training.learning_rate=0.02", "--quiet")


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with the distribution as an installer leaves it: the package and its metadata."""
    folder = tmp_path_factory.mktemp("installed")
    project = tomllib.loads((EXTENSION / "pyproject.toml").read_text("utf-8"))["project"]
    name, version = project["name"].replace("-", "_"), project["version"]
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {version}\n"
    )
    groups = [
        f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in points.items())
        for group, points in project["entry-points"].items()
    ]
    (info / "entry_points.txt").write_text("\n".join(groups))
    (folder / name).symlink_to(EXTENSION / "src" / name)
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Series whose highest peak tells one of four ordered classes."""
    draw, path = random.Random(1), tmp_path_factory.mktemp("series") / "series.csv"
    lines = ["text,label"]
    for row in range(400):
        level = row % 4
        series = [draw.gauss(0, 0.2) for _ in range(draw.randrange(6, 12))]
        series[draw.randrange(len(series))] += 1.5 * level
        lines.append(f"{' '.join(f'{number:.2f}' for number in series)},{level}")
    path.write_text("\n".join(lines) + "\n")
    return path


# Runs the commands of its input, a JSON list of words per line, and answers each in a line.
RUN_COMMANDS = """
import io, json, sys
from contextlib import redirect_stderr, redirect_stdout
from munjang.cli import main

for line in sys.stdin:
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        try:
            code = main(json.loads(line))
        except SystemExit as ended:
            code = ended.code
    print(json.dumps([int(code or 0), out.getvalue(), err.getvalue()]), flush=True)
"""


@pytest.fixture(scope="module")
def run(installed):
    """Runs commands in one process that finds the extension: to begin another takes seconds."""
    path = os.pathsep.join([str(installed), os.environ.get("PYTHONPATH", "")])
    with subprocess.Popen(
        [sys.executable, "-c", RUN_COMMANDS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**environment(), "PYTHONPATH": path},
        text=True,
    ) as process:

        def run_with_extension(*arguments):
            process.stdin.write(json.dumps([str(word) for word in arguments]) + "\n")
            process.stdin.flush()
            return CommandResult(*json.loads(process.stdout.readline()))

        yield run_with_extension
        process.stdin.close()


@pytest.fixture(scope="module")
def folder(run, data, tmp_path_factory):
    out = tmp_path_factory.mktemp("trained") / "model"
    result = run("train", data, "--input", "series", "--task", "ordinal", "--out", out, *QUICK)
    assert result.code == 0, result.err
    return out


def test_extension_has_fewer_than_150_lines():
    files = [EXTENSION / "pyproject.toml", *(EXTENSION / "src").rglob("*.py")]
    assert sum(len(file.read_text("utf-8").splitlines()) for file in files) < 150


def test_lists_and_help_name_the_extension(run):
    shown = run("train", "--help").out
    assert "ordinal (one of several ordered labels per row)" in " ".join(shown.split())
    assert "attentive_series" in shown
    wrong = run("train", "x.csv", "--task", "ordnal", "--out", "x")
    assert "did you mean 'ordinal'?" in wrong.err


def test_extension_is_trained_saved_and_loaded(folder, run, data):
    assert (folder / "series.json").exists()
    scores = json.loads(run("evaluate", folder, data, "--json").out)
    assert scores["accuracy"] > 0.8


def test_extension_predicts(folder, run):
    answer = json.loads(run("predict", folder, "0 0.1 4.5 0", "--json").out)
    assert answer["label"] == "3"
    assert sum(answer["probabilities"].values()) == pytest.approx(1)
    wrong = run("predict", folder, "0 x")
    assert (wrong.code, wrong.err.count("\n")) == (2, 1)
    assert "row 1: expected numbers, got '0 x'" in wrong.err


def test_extension_is_explained(folder, run):
    shown = run("explain", folder, "0 0.1 4.5 0")
    assert shown.code == 0, shown.err
    assert "4.5" in shown.out


def test_extension_parts_combine_with_built_in_parts(run, data, tmp_path):
    for kind, task, model in (
        ("series", "classify", "attentive_series"),
        ("series", "regress", "attentive_series"),
        ("text", "ordinal", "mean"),
    ):
        named = ("--input", kind, "--task", task, "--model", model)
        result = run("train", data, *named, "--out", tmp_path / f"{kind}-{task}", *QUICK)
        assert result.code == 0, result.err


def test_extension_models_are_compared(run, data, tmp_path):
    named = ("--input", "series", "--task", "ordinal", "--models", "attentive_series,majority")
    spent = ("--budget", "6k rows", "--seeds", "1", "--out", tmp_path / "compared")
    result = run("compare", data, *named, *spent, "--set", "training.learning_rate=0.02", "--json")
    assert result.code == 0, result.err
    compared = json.loads(result.out)
    assert compared["task"] == "ordinal/series"
    assert {row["name"] for row in compared["standings"]} == {"attentive_series", "majority"}
    assert compared["budget"] == {"amount": 6000, "unit": "rows"}
    network = next(row for row in compared["standings"] if row["name"] == "attentive_series")
    assert (network["runs"], network["reasons"]) == (1, [])


def test_unsupported_commands_are_refused_in_one_line(run, data):
    for arguments, expected in (
        (("shapes", "attentive_series"), "shapes are available for texts and images"),
        (
            ("check", data, "--input", "series", "--task", "ordinal"),
            "there is no check of the input series; train on it directly",
        ),
    ):
        result = run(*arguments)
        assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
        assert expected in result.err


def test_folder_without_extension_says_what_is_missing(folder):
    result = subprocess.run(
        [*MUNJANG, "predict", str(folder), "1 2 3"], capture_output=True, text=True, check=False
    )
    assert result.returncode == 2
    assert "unknown input 'series'" in result.stderr or "unknown task 'ordinal'" in result.stderr
    assert "Traceback" not in result.stderr
