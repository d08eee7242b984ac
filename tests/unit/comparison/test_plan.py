"""Budgets, names, and what may be written where."""

import json
from pathlib import Path

import pytest

from munjang.baselines import BASELINES, PAIR_BASELINES
from munjang.comparison.budget import Budget, parse_budget
from munjang.comparison.candidates import Candidate, parse_candidates
from munjang.comparison.folder import PLAN
from munjang.comparison.networks import paced_by_clock
from munjang.comparison.plan import Job, Plan, jobs, open_plan, refuse_occupied
from munjang.errors import ConfigError, FolderError
from munjang.estimates import Estimate
from munjang.training.settings import TrainingSettings
from tests.architectures import ARCHITECTURES, PAIR_ARCHITECTURES


@pytest.mark.parametrize(
    ("text", "amount", "unit"),
    [
        ("60s", 60, "seconds"),
        ("90", 90, "seconds"),
        ("1.5m", 90, "seconds"),
        ("1h", 3600, "seconds"),
        ("2M tokens", 2_000_000, "tokens"),
        ("500ktokens", 500_000, "tokens"),
        ("1000 tokens", 1000, "tokens"),
    ],
)
def test_parse_budget(text: str, amount: float, unit: str) -> None:
    budget = parse_budget(text)
    assert (budget.amount, budget.unit) == (amount, unit)
    assert budget.seconds == (amount if unit == "seconds" else None)


@pytest.mark.parametrize(
    "text", ["", "s", "0s", "-5s", "5 apples", "2M", "3h tokens", "1e400s", "nan"]
)
def test_invalid_budget_is_refused(text: str) -> None:
    if text == "2M":  # two minutes, whatever the case
        assert parse_budget(text).amount == 120
        return
    with pytest.raises(ConfigError, match="expected seconds such as 60s"):
        parse_budget(text)


def test_all_selects_every_encoder_and_baseline() -> None:
    names = [candidate.name for candidate in parse_candidates("all")]
    assert names == [*ARCHITECTURES, *BASELINES]
    names = [candidate.name for candidate in parse_candidates("all", task="translate")]
    assert names == [*PAIR_ARCHITECTURES, *PAIR_BASELINES]


def test_baseline_and_architecture_names_are_disjoint() -> None:
    assert not {*BASELINES, *PAIR_BASELINES} & {*ARCHITECTURES, *PAIR_ARCHITECTURES}
    assert not {*BASELINES} & {*PAIR_BASELINES}


