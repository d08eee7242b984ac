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
from tests.made import QUICK, break_off, made_corpus

pytestmark = pytest.mark.usefixtures("one_thread")

TEXTS = ["the film was great", "awful", "", "never seen before", "okay okay okay"]
SHARE = 0.25


def asked_for(share: float, model: str = "cnn", **more: Any) -> dict[str, Any]:
    overrides = [*QUICK, f"model.linear_weight={share}", *more.pop("overrides", [])]
    return {"data": made_corpus(), "model": model, "overrides": overrides, **more}


def trained(share: float, model: str = "cnn", **more: Any) -> Trained:
    return train(**asked_for(share, model, **more))


def test_the_answer_is_the_weighted_mean_of_both() -> None:
    model = trained(SHARE).model
    both, beside = model.logits(TEXTS), model.network
    linear = beside.linear
    network = replace(model, network=beside.network).logits(TEXTS)
    assert isinstance(linear, TfidfLinear)
    alone = {}
    for text, mixed, own in zip(TEXTS, both, network, strict=True):
        alone[text] = (mixed - (1 - SHARE) * own) / SHARE
    labels = model.labels
    assert labels[int(alone["the film was great"].argmax())] == "good"
    assert labels[int(alone["awful"].argmax())] == "bad"
    torch.testing.assert_close(alone[""], linear.bias, rtol=0, atol=0.5)  # GO and EOS alone
    assert not torch.allclose(both, network)


def test_the_network_learns_as_it_does_alone() -> None:
    """Which step is best may differ; the losses of the steps do not."""
    losses = []
    for share in (0.0, SHARE):
        steps: list[float] = []
        trained(share, on_step=lambda step, steps=steps: steps.append(step.loss))
        losses.append(steps)
    assert losses[0] == losses[1]


def test_saved_and_loaded_it_answers_the_same(tmp_path: Path) -> None:
    made = trained(SHARE, out=tmp_path / "m")
    loaded = load(tmp_path / "m")
    assert torch.equal(made.model.logits(TEXTS), loaded.logits(TEXTS))
    assert not loaded.network.linear.weight.requires_grad
    plain = trained(0.0).metrics["training"]["parameters"]
    more = made.metrics["training"]["parameters"] - plain
    assert more == sum(p.numel() for p in loaded.network.linear.parameters()) > 0


def test_resumed_it_ends_where_one_sitting_does(tmp_path: Path) -> None:
    asked = asked_for(SHARE, overrides=["training.checkpoint_steps=10"], out=tmp_path / "m")
    break_off(behind=20, **asked)
    rest = train(**asked, resume=True)
    assert torch.equal(trained(SHARE).model.logits(TEXTS), rest.model.logits(TEXTS))


@pytest.mark.parametrize("model", ["mean", "gru", "transformer"])
def test_every_encoder_may_have_one(model: str) -> None:
    made = trained(SHARE, model)
    assert evaluate(made.model, made_corpus(30, seed=5)).metrics["accuracy"] > 0.8


def test_sets_of_labels_too() -> None:
    texts, labels = made_corpus()
    made = trained(SHARE, data=(texts, [[label] for label in labels]), task="multilabel")
    found = made.model.predict(["a great film", "an awful film"])
    assert [answer.labels for answer in found] == [("good",), ("bad",)]
    assert np.isfinite(made.model.predict_proba(TEXTS)).all()


def test_numbers_are_refused_with_what_to_do() -> None:
    texts, labels = made_corpus()
    numbers = [float(len(label)) for label in labels]
    with pytest.raises(ConfigError, match=r"linear_weight: .* task is regress; set it to 0"):
        trained(SHARE, data=(texts, numbers), task="regress")
