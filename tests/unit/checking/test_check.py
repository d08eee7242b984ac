"""`check` of all tasks of the registry, and what its estimates hold."""

import json
from importlib import import_module

import numpy as np
import pytest

from munjang.checking import check, report_blocks
from munjang.errors import ConfigError
from munjang.registry import INPUTS, TASKS, inputs_of

TEXTS = ["a b", "b c", "c d", "d e"] * 3
IMAGES = [np.full((8, 8), 20 * shade, dtype=np.uint8) for shade in range(12)]
PAIRS = (TEXTS, TEXTS[::-1])
CLASSES, NUMBERS = ["x", "y", "x", "y"] * 3, [1.0, 2.0, 3.0, 4.0] * 3
SETS = [["x"], ["x", "y"], [], ["y"]] * 3
# data of every task on every input, by (input, task)
DATA = {
    ("text", "classify"): (TEXTS, CLASSES),
    ("text", "regress"): (TEXTS, NUMBERS),
    ("text", "multilabel"): (TEXTS, SETS),
    ("text", "masked_lm"): (TEXTS, None),
    ("lines", "masked_lm"): (TEXTS, None),
    ("lines", "vectors"): (TEXTS, None),
    ("stream", "language"): (TEXTS, None),
    ("two_texts", "classify"): (PAIRS, CLASSES),
    ("two_texts", "regress"): (PAIRS, NUMBERS),
    ("two_texts", "multilabel"): (PAIRS, SETS),
    ("two_texts", "similarity"): (PAIRS, NUMBERS),
    ("image", "classify"): (IMAGES, ["x", "y"] * 6),
    ("parallel", "translate"): (
        [f"a {row}" for row in range(30)],
        [f"b {row}" for row in range(30)],
    ),
}
QUICK = ("training.threads=1", "training.epochs=2")
SMALL = {
    "image": ("model.filters=[4]",),
    "parallel": ("model.dim=16", "model.heads=2"),
    "vectors": ("model.dim=8", "vectors.sample=1", "tokenizer.min_frequency=1"),
}


def test_every_input_of_every_task_is_checked() -> None:
    pairs = {(kind.name, task.name) for task in TASKS.rows for kind in inputs_of(task)}
    assert set(DATA) == pairs
    assert all(row.check for row in INPUTS.rows)


@pytest.mark.parametrize("pair", DATA, ids="-".join)
def test_every_task_has_report_with_estimate(pair: tuple[str, str]) -> None:
    kind, task = pair
    settings = {"input": kind, "task": task}
    default = ("model.dim=8", "model.ngram_buckets=1024")
    overrides = [*QUICK, *SMALL.get(task, SMALL.get(kind, default))]
    data = DATA[pair]
    report = check(data, test=data, overrides=overrides, seconds=0.05, config=settings)
    module, _, name = INPUTS.require(kind).check.partition(":")
    assert type(report) is getattr(import_module(module), name).report
    assert report.rows == (12 if kind != "parallel" else 30)
    assert report.test is not None
    assert report.test.rows == report.rows
    assert report.estimate is not None
    assert report.estimate["unit"] == ("images" if kind == "image" else "tokens")
    assert report.estimate["units_per_second"] > 0
    json.dumps(report.to_json(), allow_nan=False)
    assert list(report_blocks(report))


def test_unknown_task_error_lists_all_tasks() -> None:
    with pytest.raises(ConfigError, match="did you mean 'classify'") as error:
        check(DATA["text", "classify"], config={"task": "clasify"})
    assert all(name in str(error.value) for name in TASKS.names)


def test_memory_estimate_includes_the_process() -> None:
    overrides = [*QUICK, "model.dim=8", "model.ngram_buckets=1024"]
    estimate = check(
        DATA["text", "classify"], model="mean", overrides=overrides, seconds=0.1
    ).estimate
    assert estimate is not None
    parts = ("weights_bytes", "optimizer_bytes", "copies_bytes")
    # PyTorch itself, and what a training keeps besides it
    assert estimate["memory_bytes"] > 150e6 + sum(estimate[name] for name in parts)
