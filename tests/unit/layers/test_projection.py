"""The output layer's loss: PyTorch's own values and gradients, whatever the pieces."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from munjang.layers import projection
from munjang.layers.projection import Projected, cross_entropy

pytestmark = pytest.mark.usefixtures("one_thread")
no_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


def make_inputs(rows: int, dim: int, words: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    torch.manual_seed(rows + dim + words)
    parts = torch.randn(rows, dim), torch.randn(words, dim), torch.randn(words)
    targets = torch.randint(0, words, (rows,))
    return *(part.requires_grad_() for part in parts), targets


def grads_of(loss: Tensor, parts: tuple[Tensor, ...]) -> list[Tensor]:
    return list(torch.autograd.grad(loss, parts))


@given(
    rows=st.integers(1, 20),
    vocabulary=st.integers(2, 30),
    smoothing=st.sampled_from([0.0, 0.1, 0.9]),
    piece=st.integers(1, 200),
)
def test_chunked_cross_entropy_equals_pytorch_in_loss_and_gradients(
    rows: int, vocabulary: int, smoothing: float, piece: int
) -> None:
    states, weight, bias, targets = make_inputs(rows, 3, vocabulary)
    parts = states, weight, bias
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(projection, "_CHUNK", piece)
        ours = cross_entropy(*parts, targets, smoothing)
        result = grads_of(ours * 2.5, parts)
    theirs = F.cross_entropy(F.linear(*parts), targets, label_smoothing=smoothing)
    torch.testing.assert_close(ours, theirs)
    for one, other in zip(result, grads_of(theirs * 2.5, parts), strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)


def test_loss_without_gradient_equals_loss_with_gradient() -> None:
    states, weight, bias, targets = make_inputs(7, 4, 11)
    learning = cross_entropy(states, weight, bias, targets, 0.2)
    with torch.no_grad():
        torch.testing.assert_close(cross_entropy(states, weight, bias, targets, 0.2), learning)


def test_repeated_backward_gives_same_gradients() -> None:
    states, weight, bias, targets = make_inputs(7, 4, 11)
    loss = cross_entropy(states, weight, bias, targets)
    once, twice = (torch.autograd.grad(loss, weight, retain_graph=True)[0] for _ in range(2))
    assert torch.equal(once, twice)


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=[pytest.mark.gpu, no_gpu])])
def test_bfloat16_loss_is_close_and_gradients_are_float32(device: str) -> None:
    states, weight, bias, targets = (
        part.detach().to(device).requires_grad_(part.requires_grad)
        for part in make_inputs(64, 16, 50)
    )
    exact = cross_entropy(states, weight, bias, targets, 0.1)
    with torch.autocast(device, torch.bfloat16):
        rough = cross_entropy(states, weight, bias, targets, 0.1)
    assert rough.dtype == torch.float32
    torch.testing.assert_close(rough, exact, atol=0.05, rtol=0.02)
    for one, other in zip(
        grads_of(rough, (states, weight, bias)), grads_of(exact, (states, weight, bias)),
        strict=True,
    ):  # fmt: skip
        assert one.dtype == torch.float32
        assert (one - other).norm() <= 0.03 * other.norm()


def test_certain_and_impossible_tokens_have_finite_loss() -> None:
    states, weight = torch.tensor([[1.0]]), torch.tensor([[1000.0], [-1000.0]])
    bias = torch.zeros(2)
    assert float(cross_entropy(states, weight, bias, torch.tensor([0]))) == 0.0
    assert float(cross_entropy(states, weight, bias, torch.tensor([1]))) == 2000.0


def test_logits_equal_linear_layer() -> None:
    states, weight, bias, targets = make_inputs(5, 4, 6)
    projected = Projected(states, weight, bias)
    torch.testing.assert_close(projected.logits(), states @ weight.T + bias)
    torch.testing.assert_close(
        projected.loss(targets), F.cross_entropy(states @ weight.T + bias, targets)
    )
