"""Soft targets: the losses against slow references, and their gradients."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from munjang.layers.losses import categorical_crossentropy, softened_binary_kl, softened_kl
from munjang.tasks.classify import Classify, ClassifySettings
from munjang.tasks.distillation_settings import DistillationSettings
from munjang.tasks.distilled import DistilledTask
from munjang.tasks.multilabel import Multilabel
from munjang.tasks.regress import Regress, RegressSettings
from munjang.tasks.task import GivesSoftTargets
from tests.tables import make_text_table

pytestmark = pytest.mark.usefixtures("one_thread")

TEMPERATURES = pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0, 5.0])


def random_logits_and_targets(rows: int, columns: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Logits, and probabilities [rows, columns]."""
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(rows, columns, generator=generator, dtype=torch.float64)
    targets = torch.softmax(2 * torch.randn(rows, columns, generator=generator).double(), 1)
    return logits, targets


def soften(probabilities: list[float], temperature: float) -> list[float]:
    powers = [p ** (1 / temperature) for p in probabilities]
    return [power / sum(powers) for power in powers]


def reference_kl(q: list[float], p: list[float]) -> float:
    return sum(a * math.log(a / b) for a, b in zip(q, p, strict=True) if a > 0)


def softmax(logits: list[float]) -> list[float]:
    total = sum(math.exp(logit) for logit in logits)
    return [math.exp(logit) / total for logit in logits]


@TEMPERATURES
@pytest.mark.parametrize("classes", [2, 3, 7])
def test_softened_kl_follows_formula(temperature: float, classes: int) -> None:
    logits, targets = random_logits_and_targets(9, classes)
    result = softened_kl(logits, targets, temperature)
    for row in range(9):
        q = soften(targets[row].tolist(), temperature)
        p = softmax([logit / temperature for logit in logits[row].tolist()])
        assert float(result[row]) == pytest.approx(temperature**2 * reference_kl(q, p), rel=1e-9)


@TEMPERATURES
def test_one_output_equals_two_classes(temperature: float) -> None:
    logits, targets = random_logits_and_targets(9, 2)
    difference = logits[:, 1:] - logits[:, :1]
    torch.testing.assert_close(
        softened_kl(difference, targets, temperature), softened_kl(logits, targets, temperature)
    )


@TEMPERATURES
def test_multilabel_outputs_equal_two_classes_each(temperature: float) -> None:
    logits, _ = random_logits_and_targets(9, 4)
    targets = torch.rand(9, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    labels = [
        softened_kl(
            logits[:, k : k + 1], torch.stack([1 - targets[:, k], targets[:, k]], 1), temperature
        )
        for k in range(4)
    ]
    torch.testing.assert_close(
        softened_binary_kl(logits, targets, temperature), torch.stack(labels).mean(0)
    )


@pytest.mark.parametrize("classes", [2, 5])
def test_one_hot_targets_at_temperature_1_equal_cross_entropy(classes: int) -> None:
    logits, _ = random_logits_and_targets(9, classes)
    numbers = torch.arange(9) % classes
    hot = torch.nn.functional.one_hot(numbers, classes).double()
    torch.testing.assert_close(
        softened_kl(logits, hot, 1.0), categorical_crossentropy(logits, numbers)
    )


@TEMPERATURES
def test_gradcheck(temperature: float) -> None:
    logits, targets = random_logits_and_targets(4, 3)
    logits.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: softened_kl(x, targets, temperature), logits)
    assert torch.autograd.gradcheck(lambda x: softened_binary_kl(x, targets, temperature), logits)


@TEMPERATURES
def test_gradient_is_zero_at_teacher_and_not_scaled_down_by_temperature(
    temperature: float,
) -> None:
    _, targets = random_logits_and_targets(4, 3)
    logits = targets.log().requires_grad_()
    (gradient,) = torch.autograd.grad(softened_kl(logits, targets, temperature).sum(), logits)
    torch.testing.assert_close(gradient, torch.zeros_like(gradient), rtol=0, atol=1e-12)


@given(
    st.lists(st.floats(-500, 500), min_size=3, max_size=3),
    st.lists(st.floats(0, 1), min_size=3, max_size=3).filter(lambda p: sum(p) > 0.01),
    st.sampled_from([0.01, 0.5, 1.0, 3.0, 100.0]),
)
def test_loss_is_finite_for_any_targets(
    values: list[float], shares: list[float], temperature: float
) -> None:
    logits = torch.tensor([values], requires_grad=True)
    targets = torch.tensor([shares]) / sum(shares)
    for loss in (softened_kl, softened_binary_kl):
        value = loss(logits, targets, temperature)
        (gradient,) = torch.autograd.grad(value.sum(), logits)
        assert value.isfinite().all()
        assert gradient.isfinite().all()
        assert float(value.detach()) >= -1e-3 * temperature**2


