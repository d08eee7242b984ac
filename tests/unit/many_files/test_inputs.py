"""Paths, patterns and folders become files with names of their own."""

import os
import unicodedata
from pathlib import Path

import pytest

from munjang.errors import ConfigError, DataError, FolderError
from munjang.many_files.inputs import find_inputs
from munjang.many_files.layout import check_names, delete_answers, file_folder, refuse_occupied


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Some files, two of them with one name."""
    monkeypatch.chdir(tmp_path)
    for name in ("a/x.csv", "b/x.csv", "b/deep/y.csv.gz", "b/.hidden.csv", "c.txt", "[1].csv"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("text\n")
    return tmp_path


def names(*sources: str, out: str = "out") -> list[str]:
    return [file.name for file in find_inputs(sources, Path(out))]


def test_names_are_paths_below_the_common_folder(tree: Path) -> None:
    assert names("a/x.csv") == ["x.csv"]
    assert names("a/x.csv", "b/x.csv") == ["a/x.csv", "b/x.csv"]
    assert names("*/*.csv", "c.txt") == ["a/x.csv", "b/x.csv", "c.txt"]
    assert names("b") == ["deep/y.csv.gz", "x.csv"]
    assert names("**/*.gz") == ["y.csv.gz"]
    assert names("[1].csv") == ["[1].csv"]
    assert names(str(tree / "a" / "x.csv"), "a/../a/x.csv", "a/*") == ["x.csv"]
    assert [file.path for file in find_inputs(["c.txt"], Path("o"))] == [str(tree / "c.txt")]


def test_own_answers_are_no_input(tree: Path) -> None:
    (tree / "b" / "out").mkdir()
    (tree / "b" / "out" / "part-00000.jsonl").write_text("{}\n")
    assert names("b", out="b/out") == ["deep/y.csv.gz", "x.csv"]
    with pytest.raises(DataError, match="only answers of"):
        names("b/out/part-00000.jsonl", out="b/out")


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_hangul_names_in_both_forms(form: str, tree: Path) -> None:
    stored = unicodedata.normalize(form, "자료")
    (tree / stored).mkdir()
    (tree / stored / unicodedata.normalize(form, "리뷰 1.csv")).write_text("a\n")
    for typed in ("자료/리뷰*.csv", unicodedata.normalize("NFD", "자료/리뷰*.csv"), "자료"):
        assert names(typed) == [unicodedata.normalize(form, "리뷰 1.csv")]


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        ([], "expected files to answer, got none"),
        (["-"], "standard input cannot be read again"),
        (["*.parquet"], r"\*\.parquet: no file matches"),
        (["empty"], "empty: this folder has no files"),
        (["none.csv"], "none.csv: there is no such file"),
        (["a\0b"], "expected the path of a file"),
    ],
)
def test_sources_without_files_are_refused(tree: Path, sources: list[str], message: str) -> None:
    (tree / "empty").mkdir()
    with pytest.raises((ConfigError, DataError), match=message):
        names(*sources)


def test_pipes_and_undecodable_names_are_refused(tree: Path) -> None:
    os.mkfifo(tree / "pipe")
    with pytest.raises(DataError, match="can be read again"):
        names("pipe")
    Path(os.fsdecode(bytes(tree) + b"/\xff.csv")).write_text("a\n")
    with pytest.raises(ConfigError, match="not valid Unicode"):
        names("*.csv")


def test_answers_stay_within_their_folder(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "link").symlink_to(tmp_path / "elsewhere")
    for name in ("../x", "/etc/passwd", "", "a/../../x", "link/x"):
        with pytest.raises(FolderError, match="leads out of"):
            file_folder(tmp_path / "out", name)
    assert file_folder(tmp_path / "out", "a/b.csv") == tmp_path / "out" / "a" / "b.csv"
    with pytest.raises(ConfigError, match="rename it"):
        check_names(["munjang-answers.json"])


def test_overwriting_deletes_own_files_only(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "x.csv"
    folder.mkdir(parents=True)
    own = ("part-00000.jsonl", "part-00001.jsonl.12ab.partial", "done.json", "bad-rows.jsonl")
    for name in (*own, "notes.txt"):
        (folder / name).write_text("x")
    (tmp_path / "munjang-answers.json").write_text("{}")
    delete_answers(tmp_path, ["a/x.csv", "b/gone.csv"])
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["notes.txt"]


def test_other_files_are_not_mixed_with(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("x")
    for resume, overwrite in ((False, False), (True, False), (False, True)):
        with pytest.raises(FolderError, match=r"other files \(thesis\.txt\)"):
            refuse_occupied(tmp_path, resume=resume, overwrite=overwrite)
    with pytest.raises(FolderError, match="this is a file"):
        refuse_occupied(tmp_path / "thesis.txt", resume=False, overwrite=False)
