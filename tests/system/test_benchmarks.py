"""Benchmarks where their peers are not installed: named in a line each, and left out."""

import runpy
import sys
from pathlib import Path

import pytest

from tests.synthetic import make_corpus

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"
PEERS = ("jax", "tensorflow", "keras", "fasttext", "sacremoses", "rouge_score", "joeynmt")
# run by the Python of a peer, or imported by the others
PARTS = ("joey_peer.py", "joey_weights.py", "translate_ours.py")
SCRIPTS = [
    path.name
    for path in sorted(FOLDER.glob("*.py"))
    if "__main__" in path.read_text("utf-8") and path.name not in PARTS
]


@pytest.fixture(autouse=True)
def no_peers(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if no peer were installed."""
    for name in PEERS:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.syspath_prepend(str(FOLDER))


def run(monkeypatch: pytest.MonkeyPatch, script: str, *arguments: object) -> object:
    """The exit code of a script in this process."""
    monkeypatch.setattr("sys.argv", [script, *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(FOLDER / script), run_name="__main__")
    return ended.value.code


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_has_help(
    script: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, script, "--help") == 0
    assert "usage: " in capsys.readouterr().out


def test_missing_peer_is_named_and_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("gc.collect", lambda: 0)  # of a whole suite's objects it takes seconds
    table = tmp_path / "reviews.tsv"
    rows = [f"{number}\t{text}\t1" for number, text in enumerate(make_corpus(60)[0])]
    table.write_text("\n".join(["id\tdocument\tlabel", *rows, ""]), "utf-8")
    code = run(monkeypatch, "tokenize.py", "--data", table, "--repeats", 2)
    assert code in (0, 1), "whether the aim is reached on so few texts"
    lines = capsys.readouterr().out.splitlines()
    assert lines.count("left out: keras; pip install keras") == 1
    assert any(line.startswith("fit and encode, Hugging Face") for line in lines)
    assert not any(line.startswith("ids as lists") for line in lines)


def test_missing_packages_are_named_once(capsys: pytest.CaptureFixture[str]) -> None:
    present = runpy.run_path(str(FOLDER / "peers.py"))["present"]
    assert present(["ours", "tensorflow", "fasttext", "torch"]) == ["ours", "torch"]
    assert capsys.readouterr().out.split("\n\n") == [
        "left out: tensorflow; pip install keras tensorflow-cpu",
        "left out: fasttext; pip install fasttext-numpy2",
        "",
    ]


def test_missing_data_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    message = run(monkeypatch, "train.py", "--data", tmp_path / "none.tsv")
    assert str(message).startswith(f"no {tmp_path / 'none.tsv'}: give --data")