TASKS: list[Any] = [
    Classify(("a", "b")),
    Classify(("a", "b", "c")),
    Classify(("a", "b"), ClassifySettings(loss="categorical_crossentropy")),
    Multilabel(("a", "b", "c")),
    Regress(mean=3.0, scale=2.0),
    Regress(scale=4.0, settings=RegressSettings(loss="poisson")),
]


@pytest.mark.parametrize("task", TASKS, ids=lambda task: f"{type(task).__name__}-{task.outputs}")
def test_logits_of_soft_targets_invert_soft_targets(task: Any) -> None:
    assert isinstance(task, GivesSoftTargets)
    logits, _ = random_logits_and_targets(20, task.outputs)
    soft = task.soft_targets(logits)
    back = task.soft_targets(task.logits_of(soft))
    np.testing.assert_allclose(back, soft, rtol=1e-6, atol=1e-9)


def make_distilled_task(task: Any, **weights: float) -> DistilledTask:
    return DistilledTask(task, DistillationSettings(teachers=("t",), **weights))


def reference_loss(task: DistilledTask, logits: Tensor, soft: Tensor, hard: list[Any]) -> float:
    """The mean of the rows' losses, one row at a time."""
    total = 0.0
    for row, label in enumerate(hard):
        one = slice(row, row + 1)
        soft_loss = float(task.task.soft_loss(logits[one], soft[one], task.settings.temperature))
        if label is None:
            total += soft_loss
            continue
        w = task.settings.soft_weight
        total += w * soft_loss + (1 - w) * float(
            task.task.loss(logits[one], torch.from_numpy(np.asarray([label])))
        )
    return total / len(hard)


@pytest.mark.parametrize(
    ("task", "labels"),
    [
        (Classify(("a", "b")), ["a", None, "b", "b", None]),
        (Classify(("a", "b", "c")), [None, "c", "b", None, "a"]),
        (Multilabel(("a", "b", "c")), [["a"], None, [], ["b", "c"], None]),
        (Regress(mean=3.0, scale=2.0), [1.5, None, 4.0, 1e6, None]),
    ],
)
@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
def test_labeled_rows_use_both_losses(task: Any, labels: list[Any], weight: float) -> None:
    distilled = make_distilled_task(task, temperature=2.0, soft_weight=weight)
    rows = make_text_table(["text"] * 5, labels)
    logits, _ = random_logits_and_targets(5, task.outputs)
    soft = task.soft_targets(random_logits_and_targets(5, task.outputs, seed=3)[0])
    targets = distilled.unanswered(rows)
    assert np.isnan(targets[:, : distilled.soft_columns]).all()
    targets[:, : distilled.soft_columns] = soft
    known = iter(
        task.targets(rows.take([n for n, label in enumerate(labels) if label is not None]))
    )
    hard = [None if label is None else next(known) for label in labels]
    result = distilled.loss(logits, torch.from_numpy(targets))
    stored = torch.from_numpy(targets[:, : distilled.soft_columns])
    assert float(result) == pytest.approx(reference_loss(distilled, logits, stored, hard), rel=1e-6)


def test_soft_weight_0_equals_label_loss() -> None:
    task = Classify(("a", "b", "c"))
    distilled = make_distilled_task(task, soft_weight=0.0)
    rows = make_text_table(["text"] * 3, ["c", "a", "b"])
    targets = distilled.unanswered(rows)
    targets[:, :3] = 1 / 3
    logits, _ = random_logits_and_targets(3, 3)
    expected = task.loss(logits, torch.tensor([2, 0, 1]))
    torch.testing.assert_close(distilled.loss(logits, torch.from_numpy(targets)), expected)


def test_batch_without_labels_has_soft_loss_only() -> None:
    distilled = make_distilled_task(Classify(("a", "b")), temperature=3.0, soft_weight=0.1)
    logits, soft = random_logits_and_targets(6, 2)
    targets = torch.cat([soft, torch.full((6, 1), math.nan)], 1)
    torch.testing.assert_close(
        distilled.loss(logits, targets), softened_kl(logits, soft, 3.0).mean()
    )


def test_regression_targets_keep_float64_precision() -> None:
    task = make_distilled_task(Regress(mean=1.7e9, scale=10.0))
    targets = task.unanswered(make_text_table(["a", "b"], [1700000001.25, None]))
    assert targets.dtype == np.float64
    assert targets[0, 1] == 1700000001.25
