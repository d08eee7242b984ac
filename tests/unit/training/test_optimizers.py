"""Row-sparse optimizers against obvious row-by-row references and against PyTorch's own."""

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import Tensor

from munjang.layers.fast.sparse_rows import sum_rows
from munjang.training.optimizers import AdamW, Optimizer, ParameterGroup, RowAdagrad, clip_gradients

pytestmark = pytest.mark.usefixtures("one_thread")

ROWS, DIM = 7, 3
Touched = list[int]
Stepping = Optimizer | torch.optim.Optimizer
touched_rows = st.lists(st.integers(1, ROWS - 1), min_size=1, max_size=8)
steps_of_rows = st.lists(touched_rows, min_size=1, max_size=6)


def make_sparse(rows: Touched, values: Tensor) -> Tensor:
    """A row-sparse gradient; rows may repeat and stand in any order."""
    return torch.sparse_coo_tensor(
        torch.tensor([rows]), values, (ROWS, DIM), check_invariants=False
    )


def run_steps(
    steps: list[Touched], optimizer_of: Callable[[torch.nn.Parameter], Stepping]
) -> tuple[Tensor, Tensor, list[Tensor]]:
    """Weights before and after the steps, and each step's gradient, dense."""
    torch.manual_seed(len(steps))
    weight = torch.nn.Parameter(torch.randn(ROWS, DIM))
    before = weight.detach().clone()
    optimizer = optimizer_of(weight)
    gradients = []
    for rows in steps:
        weight.grad = make_sparse(rows, torch.randn(len(rows), DIM))
        gradients.append(weight.grad.to_dense())
        optimizer.step()
    return before, weight.detach(), gradients


def reference_adamw(
    weight: Tensor, steps: list[Touched], gradients: list[Tensor], *, lr: float, decay: float
) -> Tensor:
    """AdamW as the papers write it, one number at a time, touched rows only."""
    table = weight.double().tolist()
    mean = [[0.0] * DIM for _ in range(ROWS)]
    square = [[0.0] * DIM for _ in range(ROWS)]
    for step, (rows, gradient) in enumerate(zip(steps, gradients, strict=True), start=1):
        for row in set(rows):
            for index in range(DIM):
                g = float(gradient[row, index])
                m = mean[row][index] = 0.9 * mean[row][index] + 0.1 * g
                v = square[row][index] = 0.999 * square[row][index] + 0.001 * g * g
                rise = m / (1 - 0.9**step)
                scale = math.sqrt(v / (1 - 0.999**step)) + 1e-8
                table[row][index] = (1 - lr * decay) * table[row][index] - lr * rise / scale
    return torch.tensor(table)


def reference_adagrad(weight: Tensor, steps: list[Touched], gradients: list[Tensor]) -> Tensor:
    """One accumulator a row: the mean of its squared gradients."""
    table, seen = weight.double().tolist(), [0.0] * ROWS
    for rows, gradient in zip(steps, gradients, strict=True):
        for row in set(rows):
            g = gradient[row].tolist()
            seen[row] += sum(x * x for x in g) / DIM
            for index in range(DIM):
                table[row][index] -= 0.05 * g[index] / (math.sqrt(seen[row]) + 1e-10)
    return torch.tensor(table)


@settings(max_examples=50)
@given(steps=steps_of_rows, decay=st.sampled_from([0.0, 0.1, 2.0]))
def test_adamw_of_rows_equals_reference(steps: list[Touched], decay: float) -> None:
    before, after, gradients = run_steps(
        steps, lambda w: AdamW([ParameterGroup([w], 0.01)], weight_decay=decay)
    )
    expected = reference_adamw(before, steps, gradients, lr=0.01, decay=decay)
    torch.testing.assert_close(after, expected, rtol=1e-4, atol=1e-6)


@settings(max_examples=50)
@example(steps=[[1, 2, 2, 2]])
@given(steps=steps_of_rows)
def test_adamw_of_rows_without_decay_equals_sparse_adam(steps: list[Touched]) -> None:
    # SparseAdam adds its eps before the bias of v is corrected: a small one makes no difference
    _, ours, _ = run_steps(steps, lambda w: AdamW([ParameterGroup([w], 0.01)], eps=1e-14))
    _, theirs, _ = run_steps(steps, lambda w: torch.optim.SparseAdam([w], lr=0.01, eps=1e-14))
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_adamw_of_all_rows_equals_dense_adamw(decay: float) -> None:
    torch.manual_seed(0)
    ours, dense = (torch.nn.Parameter(torch.ones(ROWS, DIM)) for _ in range(2))
    mine = AdamW([ParameterGroup([ours], 0.01)], weight_decay=decay)
    theirs = torch.optim.AdamW([dense], lr=0.01, weight_decay=decay)
    for _ in range(20):
        gradient = torch.randn(ROWS, DIM)
        ours.grad, dense.grad = make_sparse(list(range(ROWS)), gradient), gradient
        mine.step()
        theirs.step()
    torch.testing.assert_close(ours, dense, rtol=1e-5, atol=1e-6)


