"""Every row of the registry fits the others' expectations; losses fit their task."""

from typing import get_args

import pytest
from munjang.image_recipe import ImageRecipe, make_image_recipe
from munjang.media import MEDIA
from munjang.tasks.registry import TASKS, TaskName, TextTask

from munjang.defaults import make_recipe
from munjang.errors import ConfigError
from munjang.recipe import Recipe
from munjang.tasks.metric_table import METRICS


def test_names_sections_and_figures_agree() -> None:
    assert tuple(TASKS) == get_args(TaskName)
    assert {name for name, row in TASKS.items() if row.reads == "texts"} == set(get_args(TextTask))
    assert {row.reads for row in TASKS.values()} == set(MEDIA)
    for name in get_args(TextTask):
        row = TASKS[name]
        assert Recipe.model_fields[name].annotation is row.settings
        assert all(METRICS[metric].can_select for metric in row.metrics)
        recipe = make_recipe("cnn", "other", 0, {"task": name})
        assert recipe.training.metric == row.metrics[0]
        assert recipe.task_settings == row.settings()
        assert set(recipe.to_dict()) & set(TASKS) == {name}
        assert Recipe.parse(recipe.to_dict()) == recipe


def test_the_recipe_of_images_agrees_with_the_registry() -> None:
    row = TASKS["images"]
    assert ImageRecipe.model_fields["images"].annotation is row.settings
    assert all(METRICS[metric].can_select for metric in row.metrics)
    recipe = make_image_recipe("image_cnn", 0, {"images": {"size": "7x9", "mode": "gray"}})
    assert recipe.training.metric == row.metrics[0]
    assert recipe.shape == (1, 7, 9)
    assert ImageRecipe.parse(recipe.to_dict()) == recipe


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            {"classify": {"loss": "mse"}},
            "classify.loss: mean_squared_error does not fit the task classify, which takes auto, "
            "binary_crossentropy, categorical_crossentropy, sparse_categorical_crossentropy, focal",
        ),
        (
            {"task": "regress", "regress": {"loss": "focal"}},
            "regress.loss: focal does not fit the task regress, which takes mean_squared_error, "
            "mean_absolute_error, huber, log_cosh, poisson",
        ),
        ({"task": "regress", "regress": {"loss": "hubr"}}, "did you mean 'huber'?"),
        ({"task": "regress", "regress": {"loss": 3}}, "regress.loss: input should be"),
        (
            {"task": "regress", "classify": {"loss": "focal"}},
            "classify: the task is regress, whose settings are regress.loss",
        ),
        ({"regress": {"loss": "mse"}}, "regress: the task is classify"),
        (
            {"task": "regress", "training": {"metric": "accuracy"}},
            "training.metric: for regress it should be 'mae', 'rmse', 'spearman' or 'r2', got",
        ),
    ],
)
def test_a_wrong_pairing_hears_the_right_names(given: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make_recipe("cnn", "other", 0, given)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_short_names_of_losses_are_those_of_keras() -> None:
    recipe = make_recipe("cnn", "other", 0, {"task": "regress", "regress": {"loss": "mae"}})
    assert recipe.regress.loss == "mean_absolute_error"
