"""Names, lines and broken files on the command line: what is the same is taken for the same."""

import gzip
import io
import json
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from tests.system.commands import CommandResult, call, invoke, set_options

WORDS = {"good": "정말 재미있다", "bad": "시간이 아깝다", "so": "그저 그렇다"}
NAMES = {"good": "좋음", "bad": "나쁨", "so": "보통"}


def to_nfd(text: str) -> str:
    return unicodedata.normalize("NFD", text)


def write_labels(
    path: Path, labels: dict[str, str], *, rows: int = 20, header: str = "text,label"
) -> Path:
    """A CSV in which each kind of text has its label."""
    lines = [f"{WORDS[kind]} {n},{label}" for n in range(rows) for kind, label in labels.items()]
    path.write_text("\n".join([header, *lines, ""]), encoding="utf-8")
    return path


def run_train(out: Path, *data: object) -> CommandResult:
    return invoke("train", *data, "--out", out, "--model", "mean", *set_options(training__epochs=4))


Call = Callable[..., CommandResult]


@pytest.fixture
def munjang(capsys: pytest.CaptureFixture[str]) -> Call:
    return lambda *arguments: call(capsys, *arguments)


# --- labels

THREE = {"good": "True", "bad": "False", "so": "Unknown"}
TWO = {"good": "True", "bad": "False"}