@settings(max_examples=50)
@given(steps=steps_of_rows)
def test_row_adagrad_equals_reference(steps: list[Touched]) -> None:
    before, after, gradients = run_steps(steps, lambda w: RowAdagrad([ParameterGroup([w], 0.05)]))
    expected = reference_adagrad(before, steps, gradients)
    torch.testing.assert_close(after, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", [AdamW, RowAdagrad])
def test_untouched_rows_are_unchanged(kind: type[AdamW] | type[RowAdagrad]) -> None:
    before, after, _ = run_steps(
        [[2, 5], [5], [5, 2, 2]], lambda w: kind([ParameterGroup([w], 0.1)])
    )
    changed = (before != after).any(1).nonzero().flatten().tolist()
    assert changed == [2, 5]


@pytest.mark.parametrize("kind", [AdamW, RowAdagrad])
def test_step_without_touched_rows_changes_nothing(kind: type[AdamW] | type[RowAdagrad]) -> None:
    weight = torch.nn.Parameter(torch.ones(ROWS, DIM))
    optimizer = kind([ParameterGroup([weight], 0.1)])
    optimizer.step()
    sum_rows(weight, torch.zeros(2, 2, dtype=torch.int64)).sum().backward()
    optimizer.step()
    assert torch.equal(weight, torch.ones(ROWS, DIM))


def test_dense_parameters_equal_pytorch_adamw_and_vectors_do_not_decay() -> None:
    torch.manual_seed(0)
    matrix, vector = torch.randn(4, 3), torch.randn(3)
    ours, theirs = (
        [torch.nn.Parameter(matrix.clone()), torch.nn.Parameter(vector.clone())] for _ in range(2)
    )
    mine = AdamW([ParameterGroup(ours, 0.02)], weight_decay=0.1)
    other = torch.optim.AdamW(
        [{"params": theirs[:1], "weight_decay": 0.1}, {"params": theirs[1:], "weight_decay": 0.0}],
        lr=0.01,
    )
    for _ in range(20):
        for a, b in zip(ours, theirs, strict=True):
            a.grad = b.grad = torch.randn_like(a)
        mine.step(0.5)
        other.step()
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)


def test_clip_gradients_sums_repeated_rows() -> None:
    weight = torch.nn.Parameter(torch.zeros(ROWS, DIM))
    weight.grad = make_sparse([2, 2], torch.tensor([[3.0, 0.0, 0.0], [0.0, 4.0, 0.0]]))
    assert clip_gradients([weight], 1.0) == pytest.approx(5.0)
    torch.testing.assert_close(weight.grad.to_dense()[2], torch.tensor([0.6, 0.8, 0.0]))


def make_parameters(numbers: list[Tensor]) -> list[torch.nn.Parameter]:
    parameters = []
    for values in numbers:
        parameter = torch.nn.Parameter(torch.zeros_like(values))
        parameter.grad = values.clone()
        parameters.append(parameter)
    return parameters


@pytest.mark.parametrize("largest", [0.5, 3.0, 1e6])
def test_clip_gradients_of_dense_tensors_equals_pytorch(largest: float) -> None:
    torch.manual_seed(0)
    numbers = [torch.randn(4, 3), torch.randn(5), torch.randn(2, 2, 2)]
    ours, theirs = make_parameters(numbers), make_parameters(numbers)
    norm = clip_gradients(ours, largest)
    expected = torch.nn.utils.clip_grad_norm_(theirs, largest)
    assert norm == pytest.approx(float(expected), rel=1e-5)
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine.grad, other.grad)


@pytest.mark.parametrize("largest", [0.5, 1e6])
def test_clip_gradients_counts_dense_and_sparse(largest: float) -> None:
    torch.manual_seed(0)
    weight = torch.nn.Parameter(torch.randn(ROWS, DIM))
    bags = torch.tensor([[1, 1, 5], [5, 2, 0]])
    (sum_rows(weight, bags) * torch.randn(2, DIM)).sum().backward()
    assert weight.grad is not None
    (dense,) = make_parameters([torch.randn(4, 3)])
    twins = make_parameters([weight.grad.to_dense(), dense.grad])
    unused = torch.nn.Parameter(torch.zeros(3))
    norm = clip_gradients([weight, unused, dense], largest)
    expected = torch.nn.utils.clip_grad_norm_(twins, largest)
    assert norm == pytest.approx(float(expected), rel=1e-5)
    torch.testing.assert_close(weight.grad.to_dense(), twins[0].grad)
    torch.testing.assert_close(dense.grad, twins[1].grad)
    assert unused.grad is None


def test_clip_gradients_without_gradients_is_zero() -> None:
    assert clip_gradients([torch.nn.Parameter(torch.zeros(2))], 1.0) == 0.0
