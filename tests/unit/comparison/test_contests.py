"""Every compared task: what its row promises."""

import numpy as np
import pytest

from munjang.comparison.budget import Budget
from munjang.comparison.candidates import Candidate, parse_candidates
from munjang.comparison.contests import all_contests, contest_name, contest_of
from munjang.comparison.contests.contest import Parts
from munjang.comparison.margins import default_margin, margin_of
from munjang.comparison.networks import within
from munjang.data.table import Table
from munjang.errors import ConfigError
from munjang.preparation import prepare
from munjang.registry import TASKS, TaskRow, inputs_of
from tests.tables import make_text_table

CONTESTS = dict(all_contests())


def test_every_task_with_contests_is_listed() -> None:
    compared = [task for task in TASKS.rows if task.contests]
    every = [(task.name, kind.name) for task in compared for kind in inputs_of(task)]
    assert [(row.task, row.input) for row in CONTESTS.values()] == every
    assert {contest_name({"task": task, "input": kind}) for task, kind in every} == {*CONTESTS}
    assert contest_of(contest_name({"task": "images"})) is CONTESTS["classify/image"]
    with pytest.raises(ConfigError, match=r"unknown task 'tag'.*classify, regress, multilabel"):
        contest_of("tag")
    with pytest.raises(ConfigError, match=r"unknown task 'tag'.*classify, regress, multilabel"):
        contest_name({"task": "tag"})


@pytest.mark.parametrize("task", [task for task in TASKS.rows if not task.contests])
def test_task_without_contests_is_refused(task: TaskRow) -> None:
    message = rf"models of classify, .* and translate can be compared; got {task.name} on the input"
    with pytest.raises(ConfigError, match=message):
        contest_name({"task": task.name})


@pytest.mark.parametrize("task", CONTESTS)
def test_contest_has_metrics_and_baselines_of_its_task(task: str) -> None:
    contest = CONTESTS[task]
    assert set(contest.metrics) <= set(TASKS.require(contest.task).metrics)
    assert contest.deciding_metric(None) == contest.metrics[0]
    assert contest.constant <= set(contest.baselines)
    assert not set(contest.networks()) & set(contest.baselines)
    for metric in contest.metrics:
        assert default_margin(metric) > 0
    names = [candidate.name for candidate in parse_candidates("all", task=task)]
    assert names == [*contest.networks(), *contest.baselines]


def test_baseline_and_network_names_are_disjoint() -> None:
    networks = {name for contest in CONTESTS.values() for name in contest.networks()}
    baselines = {name for contest in CONTESTS.values() for name in contest.baselines}
    assert not networks & baselines
    assert Candidate("dummy-mean").is_constant
    assert not Candidate("tfidf-words").is_constant


def test_image_contest_refuses_tokenizers() -> None:
    with pytest.raises(ConfigError, match="images have none"):
        parse_candidates("image_cnn", "words", "classify/image")


def number_table(values: list[float]) -> Table:
    return make_text_table(["a"] * len(values), values)


def test_error_margin_is_relative_to_target_spread() -> None:
    parts = Parts({"train": number_table([0.0, 200.0])})
    unit = CONTESTS["regress"].margin_unit(parts)
    assert unit == 100.0
    for metric in ("mae", "rmse"):
        assert margin_of(metric, None, unit) == pytest.approx(1.0)
        assert margin_of(metric, 25.0, unit) == 25.0
        with pytest.raises(ConfigError, match=r"above 0, in the unit of .*, such as 1; got -1"):
            margin_of(metric, -1, unit)
    assert margin_of("r2", None, unit) == 0.01
    assert CONTESTS["regress"].margin_unit(Parts({"train": number_table([3.0, 3.0])})) == 1.0


def test_image_training_is_limited_by_seconds_budget() -> None:
    random = np.random.default_rng(0)
    pixels = random.integers(0, 255, (60, 8, 8)).astype(np.uint8)
    training = {"threads": 1, "epochs": 10**5}
    settings = {"input": "image", "model": {"filters": [4], "pool_size": 2}, "training": training}
    data = (list(pixels), [("x", "y")[row % 2] for row in range(60)])
    prepared = within(Budget(0.5, "seconds"), prepare(data, None, settings, str))
    training = prepared.recipe.training
    assert training.max_seconds == 0.5
    assert 1 <= training.max_steps < 10**5
    counted = within(Budget(54, "images"), prepared).recipe.training
    assert counted.max_steps == 2  # of 32 images, and of the 22 that are left
