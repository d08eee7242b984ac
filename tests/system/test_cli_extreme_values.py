"""Absurd numbers on the command line: one line, exit code 2, and no traceback."""

from pathlib import Path
from typing import Any

import pytest

import munjang
from tests.synthetic import QUICK, make_corpus
from tests.system.commands import call, run, write_table

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def working_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table, and models of one label and of texts."""
    folder = tmp_path_factory.mktemp("absurd")
    texts, labels = make_corpus(60)
    write_table(folder / "data.csv", zip(texts, labels, strict=True))
    munjang.train((texts, labels), model="mean", overrides=QUICK, out=folder / "labels")
    config = {
        "tokenizer": {"name": "words"},
        "model": {"dim": 8, "layers": 1, "heads": 1},
        "training": {"epochs": 1},
        "decoding": {"max_length": 5},
    }
    munjang.train((texts, texts), task="translate", config=config, out=folder / "texts")
    return folder


TRAIN = ["train", "data.csv", "--out", "new", "--model", "cnn", "--quiet"]
COMMANDS: dict[str, list[Any]] = {
    "threads": [*TRAIN, "--set", "training.threads=1000000000"],
    "dim": [*TRAIN, "--set", "model.dim=1e20"],
    "digits": [*TRAIN, "--set", f"model.dim={'9' * 5000}"],
    "nan": [*TRAIN, "--set", "training.learning_rate=.nan"],
    "infinite": [*TRAIN, "--set", "training.weight_decay=.inf"],
    "device": [*TRAIN, "--set", "training.device=mps"],
    "tokenizer": [*TRAIN, "--tokenizer", "bpe", "--set", "tokenizer.max_size=1000000000"],
    "memory": [*TRAIN, "--set", "model.dim=65536", "--set", "model.ngrams=2"],
    "letters": [*TRAIN, "--set", f"training.schedule={'x' * 100_000}"],
    "seed": [*TRAIN, "--seed", 10**30],
    "nbest": ["predict", "texts", "a text", "--nbest", 10**9],
    "beam": ["predict", "texts", "a text", "--beam", 10**9],
    "steps": ["predict", "texts", "a text", "--set", "decoding.max_length=1000000000"],
    "seeds": ["compare", "data.csv", "--out", "new", "--seeds", 10**9],
    "budget": ["compare", "data.csv", "--out", "new", "--budget", "9" * 400],
    "trials": ["tune", "data.csv", "--out", "new", "--trials", 10**12],
    "seconds": ["tune", "data.csv", "--out", "new", "--seconds", "nan"],
    "vocabulary": ["shapes", "cnn", "--vocabulary", 10**12],
    "shapes": ["shapes", "lstm", "--set", "model.hidden_dim=65536", "--set", "model.layers=64"],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_extreme_values_are_refused_in_one_line(
    name: str,
    working_folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(working_folder)
    result = call(capsys, *COMMANDS[name])
    assert (result.code, result.out) == (2, "")
    *_, last = result.err.splitlines()
    assert last.startswith("munjang: ")
    assert len(last) < 1000
    assert "Traceback" not in result.err
    assert not (working_folder / "new").exists()


def test_billion_threads_are_refused_by_the_process(working_folder: Path) -> None:
    data, out = working_folder / "data.csv", working_folder / "new"
    options = ["--out", out, "--set", "training.threads=1000000000"]
    result = run("train", data, "--quiet", *options)
    assert (result.code, result.out) == (2, "")
    assert result.err.count("\n") == 1
    assert result.err.startswith("munjang: config: training.threads: ")
