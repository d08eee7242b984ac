"""`munjang compare` as a person runs it: to the end, stopped, killed, with a model that crashes.

Each run of a comparison is a process that imports its libraries, which takes seconds: tests of
processes share one comparison and go on from copies of it, others use `compare_here`.
"""

import csv
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

import munjang
from munjang.folder.load import load
from tests.system.commands import CommandResult, call, invoke
from tests.system.comparisons import (
    ALL,
    compare_command,
    compare_here,
    copy_without,
    read_standings,
    stop_kill_and_resume,
)
from tests.system.terminals import assert_fits, assert_words_not_broken, call_in_terminal, to_lines
from tests.system.test_cli_errors import assert_one_line


@pytest.fixture(scope="module")
def compared(
    hostile_table: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, CommandResult]:
    """A comparison that came to its end."""
    out = tmp_path_factory.mktemp("compared") / "all of them"
    return out, invoke(*compare_command(hostile_table, out, *ALL))


@pytest.fixture
def copy_unfinished(compared: tuple[Path, CommandResult], tmp_path: Path) -> Callable[..., Path]:
    """Makes a copy of that comparison as if some of its runs had not begun yet."""
    return partial(copy_without, compared[0], tmp_path / "out")


def test_table_shows_scores_and_costs(compared: tuple[Path, CommandResult]) -> None:
    out, result = compared
    assert result.code == 0, result.err
    for expected in ("accuracy", "over seeds", "behind the best", "p50", "p99", "memory"):
        assert expected in result.out
    assert "the smallest that is good enough: " in result.out
    rows = read_standings(out)
    assert list(rows)[-1] == "majority"
    assert rows["majority"]["score"] == pytest.approx(1 / 3, abs=0.01)
    assert rows["nbsvm"]["score"] > 0.9
    assert rows["majority"]["to_best"]["p"] < 0.05
    assert [rows[name]["runs"] for name in ("mean", "nbsvm", "majority")] == [2, 1, 1]
    for row in rows.values():
        assert 0 < row["p50"] <= row["p99"]
        assert row["over_rows"]["low"] <= row["score"] <= row["over_rows"]["high"]
        assert row["memory_bytes"] > 10_000_000
        assert row["folder_bytes"] > 100
    assert rows["nbsvm"]["memory_bytes"] < rows["mean"]["memory_bytes"]
    assert rows["mean"]["over_seeds"] is not None
    assert rows["nbsvm"]["over_seeds"] is None


def test_token_budget_is_respected(compared: tuple[Path, CommandResult]) -> None:
    out, _ = compared
    for seed in (0, 1):
        record = json.loads((out / f"runs/mean/seed-{seed}/run.json").read_text("utf-8"))
        seen = record["seconds"] * record["tokens_per_second"]
        assert 3000 < seen <= 4100


def test_every_model_folder_is_loadable(compared: tuple[Path, CommandResult]) -> None:
    out, _ = compared
    for seed in (0, 1):
        model = load(out / f"runs/mean/seed-{seed}/model")
        assert model.recipe.seed == seed
        assert model.predict("a boring film")[0].label in model.labels
    baseline = munjang.load(out / "runs/nbsvm/seed-0/model")
    assert baseline.predict("an awful film")[0].label == "bad"


