"""The step size over a run: rises over the warm-up, then falls as asked."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from munjang.training.schedules import learning_rate_factor

SCHEDULES = ["cosine", "linear", "constant"]


@given(
    total=st.integers(1, 400),
    warmup=st.floats(0, 0.99),
    schedule=st.sampled_from(SCHEDULES),
)
def test_factor_rises_then_falls_within_bounds(total: int, warmup: float, schedule: str) -> None:
    factors = [
        learning_rate_factor(step, total, warmup=warmup, schedule=schedule) for step in range(total)
    ]
    assert all(0 < factor <= 1 for factor in factors)
    top = factors.index(max(factors))
    assert factors[: top + 1] == sorted(factors[: top + 1])
    assert factors[top:] == sorted(factors[top:], reverse=True)
    if warmup == 0:
        assert factors[0] == 1.0


def test_warmup_is_linear() -> None:
    factors = [learning_rate_factor(s, 100, warmup=0.1, schedule="constant") for s in range(12)]
    assert factors[:10] == pytest.approx([0.1 * n for n in range(1, 11)])
    assert factors[10:] == [1.0, 1.0]


@pytest.mark.parametrize("warmup", [0.0, 0.2])
def test_decay_after_warmup_reaches_almost_zero(warmup: float) -> None:
    start = round(100 * warmup)
    rest = 100 - start
    for step in range(start, 100):
        share = (step - start) / rest
        linear = learning_rate_factor(step, 100, warmup=warmup, schedule="linear")
        cosine = learning_rate_factor(step, 100, warmup=warmup, schedule="cosine")
        assert linear == pytest.approx(1 - share)
        assert cosine == pytest.approx((1 + math.cos(math.pi * share)) / 2)
        assert learning_rate_factor(step, 100, warmup=warmup, schedule="constant") == 1.0


def test_steps_after_the_end_are_not_negative() -> None:
    assert learning_rate_factor(500, 100, warmup=0.1, schedule="linear") == 0.0
    assert learning_rate_factor(500, 100, warmup=0.1, schedule="cosine") == pytest.approx(0.0)


def test_inverse_square_root_follows_formula() -> None:
    """min(step^-0.5, step warmup^-1.5) of Vaswani et al. (2017), its highest point made 1."""
    total, rising = 100, 20
    for step in range(1, total + 1):
        paper = min(step**-0.5, step * rising**-1.5) * rising**0.5
        result = learning_rate_factor(step - 1, total, warmup=0.2, schedule="inverse_sqrt")
        assert result == pytest.approx(paper)
