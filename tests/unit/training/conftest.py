"""A training small enough to run in milliseconds, whose validation scores a test may script."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch

from munjang.tasks.classification_scores import Scores
from munjang.tasks.classify import Classify
from munjang.training.loop import Loop
from munjang.training.settings import TrainingSettings
from munjang.training.state import make_state
from tests.architectures import build_encoder, model_config
from tests.synthetic import make_dataset, random_rows

VOCABULARY = 25
MakeLoop = Callable[..., Loop]


@dataclass
class SmallRun:
    """The parts of a small training.

    Attributes:
        rows: number of training rows; half of them are also the validation data.
        model: settings of the encoder.
        seed: of weights, batches and dropout.
        task: three classes.
    """

    rows: int = 24
    model: dict[str, Any] = field(default_factory=dict)
    seed: int = 0
    task: Classify = field(default_factory=lambda: Classify(("a", "b", "c")))

    def loop(self, **training: Any) -> Loop:
        """Return a fresh loop, by default of 6 steps per epoch."""
        size = {} if "batch_tokens" in training else {"batch_size": 4}
        settings = TrainingSettings.parse({"epochs": 3, **size, **training})
        rows = random_rows(self.rows, vocabulary=VOCABULARY, shortest=1, longest=7)
        targets = [number % len(self.task.labels) for number in range(self.rows)]
        half = self.rows // 2
        small = {"name": "mean", "dim": 4, "dropout": 0.3, **self.model}
        torch.manual_seed(self.seed)
        network = self.task.network(build_encoder(model_config(small), VOCABULARY))
        parts = make_dataset(rows, targets), make_dataset(rows[:half], targets[:half])
        return Loop(make_state(network, settings), self.task, *parts, settings, seed=self.seed)


@pytest.fixture
def small_run() -> SmallRun:
    """A small training with the defaults."""
    return SmallRun()


def make_scores(accuracy: float, *, macro_f1: float = 0.0, log_loss: float = 1.0) -> Scores:
    """Return scores as a validation run gives them."""
    return Scores(1, accuracy, macro_f1, log_loss, 0.0, (), ())


@pytest.fixture
def script_scores(
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[Sequence[Scores]], Iterator[Scores]]:
    """Let every loop take its scores from a list instead of validating."""

    def script(values: Sequence[Scores]) -> Iterator[Scores]:
        left = iter(values)
        monkeypatch.setattr(Loop, "validate", lambda self: next(left))
        return left

    return script
