"""A linear model beside the network, from the setting to the answer."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from munjang.api import Trained, evaluate, load, train
from munjang.errors import ConfigError
from munjang.layers.tfidf_linear import TfidfLinear
from tests.synthetic import QUICK, make_corpus, train_until

pytestmark = pytest.mark.usefixtures("one_thread")

TEXTS = ["the film was great", "awful", "", "never seen before", "okay okay okay"]
WEIGHT = 0.25


def train_arguments(share: float, model: str = "cnn", **more: Any) -> dict[str, Any]:
    overrides = [*QUICK, f"model.linear_weight={share}", *more.pop("overrides", [])]
    return {"data": make_corpus(), "model": model, "overrides": overrides, **more}


def train_with_linear(share: float, model: str = "cnn", **more: Any) -> Trained:
    return train(**train_arguments(share, model, **more))


def test_logits_are_weighted_mean_of_network_and_linear() -> None:
    model = train_with_linear(WEIGHT).model
    both, beside = model.logits(TEXTS), model.network
    linear = beside.linear
    network = replace(model, network=beside.network).logits(TEXTS)
    assert isinstance(linear, TfidfLinear)
    alone = {}
    for text, mixed, own in zip(TEXTS, both, network, strict=True):
        alone[text] = (mixed - (1 - WEIGHT) * own) / WEIGHT
    labels = model.labels
    assert labels[int(alone["the film was great"].argmax())] == "good"
    assert labels[int(alone["awful"].argmax())] == "bad"
    torch.testing.assert_close(alone[""], linear.bias, rtol=0, atol=0.5)  # GO and EOS alone
    assert not torch.allclose(both, network)


def test_network_is_trained_as_without_linear_model() -> None:
    """Which step is best may differ; the losses of the steps do not."""
    losses = []
    for share in (0.0, WEIGHT):
        steps: list[float] = []
        train_with_linear(share, on_step=lambda step, steps=steps: steps.append(step.loss))
        losses.append(steps)
    assert losses[0] == losses[1]


def test_saved_and_loaded_model_gives_same_logits(tmp_path: Path) -> None:
    made = train_with_linear(WEIGHT, out=tmp_path / "m")
    loaded = load(tmp_path / "m")
    assert torch.equal(made.model.logits(TEXTS), loaded.logits(TEXTS))
    assert not loaded.network.linear.weight.requires_grad
    plain = train_with_linear(0.0).metrics["training"]["parameters"]
    more = made.metrics["training"]["parameters"] - plain
    assert more == sum(p.numel() for p in loaded.network.linear.parameters()) > 0


def test_resumed_training_gives_same_logits(tmp_path: Path) -> None:
    arguments = train_arguments(
        WEIGHT, overrides=["training.checkpoint_steps=10"], out=tmp_path / "m"
    )
    train_until(step=20, **arguments)
    rest = train(**arguments, resume=True)
    assert torch.equal(train_with_linear(WEIGHT).model.logits(TEXTS), rest.model.logits(TEXTS))


@pytest.mark.parametrize("model", ["mean", "gru", "transformer"])
def test_every_encoder_supports_linear_weight(model: str) -> None:
    made = train_with_linear(WEIGHT, model)
    assert evaluate(made.model, make_corpus(30, seed=5)).metrics["accuracy"] > 0.8


def test_multilabel_supports_linear_weight() -> None:
    texts, labels = make_corpus()
    made = train_with_linear(WEIGHT, data=(texts, [[label] for label in labels]), task="multilabel")
    result = made.model.predict(["a great film", "an awful film"])
    assert [answer.labels for answer in result] == [("good",), ("bad",)]
    assert np.isfinite(made.model.predict_proba(TEXTS)).all()


def test_regress_refuses_linear_weight() -> None:
    texts, labels = make_corpus()
    numbers = [float(len(label)) for label in labels]
    with pytest.raises(ConfigError, match=r"linear_weight: .* task is regress; set it to 0"):
        train_with_linear(WEIGHT, data=(texts, numbers), task="regress")