@pytest.mark.parametrize(
    ("models", "task", "message"),
    [
        (
            "cnn",
            "translate",
            "cnn goes with --task classify or --task regress or --task multilabel "
            "or --task similarity or --task masked_lm; models of "
            "translate: all, seq2seq",
        ),
        (
            "logistic-pixels",
            "regress",
            "logistic-pixels goes with --task classify --input image; models of regress: all",
        ),
        ("copy", "classify", "copy goes with --task translate; models of classify: all, mean"),
        ("seq2sec", "translate", "did you mean 'seq2seq'"),
    ],
)
def test_model_of_another_task_is_refused_with_alternatives(
    models: str, task: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_candidates(models, task=task)


def test_tokenizers_are_crossed_with_one_network() -> None:
    result = parse_candidates("nbsvm, cnn", "words,jamo,words")
    assert [one.name for one in result] == ["cnn on words", "cnn on jamo", "nbsvm"]
    assert [one.folder for one in result] == ["cnn-on-words", "cnn-on-jamo", "nbsvm"]
    assert [len(one.seeds(3)) for one in result] == [3, 3, 1]


@pytest.mark.parametrize(
    ("models", "tokenizers", "message"),
    [
        ("cn", None, "did you mean 'cnn'"),
        (" , ", None, "at least one"),
        ("all", "words", "one network"),
        ("majority", "words", "0 are asked for"),
        ("cnn", "wrods", "did you mean 'words'"),
        ("cnn", ",", "at least one name"),
    ],
)
def test_invalid_names_are_refused(models: str, tokenizers: str | None, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_candidates(models, tokenizers)


def make_plan(**changed: object) -> Plan:
    values = {
        "task": "classify",
        "candidates": (Candidate("cnn"), Candidate("nbsvm")),
        "seeds": 2,
        "budget": Budget(5.0, "seconds"),
        "metric": "accuracy",
        "given": {"training": {"threads": 1}},
        "data": "abc",
    }
    return Plan(**{**values, **changed})  # type: ignore[arg-type]


def test_jobs_run_all_models_per_seed() -> None:
    order = [(job.candidate.name, job.seed) for job in jobs(make_plan())]
    assert order == [("cnn", 0), ("nbsvm", 0), ("cnn", 1)]


def test_job_json_round_trip() -> None:
    for job in jobs(make_plan()):
        assert Job.from_json(job.to_json()) == job


def test_resume_accepts_same_or_larger_plan(tmp_path: Path) -> None:
    open_plan(tmp_path, make_plan(), resume=False)
    run = tmp_path / "runs" / "cnn" / "seed-0" / "run.json"
    run.parent.mkdir(parents=True)
    run.touch()
    open_plan(tmp_path, make_plan(seeds=5, candidates=(Candidate("mean"),)), resume=True)
    for changed in (
        {"task": "translate"},
        {"data": "x"},
        {"budget": Budget(6.0, "seconds")},
        {"given": {}},
    ):
        with pytest.raises(FolderError, match="--overwrite to replace it"):
            open_plan(tmp_path, make_plan(**changed), resume=True)
    assert run.exists()
    open_plan(tmp_path, make_plan(data="x"), resume=False)
    assert not run.exists()


def test_resume_accepts_plan_without_task(tmp_path: Path) -> None:
    open_plan(tmp_path, make_plan(), resume=False)
    old = json.loads((tmp_path / PLAN).read_text("utf-8"))
    del old["task"]
    (tmp_path / PLAN).write_text(json.dumps(old), encoding="utf-8")
    open_plan(tmp_path, make_plan(), resume=True)
    with pytest.raises(FolderError, match="another task"):
        open_plan(tmp_path, make_plan(task="translate"), resume=True)


def test_overwrite_refuses_foreign_files(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()
    for resume, overwrite in ((False, False), (True, False), (False, True)):
        with pytest.raises(FolderError, match=r"thesis\.txt"):
            refuse_occupied(tmp_path, resume=resume, overwrite=overwrite)
    with pytest.raises(FolderError, match="this is a file"):
        refuse_occupied(tmp_path / "thesis.txt", resume=False, overwrite=False)
    (tmp_path / PLAN).touch()
    with pytest.raises(FolderError, match="--resume continues"):
        refuse_occupied(tmp_path, resume=False, overwrite=False)
    refuse_occupied(tmp_path, resume=True, overwrite=False)


def make_estimate(*, steps: int, seconds: float, look: float) -> Estimate:
    return Estimate("cnn", 1, 1, 1, 1, 1, 1, steps, 1.0, seconds, look, 10)


def test_schedule_is_shortened_to_seconds_budget() -> None:
    # 1,000 steps in 10 passes of 0.1 s a step, and 10 looks of a second
    costs = make_estimate(steps=1000, seconds=110.0, look=1.0)
    paced = paced_by_clock(TrainingSettings(epochs=10), 20.0, costs, per_epoch=100)
    assert paced.max_seconds == 20.0
    assert paced.max_steps is not None
    looks = paced.max_steps / 100 * paced.validations_per_epoch
    assert 0.75 * 20 <= paced.max_steps * 0.1 + looks * 1.0 <= 20
    assert looks >= 1


def test_model_faster_than_budget_keeps_its_epochs() -> None:
    costs = make_estimate(steps=1000, seconds=10.1, look=0.01)
    paced = paced_by_clock(TrainingSettings(epochs=10), 60.0, costs, per_epoch=100)
    assert paced.max_steps == 1000
    assert paced.validations_per_epoch == 1


def test_tiny_budget_takes_one_step() -> None:
    costs = make_estimate(steps=1000, seconds=1e5, look=10.0)
    paced = paced_by_clock(TrainingSettings(epochs=10), 1.0, costs, per_epoch=100)
    assert paced.max_steps == 1
