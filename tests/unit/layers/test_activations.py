"""Activations have Keras' values for Keras' names."""

from typing import get_args

import numpy as np
import pytest
import torch
from keras import activations as keras_activations

from munjang.errors import ConfigError
from munjang.layers.activations import Activation, get_activation

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("name", get_args(Activation))
def test_values_equal_keras(name: str) -> None:
    random = np.random.default_rng(1)
    x = torch.from_numpy((random.standard_normal((7, 11)) * 4).astype(np.float32))
    x[0, :4] = torch.tensor([0.0, -0.0, 20.0, -20.0])
    if name == "gelu_tanh":
        theirs = keras_activations.gelu(x, approximate=True)
    else:
        theirs = keras_activations.get(name)(x)
    torch.testing.assert_close(get_activation(name)(x), theirs.detach(), rtol=1e-5, atol=1e-6)


def test_softmax_is_over_last_dimension() -> None:
    x = torch.randn(2, 3, 5)
    torch.testing.assert_close(get_activation("softmax")(x).sum(-1), torch.ones(2, 3))


def test_unknown_name_suggests_nearest() -> None:
    with pytest.raises(ConfigError, match="unknown activation 'rleu'; did you mean 'relu'"):
        get_activation("rleu")
