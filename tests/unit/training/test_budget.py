"""A training by the clock, which the test moves: its schedule, validation runs and end."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch

from munjang.errors import ConfigError
from munjang.training import loop as loops
from munjang.training.checkpoints import load_checkpoint, save_checkpoint
from munjang.training.loop import Loop
from munjang.training.settings import TrainingSettings
from tests.unit.training.conftest import SmallRun
from tests.unit.training.test_capabilities import DrawingTask
from tests.unit.training.test_checkpoints import run_until

pytestmark = pytest.mark.usefixtures("one_thread")


class Clock:
    """A clock that a step, and a validation run, moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def perf_counter(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Let each step take a second, and each validation run two."""
    clock = Clock()
    monkeypatch.setattr(loops, "time", clock)
    add_cost(monkeypatch, clock, "_update", 1.0)
    add_cost(monkeypatch, clock, "validate", 2.0)
    return clock


def add_cost(monkeypatch: pytest.MonkeyPatch, clock: Clock, name: str, seconds: float) -> None:
    """Let a method of the loop take so many seconds."""
    method: Callable[..., Any] = getattr(Loop, name)

    def slow(*args: Any, **kwargs: Any) -> Any:
        clock.now += seconds
        return method(*args, **kwargs)

    monkeypatch.setattr(Loop, name, slow)


def test_learning_rate_decays_to_zero_at_the_end(clock: Clock) -> None:
    small = SmallRun()
    loop = small.loop(budget_seconds=100, budget_validations=5, schedule="linear", warmup=0.1)
    steps = list(loop)
    factors = [step.learning_rate_factor for step in steps]
    top = factors.index(max(factors))
    assert factors[: top + 1] == sorted(factors[: top + 1])
    assert factors[top:] == sorted(factors[top:], reverse=True)
    assert max(factors) == pytest.approx(1.0, abs=0.02)
    assert factors[-1] < 0.05
    assert factors[0] < 0.02
    # five validation runs of two seconds, a second per step
    assert sum(step.scores is not None for step in steps) == 5
    assert steps[-1].scores is not None
    assert len(steps) == pytest.approx(91, abs=1)
    assert 100 <= loop.state.counters.seconds <= 103


def test_epochs_continue_until_budget_ends(clock: Clock) -> None:
    for batches in ({"batch_size": 4}, {"batch_tokens": 20}):
        steps = list(SmallRun().loop(budget_seconds=40, epochs=1, **batches))
        assert steps[-1].epoch > 3
        assert [step.number for step in steps] == list(range(1, len(steps) + 1))


def test_steps_report_progress(clock: Clock) -> None:
    steps = list(SmallRun().loop(budget_seconds=50))
    assert {step.budget for step in steps} == {50}
    progress = [step.progress for step in steps]
    assert progress == sorted(progress)
    assert (progress[0], progress[-1]) == (pytest.approx(0.02), 1.0)
    assert all(step.total >= step.number for step in steps)
    assert steps[-1].total == steps[-1].number
    assert steps[len(steps) // 2].total == pytest.approx(len(steps), rel=0.2)


def test_steps_without_budget_report_progress() -> None:
    steps = list(SmallRun().loop())
    assert [step.progress for step in steps] == [n / 18 for n in range(1, 19)]
    assert {step.budget for step in steps} == {None}


def test_slow_validation_runs_are_not_consecutive(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_cost(monkeypatch, clock, "validate", 18.0)
    steps = list(SmallRun().loop(budget_seconds=100, budget_validations=20))
    scored = [step.number for step in steps if step.scores is not None]
    assert all(later - sooner > 1 for sooner, later in pairwise(scored))


def test_budget_ended_by_validation_takes_no_more_steps(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_cost(monkeypatch, clock, "validate", 60.0)
    steps = list(SmallRun().loop(budget_seconds=50, budget_validations=2))
    assert len(steps) == 25
    assert [step.number for step in steps if step.scores is not None] == [25]


def test_resumed_run_continues_its_budget(clock: Clock, tmp_path: Path) -> None:
    settings = {"budget_seconds": 60.0, "schedule": "linear", "batch_tokens": 20}
    whole = list(SmallRun().loop(**settings))
    loop = SmallRun().loop(**settings)
    run_until(loop, 25)
    save_checkpoint(tmp_path, loop.state, "f")
    clock.now += 10**6  # the machine was off
    resumed = SmallRun().loop(**settings)
    assert load_checkpoint(tmp_path, resumed.state, "f")
    rest = list(resumed)
    assert [step.number for step in rest] == [step.number for step in whole[25:]]
    factors = [step.learning_rate_factor for step in whole[25:]]
    assert [step.learning_rate_factor for step in rest] == pytest.approx(factors)
    # the clock of the test does the same twice, so that the run does too
    for name, tensor in resumed.state.tensors().items():
        assert tensor.shape == resumed.state.tensors()[name].shape
    assert [step.loss for step in rest] == [step.loss for step in whole[25:]]


def test_draw_targets_gets_progress() -> None:
    seen: list[float] = []

    class Watching(DrawingTask):
        def draw_targets(self, batch: Any, generator: torch.Generator, progress: float) -> Any:
            seen.append(progress)
            return super().draw_targets(batch, generator, progress)

    list(SmallRun(task=Watching(("a", "b", "c"))).loop(epochs=2))
    assert seen == [n / 12 for n in range(12)]


def test_average_after_is_a_share_of_the_budget(clock: Clock) -> None:
    loop = SmallRun().loop(budget_seconds=100, budget_validations=10, average_after=0.5)
    list(loop)
    assert loop.state.counters.average_count == pytest.approx(5, abs=1)


def test_length_and_position_are_described(clock: Clock) -> None:
    loop = SmallRun().loop(budget_seconds=7200)
    assert loop.length == "a budget of 2:00:00"
    run_until(loop, 3)
    assert loop.describe_position() == "step 3, 0:03 of 2:00:00"
    loop = SmallRun().loop()
    assert (loop.length, loop.describe_position()) == ("18 steps", "step 0 of 18")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("45m", 2700), ("2h", 7200), ("1h30m", 5400), ("1d", 86400), ("1.5 h", 5400),
     ("12", 12), ("10 min", 600), (30, 30)],
)  # fmt: skip
def test_durations(text: Any, seconds: float) -> None:
    assert TrainingSettings.parse({"budget_seconds": text}).budget_seconds == seconds


@pytest.mark.parametrize(
    "text", ["", "2x", "h", "-2h", "1h 30", "1e9", "nan", "0s", 0, -1, "9" * 400, "1h" * 10**5]
)
def test_invalid_durations_are_refused(text: Any) -> None:
    with pytest.raises(ConfigError, match="budget_seconds") as caught:
        TrainingSettings.parse({"budget_seconds": text})
    assert len(str(caught.value)) < 300


def test_budget_and_max_steps_are_refused_together() -> None:
    with pytest.raises(ConfigError, match="budget_seconds and max_steps are two ends"):
        TrainingSettings.parse({"budget_seconds": 5, "max_steps": 5})


def test_embedding_decay_is_optional() -> None:
    weights = []
    for decays in (True, False):
        small = SmallRun()
        loop = small.loop(decay_embeddings=decays, weight_decay=0.5, learning_rate=0.1)
        table = loop.state.model.encoder.embedding.weight  # type: ignore[union-attr]
        before = table.detach().norm()
        for _ in range(3):
            for parameter in loop.parameters:
                parameter.grad = torch.zeros_like(parameter)
            for optimizer in loop.state.optimizers:
                optimizer.step()
        weights.append(float(table.detach().norm() / before))
    assert weights[0] == pytest.approx(0.95**3, abs=1e-4)
    assert weights[1] == 1.0
