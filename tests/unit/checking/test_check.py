"""Which tasks `check` looks at, and how it refuses the others."""

import pytest
from munjang.tasks.registry import TASKS

from munjang.checking import check
from munjang.errors import ConfigError

ROWS = (["a b", "b c", "c d", "d e"] * 3, ["x", "y", "x", "y"] * 3)


@pytest.mark.parametrize("task", [name for name, row in TASKS.items() if row.reads == "images"])
@pytest.mark.parametrize("by", ["task", "config"])
def test_a_task_that_reads_something_else_is_known_and_told_so(task: str, by: str) -> None:
    given = {"task": task} if by == "task" else {"config": {"task": task}}
    with pytest.raises(ConfigError) as error:
        check(ROWS, **given)
    assert f"the task {task} reads images" in str(error.value)
    for name, row in TASKS.items():
        assert (name in str(error.value)) == (row.reads != "images" or name == task)


def test_an_unknown_task_hears_all_of_them() -> None:
    with pytest.raises(ConfigError, match="did you mean 'images'") as error:
        check(ROWS, config={"task": "imags"})
    assert all(name in str(error.value) for name in TASKS)


def test_what_an_estimate_of_memory_holds() -> None:
    overrides = ["training.threads=1", "model.dim=8", "model.buckets=1024", "training.epochs=2"]
    estimate = check(ROWS, model="mean", overrides=overrides, seconds=0.1).estimate
    assert estimate is not None
    kept = ("weights_bytes", "optimiser_bytes", "copies_bytes")
    # PyTorch itself, and what a training holds beside it
    assert estimate["memory_bytes"] > 150e6 + sum(estimate[name] for name in kept)
