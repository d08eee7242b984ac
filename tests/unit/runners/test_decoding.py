"""Sampling in runners draws what munjang draws."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from munjang.decoding.sampling import draw, uniform
from munjang.decoding.settings import DecodingSettings
from munjang.runners.onnx.decoding import draw_number, draw_token, extend, log_softmax

numbers = st.integers(0, 2**53)


@given(seed=numbers, row=st.integers(0, 10**6), step=st.integers(0, 10**5), sample=numbers)
def test_random_numbers_are_those_of_munjang(seed: int, row: int, step: int, sample: int) -> None:
    sample %= 7
    expected = uniform(seed, np.array([row]), step, 7)[0, sample]
    assert draw_number(seed, row, step, sample) == expected


@given(
    logits=st.lists(st.integers(-6, 6), min_size=2, max_size=90),
    drawn=st.floats(0, 1, exclude_max=True),
    temperature=st.sampled_from([0.5, 1.0, 1.7]),
    top_k=st.sampled_from([None, 1, 3, 1000]),
    top_p=st.sampled_from([1.0, 0.9, 0.4, 1e-6]),
)
def test_tokens_are_those_of_munjang(
    logits: list[int], drawn: float, temperature: float, top_k: int | None, top_p: float
) -> None:
    values = log_softmax(np.array(logits, dtype=np.float32))
    options: dict[str, Any] = {"temperature": temperature, "top_k": top_k, "top_p": top_p}
    settings = DecodingSettings(method="sample", **options)
    expected = draw(
        torch.from_numpy(values)[None, None], torch.tensor([[drawn]], dtype=torch.float64), settings
    )
    found = draw_token(values, options, drawn)
    if found != int(expected):  # the number lies on the border of two tokens
        moved = [draw_token(values, options, drawn + d) for d in (-1e-6, 1e-6)]
        assert int(expected) in moved


@pytest.mark.parametrize("temperature", [5e-324, 1e-173, 1e-30])
def test_lowest_temperatures_take_the_likeliest_token(temperature: float) -> None:
    values = log_softmax(np.array([1, 3, 2], dtype=np.float32))
    options: dict[str, Any] = {"temperature": temperature, "top_k": None, "top_p": 1.0}
    assert {draw_token(values, options, drawn) for drawn in (0.0, 0.5, 0.999)} == {1}


def test_an_answer_ends_with_eos_or_at_the_limit() -> None:
    decoding = {
        "method": "greedy",
        "no_repeat_ngram_size": 0,
        "min_length": 0,
        "allow_unknown": False,
    }

    def read(last: int) -> Any:
        return np.eye(8, dtype=np.float32)[{2: 5, 5: 6, 6: 3}[last]]  # GO, 5, 6, EOS

    assert [token for token, _ in extend(read, 9, decoding)] == [5, 6, 3]
    assert [token for token, _ in extend(read, 2, decoding)] == [5, 6]
    later = [token for token, _ in extend(lambda last: read(5), 3, {**decoding, "min_length": 9})]
    assert later == [6, 6, 6]
    assert sum(value for _, value in extend(read, 9, decoding)) == pytest.approx(
        3 * float(log_softmax(np.eye(8, dtype=np.float32)[5])[5])
    )
