"""Search spaces: the table of each model, fixed settings, and a user's own part."""

from pathlib import Path
from typing import Any

import pytest

from munjang.config import merge
from munjang.errors import ConfigError
from munjang.recipe import Recipe, make_recipe
from munjang.text.script import Script
from munjang.tuning.parameters import Choice, Span
from munjang.tuning.ranges import read_space
from munjang.tuning.space import flat, searched, value_of, with_values
from munjang.tuning.spaces import IMAGE_SPACES, PAIR_SPACES, SPACES
from tests.architectures import ARCHITECTURES, IMAGE_ARCHITECTURES, PAIR_ARCHITECTURES
from tests.tables import make_script_table


def build_recipe(name: str, script: Script = "other", **settings: Any) -> Recipe:
    return make_recipe(merge({"model": {"name": name}}, settings), make_script_table(script, 1000))


def build_pair_recipe(name: str, **settings: Any) -> Recipe:
    return make_recipe(merge({"task": "translate", "model": {"name": name}}, settings))


def build_image_recipe(name: str, **settings: Any) -> Recipe:
    return make_recipe(merge({"input": "image", "model": {"name": name}}, settings))


@pytest.mark.parametrize("script", ["korean", "other"])
@pytest.mark.parametrize("model", ARCHITECTURES)
def test_every_text_model_has_a_valid_space(model: str, script: Script) -> None:
    recipe = build_recipe(model, script)
    assert model in SPACES
    space = searched(recipe, (), {})
    assert space.keys() == SPACES[model].keys()
    for key, part in space.items():
        assert part.holds(value_of(recipe, key)), key
        for value in part.values if isinstance(part, Choice) else part.ends():
            with_values(recipe, {key: value})
    for end in (0, 1):
        with_values(recipe, {key: part.ends()[end] for key, part in space.items()})


@pytest.mark.parametrize("name", [*PAIR_ARCHITECTURES, *IMAGE_ARCHITECTURES])
def test_every_pair_and_image_model_has_a_valid_space(name: str) -> None:
    is_pair = name in PAIR_ARCHITECTURES
    recipe = build_pair_recipe(name) if is_pair else build_image_recipe(name)
    row = (PAIR_SPACES if is_pair else IMAGE_SPACES)[name]
    space = searched(recipe, (), {})
    assert space.keys() == row.keys()
    for key, part in space.items():
        assert part.holds(value_of(recipe, key)), key
        for value in part.values if isinstance(part, Choice) else part.ends():
            assert value_of(with_values(recipe, {key: value}), key) == value


def test_list_settings_are_not_searched() -> None:
    recipe = build_image_recipe("image_cnn", model={"filters": [8, 8], "kernel_size": [3, 5]})
    assert "model.kernel_size" not in searched(recipe, (), {})


def test_pair_batches_in_rows_are_not_searched_in_tokens() -> None:
    recipe = build_pair_recipe("transformer", training={"batch_size": 16})
    assert "training.batch_tokens" not in searched(recipe, (), {})


def test_fixed_settings_are_not_searched() -> None:
    recipe = build_recipe("cnn", model={"dim": 48})
    space = searched(recipe, {"model.dim", "training.epochs"}, {})
    assert not {"model.dim", "training.epochs"} & space.keys()
    assert "model.filters" in space


def test_token_batches_are_not_searched_in_rows() -> None:
    recipe = build_recipe("mean", training={"batch_tokens": 500})
    assert "training.batch_size" not in searched(recipe, (), {})


def test_choices_incompatible_with_fixed_settings_are_dropped() -> None:
    recipe = build_recipe("transformer", model={"dim": 20, "heads": 2})
    heads = searched(recipe, {"model.dim"}, {})["model.heads"]
    assert heads == Choice((1, 2))  # 4 would have 5 numbers each, which cannot be paired
    alone = build_recipe("transformer", model={"dim": 2, "heads": 1})
    assert "model.heads" not in searched(alone, {"model.dim"}, {})


