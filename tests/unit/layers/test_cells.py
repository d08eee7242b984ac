"""Gates of the written-out steps, each driven to 0 and to 1."""

import pytest
import torch
from torch import Tensor

from munjang.layers.cells import Weights, gru_gates, gru_step, lstm_step, rnn_step

pytestmark = pytest.mark.usefixtures("one_thread")

DIM, HIDDEN, BATCH = 3, 2, 4
CLOSED, OPEN = -100.0, 100.0


def make_inputs(gates: int, **biases: float) -> tuple[Tensor, Tensor, Weights]:
    """An x, an h, and weights; a gate `g1=OPEN` is held open whatever it reads."""
    torch.manual_seed(0)
    rows = gates * HIDDEN
    weights = Weights(
        torch.randn(rows, DIM), torch.randn(rows, HIDDEN), torch.randn(rows), torch.randn(rows)
    )
    for gate, bias in biases.items():
        start = int(gate[1:]) * HIDDEN
        weights.b[start : start + HIDDEN] += bias
    return torch.randn(BATCH, DIM), torch.rand(BATCH, HIDDEN) - 0.5, weights


def test_rnn_step_equals_formula() -> None:
    x, h, (w, u, b, d) = make_inputs(1)
    after = rnn_step(x, h, Weights(w, u, b, d))
    by_hand = [
        [sum(w[i] * x[n]) + sum(u[i] * h[n]) + b[i] + d[i] for i in range(2)] for n in (0, 3)
    ]
    torch.testing.assert_close(after[[0, 3]], torch.tensor(by_hand).tanh())


def test_lstm_with_closed_input_and_open_forget_gate_keeps_cell_state() -> None:
    x, h, weights = make_inputs(4, g0=CLOSED, g1=OPEN, g3=OPEN)
    c = torch.randn(BATCH, HIDDEN)
    hidden, after = lstm_step(x, h, c, weights)
    torch.testing.assert_close(after, c)
    torch.testing.assert_close(hidden, c.tanh())


def test_lstm_with_closed_output_gate_has_zero_hidden_state() -> None:
    x, h, weights = make_inputs(4, g3=CLOSED)
    hidden, after = lstm_step(x, h, torch.ones(BATCH, HIDDEN), weights)
    torch.testing.assert_close(hidden, torch.zeros_like(hidden))
    assert after.abs().min() > 0


def test_gru_with_open_update_gate_keeps_hidden_state() -> None:
    x, h, weights = make_inputs(3, g1=OPEN)
    torch.testing.assert_close(gru_step(x, h, weights), h)


def test_gru_with_closed_reset_gate_ignores_hidden_state() -> None:
    x, h, weights = make_inputs(3, g0=CLOSED, g1=CLOSED)
    torch.testing.assert_close(gru_step(x, h, weights), gru_step(x, -3 * h, weights))


def test_gru_reset_gate_acts_after_the_product() -> None:
    """In the paper it acts before, and then shuts no bias out: U (r ∘ h) + d."""
    x, h, weights = make_inputs(3, g0=CLOSED)
    _, _, candidate = gru_gates(x, h, weights)
    rows = slice(2 * HIDDEN, None)
    without_d = torch.tanh(x @ weights.w[rows].T + weights.b[rows])
    torch.testing.assert_close(candidate, without_d)
