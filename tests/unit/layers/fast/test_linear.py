"""Linear layers by oneDNN against PyTorch's own, in values and gradients."""

import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from munjang.layers.fast import linear as module
from munjang.layers.fast.linear import Linear, linear

SHAPES = [(1, 3, 4), (5, 64, 32), (700, 48, 33), (2048, 16, 64)]


@pytest.fixture(params=[True, False], ids=["oneDNN", "MKL"])
def each_kernel(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Multiply by oneDNN wherever it can be called, or never."""
    if request.param:
        try:
            module._multiply(torch.ones(1, 2), torch.ones(1, 2), None)
        except (AttributeError, RuntimeError):
            pytest.skip("this build of PyTorch has no such operator")
    monkeypatch.setattr(module, "prefers_onednn", lambda: request.param)
    monkeypatch.setattr(module, "_LEAST", 0)


@pytest.mark.usefixtures("each_kernel")
@pytest.mark.parametrize(("rows", "inputs", "outputs"), SHAPES)
@pytest.mark.parametrize("bias", [True, False])
def test_values_and_gradients_equal_pytorch(
    rows: int, inputs: int, outputs: int, bias: bool
) -> None:
    torch.manual_seed(0)
    ours = Linear(inputs, outputs, bias=bias).double().float()
    theirs = nn.Linear(inputs, outputs, bias=bias).double()
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(rows, inputs, requires_grad=True)
    wide = x.detach().double().requires_grad_()
    output_weights = torch.randn(rows, outputs)
    actual, expected = ours(x), theirs(wide)
    (actual * output_weights).sum().backward()
    (expected * output_weights.double()).sum().backward()
    close = {"atol": 1e-3, "rtol": 1e-4, "check_dtype": False}
    torch.testing.assert_close(actual, expected, **close)
    torch.testing.assert_close(x.grad, wide.grad, **close)
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, **close)


@pytest.mark.usefixtures("each_kernel")
def test_leading_dimensions_and_strides() -> None:
    torch.manual_seed(0)
    x = torch.randn(4, 7, 6, 5).transpose(1, 2)
    weight = torch.randn(5, 3).t()
    expected = torch.nn.functional.linear(x, weight)
    torch.testing.assert_close(linear(x, weight), expected, atol=1e-5, rtol=1e-4)
    with torch.inference_mode():
        torch.testing.assert_close(linear(x, weight), expected, atol=1e-5, rtol=1e-4)


@pytest.mark.usefixtures("each_kernel")
def test_frozen_weight_gets_no_gradient() -> None:
    layer = Linear(8, 8)
    layer.weight.requires_grad_(False)
    x = torch.randn(3, 8)
    layer(x).sum().backward()
    assert layer.weight.grad is None
    assert layer.bias.grad is not None
    assert x.grad is None


@pytest.mark.usefixtures("each_kernel")
def test_other_dtypes_autocast_and_hooks_use_pytorch() -> None:
    layer, x = Linear(8, 8), torch.randn(3, 8)
    assert layer.double()(x.double()).dtype == torch.float64
    layer = layer.float()
    with torch.autocast("cpu", torch.bfloat16):
        assert layer(x).dtype == torch.bfloat16
    with FlopCounterMode(display=False) as counter:
        layer(x)
    assert counter.get_total_flops() == 2 * 3 * 8 * 8


@given(st.integers(1, 10**6))
def test_rows_are_filled_up_to_one_of_few_sizes(rows: int) -> None:
    filled = module.round_up_rows(rows)
    assert rows <= filled <= rows * 17 / 16
    assert module.round_up_rows(filled) == filled
    octave = range(filled // 2 + 1, filled + 1) if filled < 10**4 else ()
    assert len({module.round_up_rows(size) for size in octave}) <= 17


@pytest.mark.parametrize("autocast", [False, True])
def test_number_of_multiplied_shapes_is_bounded(
    autocast: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every size of a batch is one more kernel that oneDNN keeps."""
    shapes = set()

    def multiply(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        shapes.add((tuple(x.shape), tuple(weight.shape)))
        return pytorch_linear(x, weight, bias)

    pytorch_linear = torch.nn.functional.linear
    monkeypatch.setattr(module, "prefers_onednn", lambda: True)
    monkeypatch.setattr(module, "_LEAST", 0)
    monkeypatch.setattr(module, "_multiply", multiply)
    monkeypatch.setattr(module.F, "linear", multiply)
    layer = Linear(4, 3)
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        for rows in range(512, 1024):
            x = torch.ones(rows, 4, requires_grad=True)
            layer(x).sum().backward()
            assert x.grad is not None
            assert x.grad.shape == x.shape
    assert len(shapes) <= 17 * 3


def test_initial_weights_equal_pytorch() -> None:
    torch.manual_seed(3)
    ours = Linear(5, 7)
    torch.manual_seed(3)
    assert torch.equal(ours.weight, nn.Linear(5, 7).weight)


@pytest.mark.usefixtures("each_kernel")
def test_forward_row_follows_changed_weights() -> None:
    torch.manual_seed(0)
    layer, row = Linear(16, 24), torch.randn(5, 16)
    with torch.inference_mode():
        torch.testing.assert_close(layer.forward_row(row), layer(row), atol=1e-5, rtol=1e-4)
    with torch.no_grad():
        layer.weight.mul_(2)
    with torch.inference_mode():
        torch.testing.assert_close(layer.forward_row(row), layer(row), atol=1e-5, rtol=1e-4)
    copied = copy.deepcopy(layer)
    with torch.inference_mode():
        torch.testing.assert_close(copied.forward_row(row), layer(row), atol=1e-5, rtol=1e-4)
    assert set(layer.state_dict()) == {"weight", "bias"}