def test_space_includes_default_values() -> None:
    recipe = build_recipe("cnn", model={"filters": 75, "dropout": 0.9}, training={"epochs": 40})
    space = searched(recipe, (), {})
    assert space["model.filters"] == Choice((50, 75, 100, 200))
    assert space["model.dropout"] == Span(0.0, 0.9)
    assert space["training.epochs"] == Span(2, 40, whole=True)


SPACE = """
model.dim: [32, 48]
model:
  dropout: {low: 0, high: 1}
  kernel_sizes: [2, 3]
  pooling: [max, mean]
training.learning_rate: {low: 1e-4, high: 1e-2, log: true}
training.epochs: {low: 1, high: 3}
model.filters: 20
"""


def test_space_file_may_have_lists_ranges_and_constants(tmp_path: Path) -> None:
    path = tmp_path / "space.yaml"
    path.write_text(SPACE)
    parts, fixed = read_space(path, ARCHITECTURES["cnn"])
    assert parts == {
        "model.dim": Choice((32, 48)),
        "model.dropout": Span(0.0, 1.0),
        "model.pooling": Choice(("max", "mean")),
        "training.learning_rate": Span(1e-4, 1e-2, log=True),
        "training.epochs": Span(1, 3, whole=True),
    }
    # the setting is a list itself, so a list is one value of it
    assert fixed == {"model": {"kernel_sizes": [2, 3], "filters": 20}}
    recipe = build_recipe("cnn", **fixed)
    space = searched(recipe, flat(fixed), {k: v for k, v in parts.items() if k != "model.dropout"})
    assert space["model.dim"] == Choice((32, 48))
    assert "model.filters" not in space


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({"model.dim": [32]}, "two or more numbers or words"),
        ({"model.dim": [32, None]}, "two or more numbers or words"),
        ({"model.dim": {"low": 8.5, "high": 16}}, "expected whole numbers"),
        ({"model.dropout": {"low": 0.5, "high": 0.1}}, "low \\(0.5\\) should be below high"),
        ({"model.dropout": {"low": 0.0, "high": 0.5, "log": True}}, "should be above 0"),
        ({"model.dropout": {"low": 0.0}}, "space: model.dropout: high: field required"),
        ({"model.dropout": {"low": 0.0, "high": 0.5, "lag": 1}}, "did you mean 'log'"),
        ({"model.dropout": {"low": "a", "high": 0.5}}, "low: .* got 'a'"),
        ({"model.dropout": {"low": 0.0, "high": ".inf"}}, "high: "),
        ({"tokenizer.name": ["words", "jamo"]}, "all trials share this setting"),
        ({"training.metric": ["accuracy", "log_loss"]}, "all trials share this setting"),
        ({"model.name": ["cnn", "lstm"]}, "all trials share this setting"),
        ({"model.dmi": [8, 16]}, "unknown setting '.*dmi'; did you mean 'dim'"),
        ({"model.dropout": {"low": 0.5, "high": 1.5}}, "dropout"),
    ],
)
def test_invalid_spaces_are_refused(space: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        searched(build_recipe("cnn"), (), read_space(space, ARCHITECTURES["cnn"])[0])
    assert "\n" not in str(caught.value)


def test_fixed_and_searched_setting_is_refused() -> None:
    recipe = build_recipe("mean")
    with pytest.raises(ConfigError, match="--set fixes it, and the space searches it"):
        searched(recipe, {"model.dim"}, {"model.dim": Choice((8, 16))})
    with pytest.raises(ConfigError, match="nothing to search"):
        searched(recipe, SPACES["mean"], {})


def test_joint_choices_are_sampled_together() -> None:
    # neither 3 heads nor a width of 48 would do alone
    own = {"model.heads": Choice((3, 4)), "model.dim": Choice((48, 96))}
    assert searched(build_recipe("transformer"), (), own).keys() >= own.keys()
