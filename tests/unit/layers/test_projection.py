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


def made(rows: int, dim: int, words: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    torch.manual_seed(rows + dim + words)
    parts = torch.randn(rows, dim), torch.randn(words, dim), torch.randn(words)
    targets = torch.randint(0, words, (rows,))
    return *(part.requires_grad_() for part in parts), targets


def gradients(loss: Tensor, parts: tuple[Tensor, ...]) -> list[Tensor]:
    return list(torch.autograd.grad(loss, parts))


@given(
    rows=st.integers(1, 20),
    words=st.integers(2, 30),
    smoothing=st.sampled_from([0.0, 0.1, 0.9]),
    piece=st.integers(1, 200),
)
def test_pieces_of_any_size_give_pytorchs_loss_and_gradients(
    rows: int, words: int, smoothing: float, piece: int
) -> None:
    states, weight, bias, targets = made(rows, 3, words)
    parts = states, weight, bias
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(projection, "_CHUNK", piece)
        ours = cross_entropy(*parts, targets, smoothing)
        found = gradients(ours * 2.5, parts)
    theirs = F.cross_entropy(F.linear(*parts), targets, label_smoothing=smoothing)
    torch.testing.assert_close(ours, theirs)
    for one, other in zip(found, gradients(theirs * 2.5, parts), strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)


def test_without_gradients_it_is_the_same_number() -> None:
    states, weight, bias, targets = made(7, 4, 11)
    learning = cross_entropy(states, weight, bias, targets, 0.2)
    with torch.no_grad():
        torch.testing.assert_close(cross_entropy(states, weight, bias, targets, 0.2), learning)


def test_two_backward_passes_give_the_same() -> None:
    states, weight, bias, targets = made(7, 4, 11)
    loss = cross_entropy(states, weight, bias, targets)
    once, twice = (torch.autograd.grad(loss, weight, retain_graph=True)[0] for _ in range(2))
    assert torch.equal(once, twice)


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=[pytest.mark.gpu, no_gpu])])
def test_in_bfloat16_it_is_near_and_gradients_stay_float32(device: str) -> None:
    states, weight, bias, targets = (
        part.detach().to(device).requires_grad_(part.requires_grad) for part in made(64, 16, 50)
    )
    exact = cross_entropy(states, weight, bias, targets, 0.1)
    with torch.autocast(device, torch.bfloat16):
        rough = cross_entropy(states, weight, bias, targets, 0.1)
    assert rough.dtype == torch.float32
    torch.testing.assert_close(rough, exact, atol=0.05, rtol=0.02)
    for one, other in zip(
        gradients(rough, (states, weight, bias)), gradients(exact, (states, weight, bias)),
        strict=True,
    ):  # fmt: skip
        assert one.dtype == torch.float32
        assert (one - other).norm() <= 0.03 * other.norm()


def test_a_word_that_is_certain_costs_nothing_and_an_impossible_one_stays_finite() -> None:
    states, weight = torch.tensor([[1.0]]), torch.tensor([[1000.0], [-1000.0]])
    bias = torch.zeros(2)
    assert float(cross_entropy(states, weight, bias, torch.tensor([0]))) == 0.0
    assert float(cross_entropy(states, weight, bias, torch.tensor([1]))) == 2000.0


def test_logits_are_those_of_a_linear_layer() -> None:
    states, weight, bias, targets = made(5, 4, 6)
    projected = Projected(states, weight, bias)
    torch.testing.assert_close(projected.logits(), states @ weight.T + bias)
    torch.testing.assert_close(
        projected.loss(targets), F.cross_entropy(states @ weight.T + bias, targets)
    )
