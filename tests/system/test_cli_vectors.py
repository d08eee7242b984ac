"""`munjang train --vectors` as a person runs it."""

import gzip
import json
from pathlib import Path

import pytest

from tests.synthetic import make_corpus
from tests.system.commands import call, invoke, write_table
from tests.system.test_cli_errors import assert_one_line

VECTORS = "5 3\nfilm 1 2 3\nawful -1 0 1\ngreat 0.5 0.5 0.5\nokay 0 0 1\nxyzzy 1 1 1\n"
QUICK = ["--set", "training.epochs=1", "--set", "training.threads=1"]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    texts, labels = make_corpus(60)
    return write_table(tmp_path / "data.csv", zip(texts, labels, strict=True))


def test_vectors_are_reported_and_not_needed_by_the_model(table: Path, tmp_path: Path) -> None:
    file = tmp_path / "words.vec.gz"
    file.write_bytes(gzip.compress(VECTORS.encode()))
    out = tmp_path / "model"
    result = invoke(
        "train", table, "--vectors", file, "--freeze-vectors", "--out", out, "--json", *QUICK
    )
    assert result.code == 0, result.err
    saved = json.loads(result.out)["training"]["vectors"]
    assert (saved["words"], saved["types_found"], saved["frozen"]) == (5, 4, True)
    assert f"vectors: 5 words of 3 numbers in {file} (word2vec text)" in result.err
    assert "4 of " in result.err
    file.unlink()
    assert invoke("predict", out, "a great film").code == 0


def test_errors_are_one_line(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, out = tmp_path / "words.vec", tmp_path / "model"
    command = ("train", table, "--out", out, *QUICK)
    assert_one_line(call(capsys, *command, "--freeze-vectors"), "--vectors")
    assert_one_line(call(capsys, *command, "--vectors", file), "words.vec", "no such file")
    file.write_text(VECTORS.replace("0.5 0.5 0.5", "0.5 0.5"))
    result = call(capsys, *command, "--vectors", file)
    assert_one_line(result, "words.vec, row 4", "3 numbers", "got 2 numbers after 'great'")
    file.write_text(VECTORS)
    result = call(capsys, *command, "--vectors", file, "--set", "model.dim=8")
    assert_one_line(result, "model.dim", "3 numbers", "is 8")
    file.write_bytes(b"\x80\x04\x95")
    result = call(capsys, *command, "--vectors", file)
    assert_one_line(result, "a pickle", "save_word2vec_format")
    assert not out.exists()