def test_baseline_predicts_and_evaluates_like_a_model(
    compared: tuple[Path, CommandResult], hostile_table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = compared[0] / "runs/nbsvm/seed-0/model"
    result = call(capsys, "predict", folder, "an awful film", "a lovely plot")
    assert result.code == 0, result.err
    first, second = (line.split("\t") for line in result.out.splitlines())
    assert (first[0], first[2]) == ("bad", "an awful film")
    assert 0 < float(second[1]) <= 1
    answers = call(capsys, "predict", folder, "--input", hostile_table, "--json")
    assert answers.code == 0, answers.err
    assert len(answers.out.splitlines()) == 120
    evaluated = call(capsys, "evaluate", folder, hostile_table, "--json")
    assert evaluated.code == 0, evaluated.err
    assert json.loads(evaluated.out)["accuracy"] > 0.9


def test_csv_has_one_row_per_model(compared: tuple[Path, CommandResult]) -> None:
    out, _ = compared
    with (out / "compare.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    expected = read_standings(out)
    assert [row["name"] for row in rows] == list(expected)
    for row in rows:
        assert float(row["score"]) == pytest.approx(expected[row["name"]]["score"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--cluster", "head"), "cluster: expected auto, or HOST:PORT"),
        (("--cluster", "127.0.0.1:1"), "cluster: nothing listens at 127.0.0.1:1"),
        (("--cores", 2), "cores: these are those of each run on a cluster"),
        (("--cluster", "auto", "--cores", 0), "cores: expected 1 to 1,024, got 0"),
    ],
)
def test_mistakes_with_a_cluster_are_one_line(
    options: tuple[object, ...],
    message: str,
    hostile_table: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    result = call(capsys, *compare_command(hostile_table, tmp_path / "out", *options))
    assert_one_line(result, message)
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="looks for processes in /proc")
def test_stopped_and_killed_comparison_is_resumed(
    hostile_table: Path, copy_unfinished: Callable[..., Path]
) -> None:
    out = copy_unfinished("mean/seed-1")
    command = compare_command(hostile_table, out, *ALL, "--resume")
    before = (out / "runs/mean/seed-0/run.json").stat().st_mtime_ns
    result = stop_kill_and_resume(command, out, "mean/seed-1", "3 of 4")
    assert (out / "runs/mean/seed-0/run.json").stat().st_mtime_ns == before
    assert "mean, seed 0: done before" in result.err
    assert "mean, seed 1: done before" not in result.err
    assert read_standings(out)["mean"]["runs"] == 2


FAIL_RUNS_SCRIPT = """
import os, signal, sys
if any("runs/mean/seed-1" in word for word in sys.orig_argv):
    os.kill(os.getpid(), signal.SIGKILL)
if any("runs/nbsvm" in word for word in sys.orig_argv):
    sys.modules["sklearn.svm"] = None
"""


@pytest.fixture
def failing_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Kills a run and breaks another; `undo` ends that."""
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "sitecustomize.py").write_text(FAIL_RUNS_SCRIPT, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(broken), prepend=":")
    return monkeypatch


def test_crash_loses_one_run_and_is_reported(
    hostile_table: Path,
    copy_unfinished: Callable[..., Path],
    failing_runs: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = copy_unfinished("mean/seed-1", "nbsvm/seed-0")
    command = compare_command(hostile_table, out, *ALL, "--resume")
    result = call(capsys, *command)
    assert result.code == 0, result.err
    rows = read_standings(out)
    assert rows["mean"]["runs"] == 1
    assert "SIGKILL" in rows["mean"]["reasons"][0]
    assert rows["nbsvm"]["runs"] == 0
    assert rows["nbsvm"]["score"] is None
    assert "sklearn.svm" in rows["nbsvm"]["reasons"][0]
    assert rows["majority"]["runs"] == 1
    assert "mean (1 of 2 runs)" in result.out
    assert "when memory runs out" in result.out
    assert "Traceback" not in result.out + result.err

    failing_runs.undo()
    repeated = compare_here(*command)
    assert repeated.code == 0, repeated.err
    assert {row["name"]: row["runs"] for row in read_standings(out).values()} == {
        "mean": 2,
        "nbsvm": 1,
        "majority": 1,
    }


def test_comparison_with_only_failed_runs_fails(
    hostile_table: Path,
    tmp_path: Path,
    failing_runs: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out"
    output = call(capsys, *compare_command(hostile_table, out, "--models", "nbsvm", "--json"))
    assert output.code == 1
    result = json.loads(output.out)
    assert result["choice"] is None
    assert "sklearn.svm" in result["standings"][0]["reasons"][0]
    assert output.err.splitlines()[-1].startswith("munjang: no run finished")
    assert "No run finished" in (out / "compare.html").read_text("utf-8")


def test_terminal_of_80_columns_keeps_deciding_columns(
    compared: tuple[Path, CommandResult],
    hostile_table: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    command = [*compare_command(hostile_table, compared[0], *ALL), "--resume"]
    code, seen = call_in_terminal(monkeypatch, *command)
    assert code == 0
    assert_fits(seen)
    result = call(capsys, *command)
    assert_words_not_broken(seen, result.out + result.err, drawn=("--wide", "also", "shows:"))
    lines = to_lines(seen)
    (head,) = (line for line in lines if line.lstrip().startswith("model "))
    assert [word for word in head.split() if word in ("accuracy", "rows", "folder", "p50")] == [
        "accuracy", "rows", "folder", "p50",
    ]  # fmt: skip
    for name in ("mean", "majority", "nbsvm"):
        assert any(line.split()[:1] == [name] for line in lines)
    (more,) = (i for i, line in enumerate(lines) if line.startswith("--wide also shows: "))
    assert "tokens/s" in " ".join(lines[more : more + 2])
    _, wide = call_in_terminal(monkeypatch, *command, "--wide")
    assert any("tokens/s" in line and "p99" in line for line in to_lines(wide))


def test_seconds_budget_ends_long_training(hostile_table: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = compare_command(
        hostile_table, out, "--models", "mean", "--seeds", 1, "--set", "training.epochs=100000"
    )
    result = compare_here(*command, "--budget", "2s")
    assert result.code == 0, result.err
    record = json.loads((out / "runs/mean/seed-0/run.json").read_text("utf-8"))
    # 100,000 passes of more than one step each, were it not for the budget
    assert 1 <= record["steps"] <= record["planned_steps"]
    assert record["steps"] < 100_000
    cut_short = record["steps"] < record["planned_steps"]  # by a machine that stood still
    assert cut_short or len(record["history"]) >= 3, "a learning curve has points"


def test_tokenizers_are_crossed_with_one_network(hostile_table: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = compare_command(
        hostile_table, out, "--models", "mean,majority", "--tokenizers", "jamo,bpe"
    )
    result = compare_here(*command, "--seeds", 1, "--metric", "macro_f1")
    assert result.code == 0, result.err
    assert "macro F1" in result.out
    assert set(read_standings(out)) == {"mean on jamo", "mean on bpe", "majority"}
    for name in ("jamo", "bpe"):
        model = load(out / f"runs/mean-on-{name}/seed-0/model")
        assert model.recipe.section("tokenizer").name == name


ERRORS: dict[str, tuple[list[object], str]] = {
    "unknown model": (["--models", "cn"], "did you mean 'cnn'"),
    "no budget": (["--budget", "soon"], "expected seconds such as 60s"),
    "no seed": (["--seeds", 0], "seeds: expected 1 or more"),
    "unknown metric": (["--metric", "bleu"], "metric: expected accuracy"),
    "unknown setting": (["--set", "training.epoch=3"], "did you mean 'epochs'"),
    "labels by hand": (["--set", "labels=[a, b]"], "finds the labels in DATA"),
    "no number as a seed": (["--set", "seed=one"], "seed"),
    "unknown tokenizer": (["--models", "cnn", "--tokenizers", "jam"], "did you mean 'jamo'"),
    "no such file": (["--test", "none.csv"], "none.csv"),
    "no margin": (["--margin", -0.1], "margin: expected a number above 0 and below 1"),
    "a margin of percent": (["--margin", 1], "such as 0.01; got 1"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors_are_one_line_before_anything_is_written(
    case: str, hostile_table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more, expected = ERRORS[case]
    result = call(capsys, "compare", hostile_table, "--out", tmp_path / "out", *more)
    assert result.code == 2, result
    assert result.out == ""
    last = result.err.splitlines()[-1]
    assert last.startswith("munjang: ")
    assert expected in last
    assert not (tmp_path / "out").exists()


def test_comparison_is_not_overwritten_unless_asked(
    compared: tuple[Path, CommandResult], hostile_table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, _ = compared
    result = call(capsys, *compare_command(hostile_table, out))
    assert result.code == 2
    assert "--resume continues it, --overwrite replaces it" in result.err
    other = call(capsys, *compare_command(hostile_table, out, "--resume", "--budget", "5k tokens"))
    assert other.code == 2
    assert "another budget" in other.err


def resume_finished(
    hostile_table: Path, out: Path, capsys: pytest.CaptureFixture[str], *more: object
) -> CommandResult:
    """Go on with a comparison whose runs are all done: it is judged anew."""
    result = call(capsys, *compare_command(hostile_table, out, *ALL, "--resume", *more))
    assert result.code == 0, result.err
    assert "..." not in result.err, "nothing is run again"
    return result


@pytest.fixture
def finished_copy(compared: tuple[Path, CommandResult], tmp_path: Path) -> Path:
    """A copy of that comparison."""
    return copy_without(compared[0], tmp_path / "out")


def test_margin_is_saved_and_selects_the_model(
    finished_copy: Path, hostile_table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for margin, is_conclusive in ((None, False), (0.9, True)):
        more = () if margin is None else ("--margin", margin)
        output = resume_finished(hostile_table, finished_copy, capsys, *more)
        kept = json.loads((finished_copy / "comparison.json").read_text("utf-8"))
        result = json.loads((finished_copy / "compare.json").read_text("utf-8"))
        assert kept["margin"] == result["margin"] == (margin or 0.01)
        assert result["choice"]["name"] != "majority"
        verdicts = {row["name"]: row["verdict"] for row in result["standings"]}
        assert verdicts["majority"] in ("constant", "worse")
        assert ("good enough" in verdicts.values()) == is_conclusive
        page = (finished_copy / "compare.html").read_text("utf-8")
        for text in (output.out, page):
            assert f"at most {margin or 0.01:g} behind" in text
            assert "majority gives every text of the test part the same answer" in text
            assert "12 rows to judge on are too few" in text
            assert "two seeds show little" in text


def test_cpu_starved_run_is_marked(
    finished_copy: Path, hostile_table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed, share in ((0, 0.29), (1, 0.95)):
        path = finished_copy / f"runs/mean/seed-{seed}/run.json"
        record = json.loads(path.read_text("utf-8"))
        assert 0 < record["processor_share"] <= 1, "every network's run measures it"
        record |= {"processor_share": share, "epochs": 0.02}
        path.write_text(json.dumps(record), "utf-8")
    result = resume_finished(hostile_table, finished_copy, capsys)
    page = (finished_copy / "compare.html").read_text("utf-8")
    for text in (result.out, page):
        assert "mean *" in text
        assert "* mean: 1 of 2 runs got less than 70% of the processor time" in text
        assert "(the least was 29%)" in text
        assert "mean saw 2.0% of the rows to train on" in text
    row = read_standings(finished_copy)["mean"]
    assert (row["starved"], row["processor_share"], row["epochs"]) == (1, 0.29, 0.02)
    with (finished_copy / "compare.csv").open(encoding="utf-8", newline="") as file:
        table = {row["name"]: row for row in csv.DictReader(file)}
    assert (table["mean"]["starved"], table["mean"]["processor_share"]) == ("1", "0.29")
    assert table["nbsvm"]["starved"] == "0"


def test_class_absent_from_test_is_reported(hostile_table: Path, tmp_path: Path) -> None:
    test = tmp_path / "test.csv"
    lines = hostile_table.read_text("utf-8").splitlines()
    expected = [line for line in lines[1:] if not line.endswith(",bad")]
    test.write_text("\n".join([lines[0], *expected]) + "\n", "utf-8")
    out = tmp_path / "out"
    command = compare_command(hostile_table, out, "--models", "majority", "--metric", "macro_f1")
    result = compare_here(*command, "--test", test)
    assert result.code == 0, result.err
    for text in (result.out, (out / "compare.html").read_text("utf-8")):
        assert "does not occur in the test part" in text
    assert json.loads((out / "compare.json").read_text("utf-8"))["absent"] == ["bad"]
    # and of a constant model nothing else can be said
    assert "none, since every model that finished is constant" in result.out


BROKEN_PLANS: dict[str, bytes] = {
    "truncated": b'{"task": "classify", "entr',
    "empty": b"",
    "no object": b"[]",
    "not UTF-8": b'{"task": "\xff\xfe"}',
    "endless brackets": b"[" * 100_000,
    "NaN": b'{"format": 2, "seeds": NaN}',
    "of a later version": b'{"format": 99}',
    "of something else": b'{"name": "thesis"}',
    "wrong types": b'{"task": 1, "data": 2, "budget": 3, "metric": [], "given": "x"}',
}


@pytest.mark.parametrize("case", BROKEN_PLANS)
def test_damaged_plan_is_refused_in_one_line(
    case: str, hostile_table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = tmp_path / "out" / "comparison.json"
    plan.parent.mkdir()
    plan.write_bytes(BROKEN_PLANS[case])
    command = ["compare", hostile_table, "--out", plan.parent, "--models", "majority", "--quiet"]
    result = call(capsys, *command, "--resume")
    assert (result.code, result.out) == (2, "")
    (line,) = result.err.splitlines()
    assert line.startswith("munjang: ")
    assert str(plan.parent) in line
    assert "--overwrite" in line
    assert plan.read_bytes() == BROKEN_PLANS[case], "nothing is written over it"


def test_damaged_record_is_refused_in_one_line(
    finished_copy: Path, hostile_table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = finished_copy / "runs/mean/seed-1/run.json"
    record.write_bytes(record.read_bytes()[:100])
    result = call(capsys, *compare_command(hostile_table, finished_copy, *ALL, "--resume"))
    assert result.code == 2
    line = result.err.splitlines()[-1]
    assert line.startswith(f"munjang: {record}: ")
    assert "remove this file, and --resume runs it again" in line
    assert "Traceback" not in result.err