def read_accuracy(result: CommandResult) -> float:
    assert result.code == 0, result.err
    return float(json.loads(result.out)["accuracy"])


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of True, False and Unknown."""
    folder = tmp_path_factory.mktemp("names")
    result = run_train(folder / "model", write_labels(folder / "three.csv", THREE))
    assert result.code == 0, result.err
    return folder / "model"


@pytest.mark.parametrize("labels", [TWO, {"good": "true", "bad": "FALSE"}, THREE])
def test_label_does_not_depend_on_other_labels_of_the_file(
    trained: Path, tmp_path: Path, munjang: Call, labels: dict[str, str]
) -> None:
    unseen = write_labels(tmp_path / "unseen.csv", labels)
    assert read_accuracy(munjang("evaluate", trained, unseen, "--json")) == 1.0
    assert munjang("predict", trained, WORDS["good"]).out.startswith("True\t")


@pytest.mark.parametrize(
    ("first", "second", "classes"),
    [
        (THREE, TWO, {"True": 40, "False": 40, "Unknown": 20}),
        (TWO, {"good": "true", "bad": "false"}, {"True": 40, "False": 40}),
        (
            {"good": "1.0", "bad": "2.0", "so": "n/a"},
            {"good": "1.0", "bad": "2.0"},
            {"1.0": 40, "2.0": 40, "n/a": 20},
        ),
        ({"good": "1", "bad": "2"}, {"good": "1.0", "bad": "2.0"}, {"1": 40, "2": 40}),
        (
            {kind: NAMES[kind] for kind in TWO},
            {kind: to_nfd(NAMES[kind]) for kind in TWO},
            {"좋음": 40, "나쁨": 40},
        ),
    ],
    ids=["True", "true", "1.0", "1", "NFD"],
)
def test_classes_are_determined_over_all_files(
    tmp_path: Path,
    munjang: Call,
    first: dict[str, str],
    second: dict[str, str],
    classes: dict[str, int],
) -> None:
    files = [write_labels(tmp_path / "1.csv", first), write_labels(tmp_path / "2.csv", second)]
    report = munjang("check", *files, "--json")
    assert json.loads(report.out)["labels"] == classes
    notes = " ".join(json.loads(report.out)["notes"])
    test = munjang("check", files[0], "--test", files[1], "--json")
    assert json.loads(test.out)["test"]["unknown_labels"] == {}
    mixed = set(second.values()) - set(first.values())
    assert ("one class" in notes) == bool(mixed)


def test_labels_are_equal_across_normal_forms(tmp_path: Path, munjang: Call) -> None:
    as_written = write_labels(tmp_path / "nfc.csv", {kind: NAMES[kind] for kind in TWO})
    as_macos = write_labels(tmp_path / "nfd.csv", {kind: to_nfd(NAMES[kind]) for kind in TWO})
    assert run_train(tmp_path / "model", as_written, "--valid", as_macos).code == 0
    assert read_accuracy(munjang("evaluate", tmp_path / "model", as_macos, "--json")) == 1.0


def test_label_sets_are_equal_across_normal_forms(tmp_path: Path, munjang: Call) -> None:
    sets = {kind: f"{NAMES[kind]}|{NAMES['so']}" for kind in TWO}
    mixed = write_labels(tmp_path / "mixed.csv", {**sets, "so": to_nfd(NAMES["so"])})
    report = munjang("check", mixed, "--task", "multilabel", "--json")
    assert json.loads(report.out)["labels"] == {"보통": 60, "나쁨": 20, "좋음": 20}
    task = ("--task", "multilabel", *set_options(training__epochs=4))
    result = munjang("train", mixed, "--out", tmp_path / "model", "--model", "mean", *task)
    assert result.code == 0, result.err
    other = write_labels(
        tmp_path / "other.csv", {kind: to_nfd(label) for kind, label in sets.items()}
    )
    assert munjang("evaluate", tmp_path / "model", other, "--json").code == 0


# --- columns and files


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("typed_form", ["NFC", "NFD"])
def test_columns_and_files_are_found_across_normal_forms(
    tmp_path: Path, munjang: Call, form: str, typed_form: str
) -> None:
    def written(text: str) -> str:
        return unicodedata.normalize(form, text)  # type: ignore[arg-type]

    def typed(text: str) -> str:
        return unicodedata.normalize(typed_form, text)  # type: ignore[arg-type]

    path = tmp_path / written("리뷰 모음.csv")
    write_labels(path, TWO, header=f"{written('글귀')},{written('딱지')}")
    named = ("--text-column", typed("글귀"), "--label-column", typed("딱지"), "--json")
    report = munjang("check", tmp_path / typed("리뷰 모음.csv"), *named)
    assert json.loads(report.out)["labels"] == {"True": 20, "False": 20}
    write_labels(path, TWO, header=f"{written('문장')},{written('라벨')}")
    guessed = munjang("check", tmp_path / typed("리뷰 모음.csv"))
    assert "label column:" in guessed.err
    assert "by its name" in guessed.err
    lines = path.with_suffix(".jsonl")
    rows = [{written("문장"): "가", "n": 1}, {typed("문장"): "나", "n": 2}]
    lines.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    assert json.loads(munjang("check", lines, "--json").out)["rows"] == 2


@pytest.mark.parametrize(
    "header", ["text,label,text", "라벨,본문,라벨", f"본문,{to_nfd('본문')},label"]
)
def test_duplicate_column_is_refused_by_every_command(
    trained: Path,
    tmp_path: Path,
    munjang: Call,
    monkeypatch: pytest.MonkeyPatch,
    header: str,
) -> None:
    path = tmp_path / "twice.csv"
    path.write_text(f"{header}\n가,나,다\n라,마,바\n", encoding="utf-8")
    name = "라벨" if header.startswith("라벨") else header.split(",")[0]
    kind = "label" if name == "라벨" else "text"
    tried = [
        munjang("check", path),
        munjang("check", path, f"--{kind}-column", name),
        munjang("train", path, "--out", tmp_path / "model"),
    ]
    if kind == "text":
        tried.append(munjang("predict", trained, "--input", path, "--text-column", name))
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(path.read_bytes())))
        tried.append(munjang("predict", trained))
    for result in tried:
        assert (result.code, result.out) == (2, "")
        assert f"2 columns are named '{name}'" in result.err


def test_duplicate_json_key_is_a_bad_row(trained: Path, tmp_path: Path, munjang: Call) -> None:
    path = tmp_path / "twice.jsonl"
    path.write_text('{"text": "가"}\n{"text": "나", "text": "다"}\n', encoding="utf-8")
    result = munjang("predict", trained, "--input", path)
    assert result.code == 2
    assert "row 2: not valid JSON (the key 'text' occurs twice)" in result.err


def test_model_folder_is_found_across_normal_forms(
    trained: Path, tmp_path: Path, munjang: Call
) -> None:
    (tmp_path / to_nfd("모델")).symlink_to(trained)
    assert munjang("predict", tmp_path / "모델", WORDS["bad"]).out.startswith("False\t")


# --- lines


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("suffix", [".txt", ".csv", ".tsv", ".jsonl"])
def test_every_command_reads_the_same_lines(
    trained: Path,
    tmp_path: Path,
    munjang: Call,
    monkeypatch: pytest.MonkeyPatch,
    end: str,
    suffix: str,
) -> None:
    texts = list(WORDS.values())
    rows = {
        ".txt": texts,
        ".csv": ["text,label", *(f"{text},True" for text in texts)],
        ".tsv": ["text\tlabel", *(f"{text}\tTrue" for text in texts)],
        ".jsonl": [json.dumps({"text": text, "label": True}) for text in texts],
    }[suffix]
    path = tmp_path / f"data{suffix}"
    path.write_bytes(end.join(rows).encode())
    assert json.loads(munjang("check", path, "--json").out)["rows"] == 3
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(path.read_bytes())))
    for result in (munjang("predict", trained, "--input", path), munjang("predict", trained)):
        assert [line.split("\t")[-1] for line in result.out.split("\n")[:-1]] == texts
    if suffix != ".txt":
        assert json.loads(munjang("evaluate", trained, path, "--json").out)["rows"] == 3


# --- broken files


def test_broken_standard_input_has_no_traceback(trained: Path) -> None:
    result = invoke("predict", trained, stdin=gzip.compress(b"PAR1" + bytes(99))[:-9])
    assert result.code == 2
    assert result.err.startswith("munjang: standard input: ")
    assert len(result.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("suffix", "damage", "message"),
    [
        (".parquet.gz", lambda whole: whole[:-20], "it is damaged or cut off"),
        (".parquet", lambda whole: gzip.decompress(whole)[:-9], "not a whole Parquet file"),
        (".csv.gz", lambda whole: gzip.compress(b"text\n" + b"a\n" * 99)[:-5], "cut off"),
        (
            ".csv.gz",
            lambda whole: gzip.compress(b"text\n" + b"a\n" * 99)[:-8] + bytes(8),
            "CRC check failed",
        ),
        (".csv", lambda whole: b"text\n\xff\xfe\n", "not valid"),
        (".csv", lambda whole: b"text\na\0b\n", "NUL byte"),
    ],
    ids=["parquet.gz", "parquet", "gz", "crc", "utf-8", "nul"],
)
def test_broken_file_is_refused_in_one_line_with_its_name(
    trained: Path,
    tmp_path: Path,
    munjang: Call,
    monkeypatch: pytest.MonkeyPatch,
    suffix: str,
    damage: Callable[[bytes], bytes],
    message: str,
) -> None:
    path = tmp_path / f"data{suffix}"
    pl.DataFrame({"text": ["가나다"] * 999}).write_parquet(tmp_path / "whole")
    path.write_bytes(damage(gzip.compress((tmp_path / "whole").read_bytes())))
    for result in (
        munjang("predict", trained, "--input", path),
        munjang("check", path),
        munjang("evaluate", trained, path),
        munjang("train", path, "--out", tmp_path / "model"),
    ):
        assert result.code == 2
        (line,) = (line for line in result.err.splitlines() if line.startswith("munjang: "))
        assert line.startswith(f"munjang: {path}")
        assert message in line
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(path.read_bytes())))
    piped = munjang("predict", trained)
    assert piped.code == 2
    assert "munjang: standard input" in piped.err
