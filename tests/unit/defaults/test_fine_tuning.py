"""Defaults of trainings that begin from a folder, beside those from scratch."""

from typing import Any

import pytest

from munjang.config import merge
from munjang.recipe import Recipe, make_recipe
from tests.architectures import ARCHITECTURES
from tests.tables import make_script_table

FROM_PRETRAINED = {"pretrained": {"folder": "somewhere"}}


def build_recipe(name: str, rows: int = 5000, **settings: Any) -> Recipe:
    named = merge({"model": {"name": name}}, settings)
    return make_recipe(named, make_script_table("korean", rows))


@pytest.mark.parametrize("model", ARCHITECTURES)
def test_embedding_has_lower_learning_rate_than_from_scratch(model: str) -> None:
    def embedding_rate(training: Any) -> float:
        layers = {"mean": 0, "cnn": 1}.get(model, getattr(build_recipe(model).model, "layers", 0))
        rate: float = training.embedding_learning_rate or training.learning_rate
        return rate * float(training.layer_decay) ** layers

    scratch, pretrained = (
        build_recipe(model).training,
        build_recipe(model, **FROM_PRETRAINED).training,
    )
    assert embedding_rate(pretrained) < embedding_rate(scratch)
    assert pretrained.learning_rate <= scratch.learning_rate
    assert (pretrained.warmup, pretrained.schedule) == (0.1, "linear")


def test_lstm_bag_keeps_rate_and_embedding_has_a_tenth() -> None:
    for layers in (1, 3):
        settings = merge(FROM_PRETRAINED, {"model": {"layers": layers}})
        training = build_recipe("lstm", **settings).training
        assert training.embedding_learning_rate == 0.1
        assert training.layer_decay**layers == pytest.approx(0.1)


@pytest.mark.parametrize(("rows", "epochs"), [(50, 8), (5000, 6), (10_000, 3), (150_000, 3)])
def test_small_data_has_more_epochs(rows: int, epochs: int) -> None:
    assert build_recipe("bert", rows, **FROM_PRETRAINED).training.epochs == epochs


@pytest.mark.parametrize(
    ("dim", "rate"), [(128, 3e-4), (256, 3e-4), (384, 1e-4), (512, 1e-4), (768, 5e-5)]
)
def test_wide_bert_has_lower_learning_rate(dim: int, rate: float) -> None:
    settings = merge(FROM_PRETRAINED, {"model": {"dim": dim}})
    assert build_recipe("bert", **settings).training.learning_rate == rate


def test_user_settings_override_defaults() -> None:
    settings = {"training": {"learning_rate": 0.5, "batch_tokens": 99}, "model": {"dropout": 0.3}}
    recipe = build_recipe("bert", **merge(FROM_PRETRAINED, settings))
    training = recipe.training
    assert (training.learning_rate, training.batch_tokens, training.batch_size) == (0.5, 99, None)
    assert recipe.model.dropout == 0.3


def test_continued_pretraining_has_defaults_of_pretraining() -> None:
    more = {"task": "masked_lm", "input": "text"}
    assert (
        build_recipe("bert", **merge(FROM_PRETRAINED, more)).training
        == build_recipe("bert", **more).training
    )


@pytest.mark.parametrize(
    ("size", "other"), [({"batch_size": 8}, "batch_tokens"), ({"batch_tokens": 9}, "batch_size")]
)
@pytest.mark.parametrize("model", ARCHITECTURES)
def test_batch_size_in_one_unit_unsets_the_other(
    model: str, size: dict[str, int], other: str
) -> None:
    training = build_recipe(model, training=size).training
    assert getattr(training, other) is None


def test_first_step_of_mean_is_small_beside_trained_vectors() -> None:
    training = build_recipe("mean", **FROM_PRETRAINED).training
    # Adagrad's first step moves each number by the rate; vectors of 256 have a length of about 1
    assert training.embedding_learning_rate is not None
    assert training.embedding_learning_rate < 0.1 * 256**-0.5
    # the head is random, and has nothing below it that large steps could spoil
    assert training.head_learning_rate is not None
    assert training.head_learning_rate > training.learning_rate


def test_bag_of_many_rows_has_two_epochs() -> None:
    def epochs(rows: int, **settings: Any) -> int:
        return build_recipe("gru", rows, **merge(FROM_PRETRAINED, settings)).training.epochs

    assert epochs(10_000) == 3
    assert epochs(150_000) == 2
    assert epochs(150_000, model={"bag_dim": 0}) == 3
    assert epochs(150_000, training={"epochs": 5}) == 5
