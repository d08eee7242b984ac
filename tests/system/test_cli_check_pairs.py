"""A look at pairs of texts by the command line."""

import json
from pathlib import Path

import pytest

from munjang import AlignedFiles
from munjang.checking import check
from tests.system.commands import CommandResult, call, control_characters, invoke

QUICK = tuple(
    part
    for setting in (
        "model.dim=16",
        "model.hidden_dim=32",
        "training.epochs=2",
        "training.threads=1",
        "decoding.beam=2",
    )
    for part in ("--set", setting)
)
TRANSLATE = ("--task", "translate", "--model", "attentive", *QUICK)

WORDS = {"하나": "one", "둘": "two", "셋": "three", "넷": "four"}


def make_rows(count: int = 64) -> list[tuple[str, str]]:
    """Three words and their translations, no two alike."""
    names = list(WORDS)
    words = [(names[n % 4], names[n // 4 % 4], names[n // 16 % 4]) for n in range(count)]
    return [(" ".join(row), " ".join(WORDS[word] for word in row)) for row in words]


def write_lines(path: Path, lines: list[str]) -> Path:
    path.write_bytes("".join(f"{line}\n" for line in lines).encode())
    return path


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """TSV with a pair that stands twice, a source with two targets, a copy and a long pair."""
    more = [
        make_rows()[0],
        (make_rows()[1][0], "or so"),
        ("OK", "OK"),
        ("하나 " * 9 + "둘", "one " * 9 + "two"),
    ]
    rows = [f"{ko}\t{en}" for ko, en in [*make_rows(), *more]]
    return write_lines(tmp_path / "pairs.tsv", ["ko\ten", *rows])


COLUMNS = ("--source-column", "ko", "--target-column", "en")


def assert_refused(result: CommandResult, *words: str) -> None:
    assert (result.code, result.out) == (2, "")
    assert result.err.count("\n") == 1
    for word in words:
        assert word in result.err


def test_report_shows_everything(table: Path, tmp_path: Path) -> None:
    ko, en = zip(*make_rows()[:3], strict=True)
    files = (
        write_lines(tmp_path / "test.ko", [*ko, "새"]),
        write_lines(tmp_path / "test.en", [*en, "new"]),
    )
    held_out = ("--test-source", files[0], "--test-target", files[1])
    longest = ("--set", "tokenizer.max_length=8", "--tokenizer", "words")
    result = invoke("check", table, *TRANSLATE, *COLUMNS, *held_out, *longest)
    assert result.code == 0, result.err
    assert not control_characters(result.out)
    for expected in (
        "68 pairs of ",
        "source (ko), characters",
        "target (en), tokens",
        "the longest for its source: ",
        "the same pair more than once: 1 pair, 1 row",
        "2 x 하나 하나 하나 -> one one one  pairs.tsv:2, 66",
        "the same source with several targets: 1 source, 2 rows",
        "2 x 둘 하나 하나 -> or so (1) | two one one (1)  pairs.tsv:3, 67",
        "targets that are their source: 1 text, 1 row",
        "test: 4 pairs",
        "the same pair in DATA and in the test: 3 pairs, 3 rows",
        "OOV rate (validation)",
        "of the batches of a training is padding",
        "1 pair with more than 8 source or 8 target tokens, which a training leaves out",
        "pairs.tsv:69: 10 and 10 tokens",
        "estimated cost of training attentive",
        "peak memory",
        "final decoding of validation",
        "estimated from",
    ):
        assert expected in result.out


def test_json_report(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = call(capsys, "check", table, *TRANSLATE, "--json")
    assert result.code == 0, result.err
    assert "source column: ko (inferred" in result.err
    report = json.loads(result.out)
    assert (report["rows"], report["source_column"], report["target_column"]) == (68, "ko", "en")
    assert report["duplicates"]["examples"][0]["places"][1]["row"] == 66
    assert report["tokens"]["source"]["vocabulary"] > 4
    assert 0 <= report["tokens"]["padding"] < 1
    assert report["estimate"]["model"] == "attentive"
    assert report["estimate"]["seconds"] > 0


def test_misaligned_files_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ko, en = zip(*make_rows(), strict=True)
    source, target = (
        write_lines(tmp_path / "a.ko", [*ko]),
        write_lines(tmp_path / "a.en", [*en[:-2]]),
    )
    command = ("check", "--task", "translate")
    counts = ("64 lines of sources", "62 of targets", str(source), str(target))
    pair = ("--source", source, "--target", target)
    assert_refused(invoke(*command, *pair), *counts)
    assert_refused(call(capsys, *command, *pair, "--skip-bad-rows"), *counts)
    held_out = ("--test-source", source, "--test-target", target)
    assert_refused(
        call(capsys, *command, "--source", source, "--target", source, *held_out), *counts
    )


def test_bad_rows_are_named_or_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ko, en = map(list, zip(*make_rows(), strict=True))
    ko[3], en[9] = "", " "
    source, target = write_lines(tmp_path / "a.ko", ko), write_lines(tmp_path / "a.en", en)
    pair = ("--source", source, "--target", target)
    result = call(capsys, "check", *TRANSLATE, *pair)
    assert_refused(result, "row 4", "source", "--skip-bad-rows")
    result = call(capsys, "check", *TRANSLATE, *pair, "--skip-bad-rows")
    assert result.code == 0, result.err
    assert "62 pairs of" in result.out
    assert "skipped 1 row: empty source" in result.out
    assert "skipped 1 row: " in result.out.split("empty source")[1]
    report = json.loads(call(capsys, "check", *TRANSLATE, *pair, "--skip-bad-rows", "--json").out)
    assert sum(report["skipped"].values()) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--task", "translate"], "give DATA"),
        (["--task", "translate", "--source", "a.ko"], "--source and --target go together"),
        (["pairs.tsv", "--source", "a", "--target", "b"], "not both"),
        (["pairs.tsv", "--test", "c", "--test-source", "a", "--test-target", "b"], "give --test"),
        (["pairs.tsv", "--test-source", "a"], "--test-source and --test-target go together"),
        (["pairs.tsv", "--task", "translate", "--model", "cnn"], "cnn"),
        (["pairs.tsv", "--task", "translate", "--set", "model.dimm=3"], "did you mean 'dim'"),
        (["missing.tsv", "--task", "translate"], "missing.tsv"),
    ],
)
def test_errors_are_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert_refused(call(capsys, "check", *arguments), message)


def test_untrainable_data_has_note(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = write_lines(tmp_path / "one.tsv", ["source\ttarget", "하나\tone"])
    result = call(capsys, "check", table, *TRANSLATE)
    assert result.code == 0, result.err
    assert "a training would refuse this data: " in result.err
    assert "1 pair of " in result.out
    assert "estimated" not in result.out


def test_report_of_multi30k(data_folder: Path) -> None:
    folder = data_folder / "multi30k"
    if not folder.is_dir():
        pytest.skip(f"multi30k is not in {data_folder}")
    files, held_out = (
        AlignedFiles(folder / f"{part}.en", folder / f"{part}.de") for part in ("train", "test2016")
    )
    small = ["model.dim=16", "model.heads=2", "model.layers=1", "training.threads=1"]
    report = check(
        files, test=held_out, task="translate", overrides=[*small, "decoding.beam=1"], seconds=0.5
    )
    assert report.rows == 29_000
    assert report.skipped == {}
    assert report.tokens.left_out.rows == 0
    assert 0 < report.tokens.padding < 0.15
    assert report.test.rows == 1000
    assert report.estimate["seconds"] > 0


def test_sample_of_names_says_how_to_train(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "names-ko" / "all.tsv"
    own.parent.mkdir()
    write_lines(own, ["en\tko", "Busan\t부산"])
    monkeypatch.setenv("MUNJANG_DATA", str(tmp_path))
    columns = "--task translate --source-column en --target-column ko"
    result = call(capsys, "data", "get", "names-ko")
    assert (result.code, result.out) == (0, f"{own}\n")
    assert result.err == f"next: munjang train {own} {columns} --out my-model\n"
    sample_json = json.loads(call(capsys, "data", "get", "names-ko", "--json").out)
    assert (sample_json["task"], sample_json["source_column"], sample_json["target_column"]) == (
        "translate",
        "en",
        "ko",
    )
    assert sample_json["paths"] == {"all": str(own)}
    listed = json.loads(call(capsys, "data", "list", "--json").out)
    by_name = {sample["name"]: sample for sample in listed}
    assert "text_column" not in by_name["names-ko"]
    assert by_name["names-ko"]["task"] == "translate"
    assert by_name["nsmc"]["label_column"] == "label"
    assert "names-ko" in call(capsys, "data", "list").out
