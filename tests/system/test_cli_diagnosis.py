"""Errors, likely wrong labels, calibration and abstention on the command line."""

import csv
import json
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.synthetic import make_corpus
from tests.system.commands import call, invoke, run, set_options, write_table


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Training and held-out rows with some labels drawn anew, and a model of two classes."""
    folder = tmp_path_factory.mktemp("diagnosis")
    random = np.random.default_rng(0)
    for seed, (name, rows) in enumerate({"train": 300, "held-out": 600, "test": 300}.items()):
        texts, labels = make_corpus(2 * rows, seed=seed)
        kept = [n for n, label in enumerate(labels) if label != "so-so"][:rows]
        drawn = [str(random.choice(["bad", "good"])) for _ in kept]
        noise = random.random(len(kept)) < 0.1
        pairs = [(texts[n], drawn[k] if noise[k] else labels[n]) for k, n in enumerate(kept)]
        write_table(folder / f"{name}.csv", pairs)
    options = set_options(training__epochs=4)
    result = invoke(
        "train", folder / "train.csv", "--model", "mean", "--out", folder / "model", *options
    )
    assert result.code == 0, result.err
    return folder


@pytest.fixture
def model(folder: Path, tmp_path: Path) -> Path:
    """A copy of the model, which a test may calibrate."""
    return Path(shutil.copytree(folder / "model", tmp_path / "model"))


def test_calibrate_then_abstain_in_processes_of_their_own(
    folder: Path, model: Path, tmp_path: Path
) -> None:
    page = tmp_path / "calibration.html"
    result = invoke("calibrate", model, folder / "held-out.csv", "--out", page)
    assert result.code == 0, result.err
    for expected in ("temperature", "calibration error", "limit (95 %)", "is kept in"):
        assert expected in result.out
    assert "<svg" in page.read_text(encoding="utf-8")
    assert "http" not in page.read_text(encoding="utf-8")
    answers = run(
        "predict", model, "--input", folder / "test.csv", "--text-column", "text",
        "--abstain", "0.2",
    )  # fmt: skip
    assert answers.code == 0, answers.err
    columns = [line.split("\t") for line in answers.out.splitlines()]
    assert {row[2] for row in columns} <= {"answer", "no answer"}
    assert all((row[0] == "") == (row[2] == "no answer") for row in columns)
    test = list(csv.DictReader((folder / "test.csv").open(encoding="utf-8")))
    assert [row[3] for row in columns] == [row["text"] for row in test]
    answered = [(r[0], t["label"]) for r, t in zip(columns, test, strict=True) if r[0]]
    assert answered
    assert np.mean([a != b for a, b in answered]) <= 0.25
    as_json = invoke("predict", model, "film", "--abstain", "0.2", "--json")
    assert json.loads(as_json.out)["answered"] in (True, False)


def test_abstaining_without_calibration_says_what_to_run(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = call(capsys, "predict", folder / "model", "good film", "--abstain", "0.05")
    assert result.code == 2
    assert result.err == (
        "munjang: --abstain: this model does not know its risk yet; run munjang calibrate FOLDER "
        "DATA, with labeled rows that it has not seen\n"
    )


@pytest.mark.parametrize("risk", ["0", "1", "-1", "nan", "1e-9"])
def test_impossible_risks_end_with_one_line(
    folder: Path, model: Path, capsys: pytest.CaptureFixture[str], risk: str
) -> None:
    assert call(capsys, "calibrate", model, folder / "held-out.csv", "-q").code == 0
    result = call(capsys, "predict", model, "good film", "--abstain", risk)
    assert result.code == 2
    assert result.err.count("\n") == 1
    assert "abstain" in result.err


def test_stated_costs_change_answers(
    folder: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    costs = ("--cost-false-positive", 1, "--cost-false-negative", 9)
    result = call(capsys, "calibrate", model, folder / "held-out.csv", *costs, "--json")
    assert result.code == 0, result.err
    stated = json.loads(result.out)["costs"]
    assert 0 <= stated["threshold"] <= 1
    assert stated["cost_per_row"][1] <= stated["cost_per_row"][0]
    refused = call(capsys, "calibrate", model, folder / "held-out.csv", *costs[:2])
    assert refused.code == 2
    assert "--cost-false-negative is missing" in refused.err


def test_errors_of_a_model(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = call(capsys, "errors", folder / "model", folder / "test.csv")
    assert result.code == 0, result.err
    for expected in ("300 rows: accuracy", "given", "slice", "highest log loss"):
        assert expected in result.out
    page = tmp_path / "errors.html"
    result = call(capsys, "errors", folder / "model", folder / "test.csv", "--out", page)
    assert result.code == 0, result.err
    assert "data-cells" in page.read_text(encoding="utf-8")
    wrong = call(capsys, "errors", folder / "model", folder / "test.csv", "--out", "x.pdf")
    assert wrong.code == 2
    assert "expected a file name that ends in one of .html, .csv, .json" in wrong.err


def test_label_issues_are_corrected_in_a_copy(folder: Path, tmp_path: Path) -> None:
    source, sheet, new = folder / "train.csv", tmp_path / "issues.csv", tmp_path / "new.csv"
    found = invoke("label-issues", source, "--out", sheet, "--folds", 3)
    assert found.code == 0, found.err
    assert "may have a wrong label" in found.out
    text = sheet.read_bytes().decode("utf-8-sig")
    rows = list(csv.DictReader(text.splitlines()))
    assert list(rows[0]) == [
        "file", "row", "text", "given", "suggested", "probability", "corrected",
    ]  # fmt: skip
    for row in rows[:3]:
        row["corrected"] = row["suggested"]
    with sheet.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    done = invoke("relabel", source, sheet, "--out", new)
    assert done.code == 0, done.err
    assert done.out == f"3 labels corrected; written: {new}\n"
    before, after = source.read_text().splitlines(), new.read_text().splitlines()
    changed = [n for n, (a, b) in enumerate(zip(before, after, strict=True), 1) if a != b]
    assert changed == sorted(int(row["row"]) for row in rows[:3])
    sheet.write_text("row,text,corrected\n2,another text,good\n", encoding="utf-8")
    refused = invoke("relabel", source, sheet, "--out", tmp_path / "other.csv")
    assert refused.code == 2
    assert "the file has changed" in refused.err
    assert not (tmp_path / "other.csv").exists()


def test_the_command_that_is_printed_reads_the_file_in_the_same_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [
        f"{word} {n % 5},{word} {n},이유,{label},{n % 3}"
        for n, (word, label) in enumerate([("good", "좋음"), ("bad", "나쁨")] * 25)
    ]
    rows.append("good 1,good 99,이유,나쁨,0")
    source = tmp_path / "old.csv"
    source.write_text("\n".join(["a,b,why,c,label", *rows, ",,,좋음,1", ""]), encoding="cp949")
    options = ("--text-column", "a+b", "--label-column", "c", "--encoding", "cp949")
    command = ("label-issues", "old.csv", "--model", "tfidf-words", "--out", "issues.csv")
    found = invoke(*command, *options, "--skip-bad-rows")
    assert found.code == 0, found.err
    sheet = list(csv.DictReader((tmp_path / "issues.csv").open(encoding="utf-8-sig", newline="")))
    (issue,) = (row for row in sheet if row["given"] == "나쁨" and "99" in row["text"])
    with (tmp_path / "issues.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, issue)
        writer.writeheader()
        writer.writerow(issue | {"corrected": "좋음"})
    name, *printed = shlex.split(found.out.splitlines()[-1])
    done = invoke(*printed)
    assert (name, done.code) == ("munjang", 0), done.err
    expected = source.read_text(encoding="cp949").replace("99,이유,나쁨", "99,이유,좋음")
    assert (tmp_path / "corrected-old.csv").read_text(encoding="cp949") == expected


@pytest.mark.parametrize(
    "command",
    [
        "errors model no-such.csv",
        "calibrate model no-such.csv",
        "report model no-such.csv",
        "label-issues no-such.csv",
        "inspect model no-such.csv --view moved",
        "explain model words",
    ],
)
def test_a_file_that_cannot_be_written_is_refused_before_any_work(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.json").mkdir()
    for out, reason in (
        ("missing/x.json", "No such file or directory"),
        ("folder.json", "Is a directory"),
    ):
        result = invoke(*command.split(), "--out", out)
        assert (result.code, result.err) == (2, f"munjang: {out}: {reason}\n")
