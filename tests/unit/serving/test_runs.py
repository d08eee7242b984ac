"""A folder of runs: every kind, damaged ones beside whole ones, names that lead out of it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from munjang.comparison.budget import Budget
from munjang.comparison.candidates import Candidate
from munjang.comparison.plan import Plan, jobs, open_plan
from munjang.serving.models import open_models
from munjang.serving.request_errors import RequestError
from munjang.serving.runs.folder import RunsFolder
from munjang.serving.runs.shapes import Progress, RunSummary
from tests.run_folders import (
    append_records,
    comparison_plan,
    search_results,
    write_comparison,
    write_export,
    write_search,
    write_training,
)


def summaries(folder: RunsFolder) -> dict[str, RunSummary]:
    listed = folder.list_runs()
    msgspec.json.encode(listed)
    return {run.name: run for run in listed.runs}


def test_training_that_grows(tmp_path: Path) -> None:
    training = write_training(tmp_path / "리뷰 1")
    folder = RunsFolder(tmp_path)
    run = summaries(folder)["리뷰 1"]
    assert (run.kind, run.state, run.task, run.architecture) == (
        "model",
        "stopped",
        "classify",
        "gru",
    )
    assert run.progress is not None
    assert run.progress.done == 50
    assert run.best is not None
    assert (run.best.metric, run.best.value, run.best.at) == ("macro_f1", 0.8, "20")
    append_records(training, [{"step": 60, "part": "valid", "macro_f1": 0.9}])
    run = summaries(folder)["리뷰 1"]
    assert run.progress is not None
    assert run.progress.done == 60
    shown = folder.show("리뷰 1")
    assert {(curve.part, curve.name) for curve in shown.curves} == {
        ("train", "loss"),
        ("train", "learning_rate"),
        ("valid", "macro_f1"),
        ("valid", "log_loss"),
    }
    assert (shown.rate, shown.unit) == (900.0, "tokens")


def test_run_that_another_process_writes_is_running(tmp_path: Path) -> None:
    write_training(tmp_path / "one")
    write_search(tmp_path / "two")
    write_comparison(tmp_path / "three")
    current = write_comparison(tmp_path / "four", is_finished=False) / "runs" / "mean" / "seed-0"
    write_training(current / "model", steps=20)
    hold = "import sys\nfrom pathlib import Path\nfrom contextlib import ExitStack\n"
    hold += "from munjang.folder.lock import hold_lock\nwith ExitStack() as stack:\n"
    hold += "    [stack.enter_context(hold_lock(Path(name))) for name in sys.argv[1:]]\n"
    hold += "    print(1, flush=True)\n    input()\n"
    folders = [str(tmp_path / name) for name in ("one", "two", "three", "four")]
    folder = RunsFolder(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", hold, *folders], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert {run.state for run in summaries(folder).values()} == {"running"}
        shown = folder.show("four")
        process.communicate(b"\n", timeout=60)
    assert shown.comparison is not None
    found = [(run.name, run.state) for run in shown.comparison.runs]
    assert found[:3] == [("cnn", "failed"), ("mean", "running"), ("cnn", "waiting")]
    assert {curve.name for curve in shown.curves} >= {"loss", "macro_f1", "learning_rate"}
    states = {name: run.state for name, run in summaries(folder).items()}
    assert states == {"one": "stopped", "two": "finished", "three": "finished", "four": "stopped"}


def test_finished_comparison(tmp_path: Path) -> None:
    write_comparison(tmp_path / "compared")
    (tmp_path / "compared" / "compare.html").write_text("<p>the page</p>")
    folder = RunsFolder(tmp_path)
    run = summaries(folder)["compared"]
    assert (run.kind, run.state) == ("comparison", "finished")
    assert run.best is not None
    assert (run.best.metric, run.best.value, run.best.at) == ("accuracy", 0.9, "cnn")
    shown = folder.show("compared")
    assert shown.comparison is not None
    assert [row.name for row in shown.comparison.standings] == ["cnn", "mean", "rnn"]
    gap = shown.comparison.standings[1].to_best
    assert gap is not None
    assert (gap.value, gap.at_most) == (0.05, None)
    assert shown.curves[0].y == [0.7, 0.9]
    assert b"not shown" not in msgspec.json.encode(shown)
    assert shown.pages == ["comparison"]
    assert folder.read_page("compared", "comparison") == b"<p>the page</p>"


def test_comparison_that_was_stopped_shows_its_runs(tmp_path: Path) -> None:
    write_comparison(tmp_path / "compared", is_finished=False)
    folder = RunsFolder(tmp_path)
    run = summaries(folder)["compared"]
    assert run.state == "stopped"
    assert run.progress == msgspec.convert(
        {"unit": "run", "done": 1, "total": 4}, type(run.progress)
    )
    shown = folder.show("compared").comparison
    assert shown is not None
    assert [(each.name, each.seed, each.state) for each in shown.runs] == [
        ("cnn", 0, "failed"),
        ("mean", 0, "waiting"),
        ("cnn", 1, "waiting"),
        ("mean", 1, "waiting"),
    ]
    assert shown.runs[0].reason == "out of memory"


def test_runs_are_those_that_the_comparison_has_planned(tmp_path: Path) -> None:
    models = (Candidate("cnn", "jamo"), Candidate("nbsvm"))
    plan = Plan("classify", models, 2, Budget(5.0, "seconds"), "accuracy", {}, "0" * 64)
    open_plan(tmp_path / "compared", plan, resume=False)
    done = tmp_path / "compared" / "runs" / "cnn-on-jamo" / "seed-1"
    assert done in [job.folder(tmp_path / "compared") for job in jobs(plan)]
    done.mkdir(parents=True)
    (done / "run.json").write_text(json.dumps({"status": "failed", "reason": "too long"}))
    shown = RunsFolder(tmp_path).show("compared").comparison
    assert shown is not None
    assert shown.metric == "accuracy"
    assert [(each.name, each.seed, each.state) for each in shown.runs] == [
        ("cnn on jamo", 0, "waiting"),
        ("nbsvm", 0, "waiting"),
        ("cnn on jamo", 1, "failed"),
    ]


def test_search_is_bounded(tmp_path: Path) -> None:
    write_search(tmp_path / "tuned", trials=900)
    folder = RunsFolder(tmp_path)
    run = summaries(folder)["tuned"]
    assert run.progress is not None
    assert (run.kind, run.state, run.progress.done) == ("search", "finished", 900)
    shown = folder.show("tuned").search
    assert shown is not None
    assert len(shown.trials) == 500
    assert shown.left_out == 400
    assert shown.best is not None
    assert shown.best.settings == {"model.dim": 32, "model.widths": "[2, 3]", "model.kind": "max"}
    assert shown.importance == {"model.dim": 0.75}


def test_search_that_was_stopped_is_not_finished(tmp_path: Path) -> None:
    write_search(tmp_path / "tuned", trials=3, is_finished=False)
    run = summaries(RunsFolder(tmp_path))["tuned"]
    assert run.state == "stopped"
    assert run.progress == Progress("trial", 3, 8)


def test_search_before_its_first_trial(tmp_path: Path) -> None:
    folder = write_search(tmp_path / "tuned")
    (folder / "tune.json").unlink()
    runs = RunsFolder(tmp_path)
    assert summaries(runs)["tuned"].state == "stopped"
    shown = runs.show("tuned")
    assert shown.search is not None
    assert shown.search.trials == []


def test_exported_model_is_listed_and_can_be_loaded(tmp_path: Path) -> None:
    write_export(tmp_path / "내보낸 모델")
    folder = RunsFolder(tmp_path)
    run = summaries(folder)["내보낸 모델"]
    assert (run.kind, run.state, run.task, run.architecture) == (
        "export",
        "finished",
        "classify",
        "cnn",
    )
    assert run.loadable
    assert folder.model_names() == ["내보낸 모델"]
    assert folder.show("내보낸 모델").curves == []
    store = open_models([tmp_path])
    assert "export the model again" in store.refusals["내보낸 모델"]  # there is no graph


DAMAGED = {
    "export": ("munjang.json", '{"task": 1}'),
    "half": ("tune.json", '{"metric": "accu'),
    "list": ("tune.json", "[1, 2]"),
    "kind": ("tune.json", json.dumps({**search_results(3), "trials": {"a": 1}})),
    "big": ("tune.json", f'{{"metric": "x", "trials": [{{"number": {"9" * 400}, "ended": ""}}]}}'),
    "deep": ("tune.json", "[" * 100_000),
    "bytes": ("compare.json", "\udcff\udcfe"),
    "rows": ("compare.json", '{"task": "x", "metric": "y", "standings": [{"name": 3}]}'),
    "plan": ("comparison.json", '{"format": 99}'),
    "runs": ("comparison.json", json.dumps({**comparison_plan(["cnn"]), "runs": "many"})),
    "path": ("comparison.json", json.dumps(comparison_plan(["../secret"]))),
    "seed": (
        "comparison.json",
        json.dumps({**comparison_plan([]), "runs": [{"name": "x", "folder": "x", "seed": -1}]}),
    ),
}


@pytest.mark.parametrize("name", list(DAMAGED))
def test_damaged_run_says_so_and_leaves_the_others(tmp_path: Path, name: str) -> None:
    file, content = DAMAGED[name]
    (tmp_path / name).mkdir()
    (tmp_path / name / file).write_bytes(content.encode("utf-8", "surrogateescape"))
    write_training(tmp_path / "whole")
    folder = RunsFolder(tmp_path)
    found = summaries(folder)
    assert found["whole"].state == "stopped"
    assert found[name].state == "damaged"
    assert found[name].problem
    assert "\n" not in found[name].problem
    shown = folder.show(name)
    assert shown.run.state == "damaged"
    assert shown.comparison is None
    assert shown.search is None


def test_damaged_run_that_is_mended(tmp_path: Path) -> None:
    tuned = write_search(tmp_path / "tuned")
    whole = (tuned / "tune.json").read_text()
    (tuned / "tune.json").write_text(whole[:50])
    folder = RunsFolder(tmp_path)
    assert summaries(folder)["tuned"].state == "damaged"
    (tuned / "tune.json").write_text(whole)
    assert summaries(folder)["tuned"].state == "finished"


def test_hostile_texts_are_short_and_whole(tmp_path: Path) -> None:
    trial = {**search_results(2)["trials"][0], "note": "가" * 10_000, "ended": "<b>" * 1000}
    trial["settings"] = {f"key {number}": "x" * 9_999 for number in range(100)}
    tuned = write_search(tmp_path / "tuned")
    results = {**search_results(2), "trials": [trial] * 5, "best": trial, "task": "x" * 10_000}
    (tuned / "tune.json").write_text(json.dumps(results))
    recipe = 'task: "<img src=x>"\nmodel: {name: ' + "y" * 9_000 + "}\n"
    (write_training(tmp_path / "training") / "config.yaml").write_text(recipe)
    folder = RunsFolder(tmp_path)
    assert len(msgspec.json.encode(folder.list_runs())) < 10_000
    assert len(msgspec.json.encode(folder.show("tuned"))) < 500_000


@pytest.mark.parametrize(
    "name",
    ["..", ".", "", "a/b", "../secret", "/etc", "a\\b", "a\0b", "x" * 5000, "nobody", "\udcff"],
)
def test_names_do_not_leave_the_folder(tmp_path: Path, name: str) -> None:
    write_training(tmp_path / "secret")
    write_training(tmp_path / "runs" / "a")
    folder = RunsFolder(tmp_path / "runs")
    for ask in (lambda: folder.show(name), lambda: folder.read_page(name, "report")):
        with pytest.raises(RequestError) as raised:
            ask()
        assert raised.value.status == 404
    assert folder.model_folder(name) is None


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    secret = write_training(tmp_path / "secret")
    (secret / "report.html").write_text("<p>secret</p>")
    runs = tmp_path / "runs"
    write_training(runs / "whole")
    (runs / "link").symlink_to(secret)
    (runs / "alias").symlink_to(runs / "whole")
    (runs / "circle").symlink_to(runs / "circle")
    (runs / "whole" / "report.html").symlink_to(secret / "report.html")
    for name, file in {
        "log": "metrics.jsonl",
        "tune": "tune.json",
        "plan": "comparison.json",
    }.items():
        (runs / name).mkdir()
        (secret / file).touch()
        (runs / name / file).symlink_to(secret / file)
    folder = RunsFolder(runs)
    found = summaries(folder)
    assert set(found) == {"whole", "link", "alias", "log", "tune", "plan"}
    assert found["alias"].state == "stopped"
    for name in ("link", "log", "tune", "plan"):
        assert found[name].state == "damaged"
        assert "leads out of the folder" in found[name].problem
        assert folder.show(name).curves == []
    with pytest.raises(RequestError, match="leads out") as raised:
        folder.read_page("whole", "report")
    assert raised.value.status == 409


def test_pages_are_those_of_the_table_alone(tmp_path: Path) -> None:
    training = write_training(tmp_path / "one")
    (training / "report.html").write_text("<p>report</p>")
    folder = RunsFolder(tmp_path)
    assert folder.show("one").pages == ["report"]
    assert folder.read_page("one", "report") == b"<p>report</p>"
    for page in ("comparison", "config.yaml", "report.html", "../one/report", ""):
        with pytest.raises(RequestError):
            folder.read_page("one", page)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_pipes_do_not_block(tmp_path: Path) -> None:
    training = write_training(tmp_path / "one")
    (training / "metrics.jsonl").unlink()
    os.mkfifo(training / "metrics.jsonl")
    os.mkfifo(tmp_path / "pipe")
    os.mkfifo(write_training(tmp_path / "two") / "munjang.lock")
    os.mkfifo(tmp_path / "two" / "report.html")
    folder = RunsFolder(tmp_path)
    assert list(summaries(folder)) == ["two"]
    assert folder.show("two").pages == []


def test_names_that_are_no_unicode_are_told(tmp_path: Path) -> None:
    write_training(tmp_path / os.fsdecode(b"caf\xe9"))
    [run] = summaries(RunsFolder(tmp_path)).values()
    assert run.state == "damaged"
    assert "UTF-8" in run.problem


def test_other_folders_and_files_are_no_runs(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("text")
    (tmp_path / "metrics.jsonl").mkdir()
    (tmp_path / "file").write_text("text")
    assert RunsFolder(tmp_path).list_runs().runs == []


def test_newest_runs_come_first_and_very_many_are_cut(tmp_path: Path) -> None:
    for number in range(205):
        (tmp_path / f"run-{number}").mkdir()
        log = tmp_path / f"run-{number}" / "metrics.jsonl"
        log.touch()
        os.utime(log, (1000 + number, 1000 + number))
    listed = RunsFolder(tmp_path).list_runs()
    assert listed.left_out == 5
    assert [run.name for run in listed.runs] == [f"run-{n}" for n in range(204, 4, -1)]


def test_folder_that_is_gone_is_empty(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    folder = RunsFolder(tmp_path / "runs")
    (tmp_path / "runs").rmdir()
    assert folder.list_runs().runs == []


def test_store_without_a_model_says_so(tmp_path: Path) -> None:
    write_training(tmp_path / "one")
    store = open_models([tmp_path])
    assert store.names == []
    for name in (None, "one"):
        with pytest.raises(RequestError, match="no model is served yet"):
            store.find(name)
    with pytest.raises(RequestError):
        store.reload("one")
