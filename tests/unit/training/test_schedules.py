"""The step size over a run: rises over the warm-up, then falls as asked."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from munjang.training.schedules import step_size_factor

SCHEDULES = ["cosine", "linear", "constant"]


@given(
    total=st.integers(1, 400),
    warmup=st.floats(0, 0.99),
    schedule=st.sampled_from(SCHEDULES),
)
def test_it_rises_then_falls_and_stays_in_bounds(total: int, warmup: float, schedule: str) -> None:
    factors = [
        step_size_factor(step, total, warmup=warmup, schedule=schedule) for step in range(total)
    ]
    assert all(0 < factor <= 1 for factor in factors)
    top = factors.index(max(factors))
    assert factors[: top + 1] == sorted(factors[: top + 1])
    assert factors[top:] == sorted(factors[top:], reverse=True)
    if warmup == 0:
        assert factors[0] == 1.0


def test_the_warm_up_is_a_line() -> None:
    factors = [step_size_factor(s, 100, warmup=0.1, schedule="constant") for s in range(12)]
    assert factors[:10] == pytest.approx([0.1 * n for n in range(1, 11)])
    assert factors[10:] == [1.0, 1.0]


@pytest.mark.parametrize("warmup", [0.0, 0.2])
def test_what_follows_falls_to_nearly_nothing(warmup: float) -> None:
    start = round(100 * warmup)
    rest = 100 - start
    for step in range(start, 100):
        share = (step - start) / rest
        linear = step_size_factor(step, 100, warmup=warmup, schedule="linear")
        cosine = step_size_factor(step, 100, warmup=warmup, schedule="cosine")
        assert linear == pytest.approx(1 - share)
        assert cosine == pytest.approx((1 + math.cos(math.pi * share)) / 2)
        assert step_size_factor(step, 100, warmup=warmup, schedule="constant") == 1.0


def test_steps_behind_the_end_do_not_go_below_zero() -> None:
    assert step_size_factor(500, 100, warmup=0.1, schedule="linear") == 0.0
    assert step_size_factor(500, 100, warmup=0.1, schedule="cosine") == pytest.approx(0.0)
