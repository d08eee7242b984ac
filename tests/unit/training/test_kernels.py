"""Without PyTorch's private functions the figures are the same, up to rounding."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from munjang.layers.fast.sparse_rows import sum_rows
from munjang.training.kernels import coalesce_rows
from munjang.training.optimizers import AdamW, ParameterGroup, RowAdagrad, clip_gradients
from tests.unit.training.conftest import SmallRun

pytestmark = pytest.mark.usefixtures("one_thread")

FUNCTIONS = ("_fused_adamw_", "_foreach_add_")


def remove(name: str, patch: pytest.MonkeyPatch) -> None:
    """Let PyTorch be a release without a private function or method."""
    if name in FUNCTIONS:
        patch.delattr(torch, name)
        assert not hasattr(torch, name)
        return

    def missing(self: Tensor) -> object:
        raise AttributeError(name)

    patch.setattr(torch.Tensor, name, property(missing), raising=False)
    assert not hasattr(torch.zeros(1), name)


def train_parameters(kind: Callable[..., AdamW | RowAdagrad]) -> Tensor:
    """Return a table and a matrix after steps with clipped row-sparse and dense gradients."""
    torch.manual_seed(0)
    table, matrix = (torch.nn.Parameter(torch.randn(7, 3)) for _ in range(2))
    optimizer = kind([ParameterGroup([table, matrix], 0.05)])
    for _ in range(12):
        table.grad = matrix.grad = None
        bags = torch.randint(0, 7, (4, 3))
        (sum_rows(table, bags) @ matrix.T).sin().sum().backward()
        clip_gradients([table, matrix], 0.5)
        optimizer.step(0.9)
    return torch.cat([table.detach(), matrix.detach()])


@pytest.mark.parametrize("name", [*FUNCTIONS, "_coalesced_", "_indices"])
@pytest.mark.parametrize("kind", [AdamW, RowAdagrad])
def test_optimizer_without_private_function_gives_same_result(
    name: str, kind: type[AdamW] | type[RowAdagrad], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = train_parameters(kind)
    with monkeypatch.context() as patch:
        remove(name, patch)
        actual = train_parameters(kind)
    torch.testing.assert_close(actual, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("model", [{}, {"name": "lstm", "hidden_dim": 3}])
def test_training_without_private_functions_gives_same_losses(
    model: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    def losses() -> list[float]:
        return [step.loss for step in SmallRun(model=model).loop(weight_decay=0.1)]

    expected = losses()
    with monkeypatch.context() as patch:
        for name in (*FUNCTIONS, "_coalesced_", "_indices"):
            remove(name, patch)
        actual = losses()
    assert actual == pytest.approx(expected, rel=1e-4)


def test_coalesce_rows_sums_and_sorts() -> None:
    rows, values = torch.tensor([[4, 1, 4]]), torch.tensor([[1.0], [2.0], [3.0]])
    gradient = torch.sparse_coo_tensor(rows, values, (6, 1), check_invariants=False)
    merged = coalesce_rows(gradient)
    assert merged.indices().tolist() == [[1, 4]]
    assert merged.values().tolist() == [[2.0], [4.0]]
    assert coalesce_rows(merged) is merged
