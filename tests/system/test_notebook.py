"""Sessions in Python: a notebook with a kernel of its own, a terminal, and a pipe."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import nbclient
import nbformat
import polars as pl
import pytest

import munjang
from tests.system.commands import TIMEOUT, environment
from tests.system.terminals import run_in_terminal, to_lines
from tests.unit.progress.cells import Cell
from tests.unit.report.fragments import assert_inert

HOSTILE = "<script>alert(1)</script>"
OPTIONS = {
    "model": "mean",
    "overrides": [
        "model.dim=8",
        "model.ngram_buckets=64",
        "training.epochs=2",
        "training.threads=1",
        "data.validation_split=0.25",
    ],
}
TRAIN = f"trained = munjang.train('reviews.tsv', **{OPTIONS!r}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("session")
    rows = [
        f"{'good fine' if n % 2 else 'bad poor'} {n}\t{HOSTILE if n % 2 else 'a'}"
        for n in range(40)
    ]
    (folder / "reviews.tsv").write_text("text\tlabel\n" + "\n".join(rows) + "\n", "utf-8")
    return folder


def run_notebook(folder: Path, *cells: str) -> list[list[dict[str, Any]]]:
    """The outputs of each cell, as they are saved with the notebook."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    client = nbclient.NotebookClient(
        notebook, timeout=TIMEOUT, resources={"metadata": {"path": str(folder)}}
    )
    client.execute(env={**environment(), "IPYTHONDIR": str(folder / "ipython")})
    saved = nbformat.reads(json.dumps(notebook), as_version=4)
    return [list(cell.outputs) for cell in saved.cells]


def test_notebook_shows_bar_then_model_then_frame(folder: Path) -> None:
    bar, model, frame, quiet = run_notebook(
        folder,
        f"import munjang\n{TRAIN})",
        "trained.model",
        "trained.scores.to_frame()",
        f"{TRAIN}, progress=False)",
    )
    (drawn,) = bar
    assert drawn.output_type == "display_data"
    fragment = assert_inert(drawn.data["text/html"])
    assert "progress" in fragment.tags
    assert ("value", "2") in fragment.attributes
    assert "accuracy" in fragment.text
    assert drawn.data["text/plain"].startswith("2/2  loss ")

    (shown,) = model
    assert shown.output_type == "execute_result"
    assert HOSTILE in assert_inert(shown.data["text/html"]).text
    assert shown.data["text/plain"].startswith("Model(classify on text, mean, ")

    (table,) = frame
    assert "macro_f1" in table.data["text/html"]
    assert quiet == []


SCRIPT = f"""
import sys
import munjang
{TRAIN})
assert "IPython" not in sys.modules
"""


def test_training_in_a_pipe_is_silent(folder: Path) -> None:
    command = [sys.executable, "-c", SCRIPT]
    result = subprocess.run(
        command, cwd=folder, env=environment(), capture_output=True, text=True, timeout=TIMEOUT
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_training_on_a_terminal_has_a_bar(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.system.terminals.MUNJANG", [sys.executable, "-c", SCRIPT])
    monkeypatch.chdir(folder)
    code, seen = run_in_terminal()
    assert code == 0, seen
    bars = [line for line in to_lines(seen) if "━" in line]
    assert "2/2" in bars[-1]
    assert "accuracy" in bars[-1]


def test_comparison_is_shown_and_becomes_a_frame(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell = Cell()
    monkeypatch.setattr("munjang.progress.showing.find_notebook", lambda: cell.display)
    compared = munjang.compare(
        folder / "reviews.tsv", models="majority,nbsvm", out=folder / "compared", seeds=1
    )
    assert [repr(state) for state in cell.shown] == [
        "0/2  majority, seed 0",
        "1/2  nbsvm, seed 0",
        "2/2  done",
    ]
    line = repr(compared)
    assert line.startswith("Comparison(classify, 2 models, accuracy on ")
    assert "nbsvm 1.0000, majority" in line
    shown = assert_inert(compared._repr_html_())
    assert "svg" in shown.tags
    assert HOSTILE in shown.text
    frame = compared.to_frame()
    assert frame["name"].to_list() == ["nbsvm", "majority"]
    written = pl.read_csv(folder / "compared" / "compare.csv")
    assert written.columns == frame.columns
    ElementTree.fromstring(compared.to_svg())
    assert compared.save(folder / "a.png").read_bytes().startswith(b"\x89PNG")
