"""Defaults of trainings that begin from a folder, beside those from scratch."""

from typing import Any

import pytest

from munjang.config import merge
from munjang.recipe import Recipe, make_recipe
from tests.architectures import ARCHITECTURES
from tests.tables import texts_of_script

FROM = {"pretrained": {"folder": "somewhere"}}


def recipe_of(name: str, rows: int = 5000, **given: Any) -> Recipe:
    named = merge({"model": {"name": name}}, given)
    return make_recipe(named, texts_of_script("korean", rows))


@pytest.mark.parametrize("model", ARCHITECTURES)
def test_the_embedding_learns_more_slowly_and_begins_slowly(model: str) -> None:
    def embedding_rate(training: Any) -> float:
        layers = {"mean": 0, "cnn": 1}.get(model, getattr(recipe_of(model).model, "layers", 0))
        rate: float = training.embedding_learning_rate or training.learning_rate
        return rate * float(training.layer_decay) ** layers

    scratch, begun = recipe_of(model).training, recipe_of(model, **FROM).training
    assert embedding_rate(begun) < embedding_rate(scratch)
    assert begun.learning_rate <= scratch.learning_rate
    assert (begun.warmup, begun.schedule) == (0.1, "linear")


def test_a_bag_learns_at_the_rate_of_tables_and_the_embedding_at_a_tenth() -> None:
    for layers in (1, 3):
        given = merge(FROM, {"model": {"layers": layers}})
        training = recipe_of("lstm", **given).training
        assert training.embedding_learning_rate == 0.1
        assert training.layer_decay**layers == pytest.approx(0.1)


@pytest.mark.parametrize(("rows", "epochs"), [(50, 8), (5000, 6), (10_000, 3), (150_000, 3)])
def test_few_rows_have_more_epochs(rows: int, epochs: int) -> None:
    assert recipe_of("bert", rows, **FROM).training.epochs == epochs


@pytest.mark.parametrize(
    ("dim", "rate"), [(128, 3e-4), (256, 3e-4), (384, 1e-4), (512, 1e-4), (768, 5e-5)]
)
def test_wide_attention_has_a_lower_rate(dim: int, rate: float) -> None:
    given = merge(FROM, {"model": {"dim": dim}})
    assert recipe_of("bert", **given).training.learning_rate == rate


def test_what_a_user_sets_stays() -> None:
    given = {"training": {"learning_rate": 0.5, "batch_tokens": 99}, "model": {"dropout": 0.3}}
    recipe = recipe_of("bert", **merge(FROM, given))
    training = recipe.training
    assert (training.learning_rate, training.batch_tokens, training.batch_size) == (0.5, 99, None)
    assert recipe.model.dropout == 0.3


def test_pretraining_that_goes_on_has_the_defaults_of_pretraining() -> None:
    more = {"task": "masked_lm", "input": "text"}
    assert recipe_of("bert", **merge(FROM, more)).training == recipe_of("bert", **more).training


@pytest.mark.parametrize(
    ("size", "other"), [({"batch_size": 8}, "batch_tokens"), ({"batch_tokens": 9}, "batch_size")]
)
@pytest.mark.parametrize("model", ARCHITECTURES)
def test_a_batch_size_in_one_unit_replaces_a_default_in_the_other(
    model: str, size: dict[str, int], other: str
) -> None:
    training = recipe_of(model, training=size).training
    assert getattr(training, other) is None
