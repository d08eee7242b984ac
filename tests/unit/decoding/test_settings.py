"""Refusals of decoding settings, in one line each."""

from typing import Any

import pytest

from munjang.decoding.settings import DecodingSettings
from munjang.errors import ConfigError


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"nbest": 6}, r"nbest \(6\) should be at most beam \(5\): a beam gives no more"),
        ({"beam": 1, "nbest": 2}, r"nbest \(2\) should be at most beam \(1\)"),
        ({"method": "greedy", "nbest": 2}, r"nbest \(2\) should be 1 where method is greedy"),
        ({"min_length": 9, "max_length": 8}, r"min_length \(9\) should be at most max_length \(8"),
        ({"method": "sample", "temperature": 0}, "temperature: input should be greater than 0"),
        ({"method": "sample", "top_p": 1.1}, "top_p: input should be less than or equal to 1"),
        ({"temperature": 0.7}, r"temperature \(0.7\) is for method sample, and method is beam"),
        ({"method": "greedy", "top_k": 3}, r"top_k \(3\) is for method sample, and method is gree"),
        ({"length_penalty": -0.1}, "length_penalty: input should be greater than or equal to 0"),
        ({"max_length_ratio": float("inf")}, "max_length_ratio: input should be a finite number"),
        ({"extra_steps": 0}, "extra_steps: input should be greater than or equal to 1"),
        ({"method": "beams"}, "method: input should be 'beam', 'greedy' or 'sample'"),
        ({"lenght_penalty": 1}, "did you mean 'length_penalty'"),
    ],
)
def test_invalid_settings_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as error:
        DecodingSettings.parse(values, where="decoding")
    assert str(error.value).startswith("decoding: ")
    assert "\n" not in str(error.value)


def test_nbest_of_sampling_may_exceed_beam() -> None:
    assert DecodingSettings(method="sample", nbest=20, top_p=0.9).nbest == 20


def test_yaml_round_trip() -> None:
    options = DecodingSettings(method="sample", temperature=0.5)
    assert DecodingSettings.parse(options.model_dump()) == options
