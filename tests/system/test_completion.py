"""Completion in bash, as Typer's script asks the program for it, and where its names come from."""

import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from munjang.cli import main
from munjang.cli.completion import SETTING, read_names
from munjang.recipe import Recipe
from munjang.registry import ARCHITECTURES, INPUTS, TASKS
from tests.system.commands import TIMEOUT, environment

BASH = shutil.which("bash")
# What bash does when Tab is pressed after the last of the words, and what it then offers.
_SCRIPT = r"""
source <(_MUNJANG_COMPLETE=source_bash munjang)
while IFS= read -r line; do
    read -ra COMP_WORDS <<< "$line"
    [[ "$line" == *" " ]] && COMP_WORDS+=("")
    COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))
    COMPREPLY=()
    _munjang_completion munjang
    printf '%s\n' "${COMPREPLY[*]}"
done
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the program `munjang` of this Python."""
    folder = tmp_path_factory.mktemp("bin")
    file = folder / "munjang"
    file.write_text(f'#!/bin/sh\nexec {sys.executable} -m munjang "$@"\n')
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return folder


def complete(program: Path, *typed: str) -> list[list[str]]:
    """What bash offers after each of some lines."""
    variables = environment()
    variables["PATH"] = f"{program}:{variables['PATH']}"
    result = subprocess.run(
        [str(BASH), "--norc", "-c", _SCRIPT],
        input="".join(f"{line}\n" for line in typed),
        env=variables,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )
    assert not result.stderr
    return [line.split() for line in result.stdout.splitlines()]


@pytest.mark.skipif(BASH is None, reason="there is no bash")
def test_bash_offers_names(program: Path) -> None:
    models, translating, some, setting, values, metric, name = complete(
        program,
        "munjang train reviews.tsv --model ",
        "munjang train pairs.tsv --task translate --model ",
        "munjang compare reviews.tsv --models mean,nb",
        "munjang train reviews.tsv --model cnn --set model.",
        "munjang train reviews.tsv --set training.epo",
        "munjang compare ratings.tsv --task regress --metric ",
        "munjang tr",
    )
    assert set(models) == set(ARCHITECTURES.names)
    assert "seq2seq" in translating
    assert "cnn" not in translating
    assert some == ["mean,nbsvm"]
    assert "model.filters" in setting
    assert "model.feed_forward_dim" not in setting
    assert values == ["training.epochs=", "training.epochs=5"]
    assert metric == list(TASKS.require("regress").metrics)
    assert name == ["train"]


@pytest.mark.parametrize(
    ("shell", "action"), [("zsh", ""), ("fish", "get-args"), ("powershell", "")]
)
@pytest.mark.parametrize("typed", ["train --set ", "train --task ", "data get ", "shapes "])
def test_other_shells_get_descriptions(
    shell: str,
    action: str,
    typed: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("_MUNJANG_COMPLETE", f"complete_{shell}")
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", f"munjang {typed}")
    monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", action)
    monkeypatch.setenv("_TYPER_COMPLETE_WORD_TO_COMPLETE", "")
    with pytest.raises(SystemExit) as ended:
        main([])
    shown = capsys.readouterr()
    assert (ended.value.code, shown.err) == (0, "")
    assert len(shown.out) > 100


def test_completion_imports_no_torch() -> None:
    code = (
        "import os, sys\nfrom munjang.cli import main\n"
        "os.environ |= {'_MUNJANG_COMPLETE': 'complete_bash', 'COMP_CWORD': '3',\n"
        "               'COMP_WORDS': 'munjang train --set training.'}\n"
        "try: main([])\n"
        "finally: print(*sys.modules, file=sys.stderr)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True
    )
    assert "training.epochs" in result.stdout.split()
    assert not set(result.stderr.split()) & {"torch", "numpy", "polars", "munjang.recipe"}


def test_names_of_settings_are_those_of_the_recipes() -> None:
    known = {row.name: row for row in read_names() if row.kind == SETTING}
    for row in ARCHITECTURES.rows:
        for key in row.config_class().model_fields:
            if key != "name":
                assert row.name in known[f"model.{key}"].models
    for part in (*INPUTS.rows, *TASKS.rows):
        for section, settings in part.load().sections.items():
            for key in settings.model_fields:
                whole = f"{section}.{key}"
                assert whole in known or any(name.startswith(f"{whole}.") for name in known)
    for key in Recipe.model_fields["training"].annotation.model_fields:
        assert f"training.{key}" in known


def test_every_value_is_of_one_word() -> None:
    for row in read_names():
        assert row.name
        assert not any(set(" \t=") & set(value) for value in row.values)
