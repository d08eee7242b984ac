"""`check` of all tasks of the registry, and what its estimates hold."""

import json
from importlib import import_module

import numpy as np
import pytest

from munjang.checking import check, report_blocks
from munjang.errors import ConfigError
from munjang.recipe import named_input, named_task
from munjang.registry import INPUTS, TASKS, inputs_of

TEXTS = ["a b", "b c", "c d", "d e"] * 3
IMAGES = [np.full((8, 8), 20 * shade, dtype=np.uint8) for shade in range(12)]
DATA = {
    "classify": (TEXTS, ["x", "y", "x", "y"] * 3),
    "regress": (TEXTS, [1.0, 2.0, 3.0, 4.0] * 3),
    "multilabel": (TEXTS, [["x"], ["x", "y"], [], ["y"]] * 3),
    "images": (IMAGES, ["x", "y"] * 6),
    "translate": ([f"a {row}" for row in range(30)], [f"b {row}" for row in range(30)]),
    "masked_lm": (TEXTS, ["x", "y", "x", "y"] * 3),
}
QUICK = ("training.threads=1", "training.epochs=2")
SMALL = {
    "images": ("model.filters=[4]",),
    "translate": ("model.dim=16", "model.heads=2"),
    "masked_lm": ("model.name=gru", "model.dim=8", "model.subword_ngrams=0"),
}


def test_every_input_of_every_task_is_checked_here() -> None:
    named = {(named_input({"task": task}).name, named_task({"task": task}).name) for task in DATA}
    assert named == {(kind.name, task.name) for task in TASKS.rows for kind in inputs_of(task)}
    assert all(row.check for row in INPUTS.rows)


@pytest.mark.parametrize("by", ["task", "config"])
@pytest.mark.parametrize("task", DATA)
def test_every_task_has_a_report_with_an_estimate(task: str, by: str) -> None:
    given = {"task": task} if by == "task" else {"config": {"task": task}}
    overrides = [*QUICK, *SMALL.get(task, ("model.dim=8", "model.ngram_buckets=1024"))]
    report = check(DATA[task], test=DATA[task], overrides=overrides, seconds=0.05, **given)
    place, _, name = named_input({"task": task}).check.partition(":")
    assert type(report) is getattr(import_module(place), name).report
    assert report.rows == len(DATA[task][0])
    assert report.test is not None
    assert report.test.rows == report.rows
    assert report.estimate is not None
    assert report.estimate["unit"] == ("images" if task == "images" else "tokens")
    assert report.estimate["units_per_second"] > 0
    json.dumps(report.to_json(), allow_nan=False)
    assert list(report_blocks(report))


def test_an_unknown_task_names_all_of_them() -> None:
    with pytest.raises(ConfigError, match="did you mean 'classify'") as error:
        check(DATA["classify"], config={"task": "clasify"})
    assert all(name in str(error.value) for name in TASKS.names)


def test_an_estimate_of_memory_contains_the_process() -> None:
    overrides = [*QUICK, "model.dim=8", "model.ngram_buckets=1024"]
    estimate = check(DATA["classify"], model="mean", overrides=overrides, seconds=0.1).estimate
    assert estimate is not None
    parts = ("weights_bytes", "optimizer_bytes", "copies_bytes")
    # PyTorch itself, and what a training keeps besides it
    assert estimate["memory_bytes"] > 150e6 + sum(estimate[name] for name in parts)
