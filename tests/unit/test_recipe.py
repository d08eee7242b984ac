"""Recipes: what is refused, in which words, and that YAML brings back what it was given."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from munjang.config import merge, read_yaml, to_yaml
from munjang.data.table import Table
from munjang.errors import ConfigError
from munjang.recipe import Recipe, check_given, make_recipe, parse_recipe, section_of
from munjang.registry import INPUTS, TASKS, find_architectures, inputs_of
from munjang.reporting import discard
from munjang.text.script import Script
from tests.architectures import ARCHITECTURES
from tests.tables import (
    make_pair_table,
    make_script_table,
    make_table,
    make_text_table,
    make_two_texts_table,
)


def build_recipe(name: str, rows: Table | None = None, **settings: Any) -> Recipe:
    return make_recipe(merge({"model": {"name": name}}, settings), rows)


@pytest.mark.parametrize(
    ("given_settings", "expected"),
    [
        ({"model": {"filtres": 3}}, "model: unknown setting 'filtres'; did you mean 'filters'?"),
        ({"model": {"name": "lstn"}}, "unknown model 'lstn'; did you mean 'lstm'?"),
        (
            {"model": {"kernel_sizes": [3, 0]}},
            "kernel_sizes: expected one or more whole numbers from 1 up",
        ),
        (
            {"model": {"pooling": "max+atention"}},
            "model: pooling: unknown pooling 'atention'; did you mean 'attention'?",
        ),
        ({"model": {"pooling": 3}}, "model: pooling: unknown pooling '3'"),
        ({"model": "cnn"}, "model: expected settings such as 'dim: 64', got 'cnn'"),
        ({"training": {"epoch": 3}}, "'training.epoch'; did you mean 'epochs'?"),
        ({"training": {"batch_tokens": 9, "batch_size": 9}}, "batch_size or batch_tokens"),
        ({"training": {"batch_size": None}}, "batch_size or batch_tokens"),
        (
            {"training": {"length_buckets": "10,5"}},
            "training.length_buckets: bucket boundaries are ascending",
        ),
        ({"training": {"metric": "acc"}}, "'accuracy', 'macro_f1' or 'log_loss', got 'acc'"),
        (
            {"training": {"length_buckets": "2"}, "tokenizer": {"add_go_eos": True}},
            "training.length_buckets: the last boundary (2) leaves no room",
        ),
        (
            {"classify": {"class_weights": "balance"}},
            "classify.class_weights: input should be 'balanced' or a valid dictionary",
        ),
    ],
)
def test_invalid_recipes_are_refused(given_settings: dict[str, Any], expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build_recipe("cnn", **given_settings)
    message = str(caught.value)
    assert expected in message
    assert "alue error" not in message
    assert "\n" not in message


@pytest.mark.parametrize("script", ["korean", "other"])
@pytest.mark.parametrize("model", ARCHITECTURES)
def test_yaml_round_trip(model: str, script: Any, tmp_path: Path) -> None:
    labels = ["0", "부정", "yes", "1e3", " x", "#", "\x85"]
    recipe = build_recipe(model, make_script_table(script, 5), labels=labels)
    assert recipe.labels == tuple(labels)
    path = tmp_path / "config.yaml"
    path.write_text(to_yaml(recipe.to_dict()), encoding="utf-8")
    assert parse_recipe(read_yaml(path)) == recipe


def test_settings_override_defaults() -> None:
    rows = make_script_table("korean", 5)
    korean = build_recipe("mean", rows, training={"epochs": 2}, model={"dim": 9})
    assert korean.tokenizer.name == "characters"
    assert korean.training.epochs == 2
    assert korean.model.dim == 9
    assert korean.model_name == "mean"
    assert build_recipe("mean", rows, tokenizer={"name": "bpe"}).tokenizer.name == "bpe"
    assert build_recipe("mean", model={"name": "lstm"}).model_name == "lstm"


def test_yaml_numbers_are_accepted_as_text() -> None:
    values = {
        "labels": [0, 1],
        "training": {"length_buckets": 100, "learning_rate": "1e-3"},
        "classify": {"class_weights": {0: 1, 1: 2}},
    }
    recipe = build_recipe("cnn", **values)
    assert recipe.labels == ("0", "1")
    assert recipe.training.length_buckets == "100"
    assert recipe.training.learning_rate == 1e-3
    assert recipe.classify.class_weights == {"0": 1.0, "1": 2.0}


def test_batch_tokens_replace_batch_size() -> None:
    training = build_recipe("cnn", training={"batch_tokens": 500}).training
    assert (training.batch_size, training.batch_tokens) == (None, 500)


@pytest.mark.parametrize(
    ("model", "tokenizer", "expected"),
    [
        ({"dim": 30}, {}, "heads: dim (30) is no multiple of heads (4)"),
        ({"dim": 12, "positions": "rotary"}, {}, "a head of dim / heads = 3 cannot be paired"),
        ({"positions": "rotery"}, {}, "'sinusoidal', 'learned' or 'rotary', got 'rotery'"),
        (
            {"positions": "learned"},
            {"max_length": 513, "add_go_eos": False},
            "tokenizer.max_length: a text may have 513 tokens, and the positions of the model end "
            "at 512; lower it, raise model.max_positions",
        ),
        (
            {"positions": "learned", "max_positions": 11},
            {"max_length": 10, "add_go_eos": True},
            "12 tokens, GO and EOS included, and the positions of the model end at 11",
        ),
    ],
)
def test_invalid_transformer_recipes_are_refused(
    model: dict[str, Any], tokenizer: dict[str, Any], expected: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        build_recipe("transformer", model=model, tokenizer=tokenizer)
    message = str(caught.value)
    assert expected in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("model", "given_settings"),
    [
        (
            {"positions": "learned", "max_positions": 12},
            {"tokenizer": {"max_length": 10, "add_go_eos": True}},
        ),
        ({"positions": "learned", "max_positions": 20}, {"training": {"length_buckets": "10,20"}}),
        ({"positions": "sinusoidal", "max_positions": 12}, {"tokenizer": {"max_length": 9999}}),
        ({"positions": "rotary", "max_positions": 12}, {"tokenizer": {"max_length": 9999}}),
    ],
)
def test_texts_that_fit_the_positions_are_accepted(
    model: dict[str, Any], given_settings: dict[str, Any]
) -> None:
    recipe = build_recipe("transformer", model=model, **given_settings)
    assert recipe.model_name == "transformer"


def make_rows(kind: str, task: str) -> Any:
    """Some rows of an input with the targets of a task."""
    words = ["한 그릇", "a b", "b c", "c d"] * 3
    if kind in ("lines", "stream"):
        checked = check_given({"input": kind, "task": task})
        return INPUTS.require(kind).load().read((words, None), checked, None, discard)
    if kind == "parallel":
        return make_pair_table(words, words[::-1])
    targets: dict[str, list[Any]] = {"regress": [1.0, 2.0] * 6, "multilabel": [["x"], []] * 6}
    labels = targets.get(task, ["x", "y"] * 6)
    if kind == "two_texts":
        return make_two_texts_table(words, words[::-1], labels)
    if kind == "image":
        columns = {
            "digest": pl.Series(words),
            "image": np.zeros((12, 1, 8, 7), np.uint8),
            "label": pl.Series(labels),
        }
        return make_table(columns, key_role="digest")
    return make_text_table(words, labels)


RUNS = [
    (kind.name, task.name, model.name)
    for task in TASKS.rows
    for kind in inputs_of(task)
    for model in find_architectures(kind.name, task.needs)
]


@pytest.mark.parametrize("with_rows", [False, True])
@pytest.mark.parametrize(("kind", "task", "model"), RUNS)
def test_every_recipe_round_trips_through_yaml(
    kind: str, task: str, model: str, with_rows: bool, tmp_path: Path
) -> None:
    rows = make_rows(kind, task) if with_rows else None
    recipe = build_recipe(model, rows, input=kind, task=task, seed=3)
    assert (recipe.input, recipe.task, recipe.model_name, recipe.seed) == (kind, task, model, 3)
    path = tmp_path / "config.yaml"
    path.write_text(to_yaml(recipe.to_dict()), encoding="utf-8")
    repeated = parse_recipe(read_yaml(path))
    assert repeated == recipe
    assert type(repeated) is type(recipe)
    assert repeated.to_dict() == recipe.to_dict()
    # the defaults of unknown data are laid over nothing: what is written says all
    assert check_given(read_yaml(path)) == recipe


@pytest.mark.parametrize(("kind", "task", "model"), RUNS)
def test_sections_are_in_order_of_the_run(kind: str, task: str, model: str) -> None:
    settings = {"input": kind, "task": task, "model": {"name": model}}
    written = list(make_recipe(settings).to_dict())
    own = [*INPUTS.require(kind).load().sections, *TASKS.require(task).load().sections]
    labels = ["labels"] if TASKS.require(task).load().has_labels else []
    assert written == ["input", "task", "seed", *labels, *own, "model", "training"]


def test_pretrained_section_precedes_model() -> None:
    settings = {"pretrained": {"vectors": "a.vec", "freeze": True}}
    written = make_recipe(settings).to_dict()
    assert list(written)[-3:] == ["pretrained", "model", "training"]
    assert written["pretrained"] == {"vectors": "a.vec", "freeze": True, "skip_bad_lines": False}
    assert parse_recipe(written) == make_recipe(settings)


def test_rows_complete_column_names() -> None:
    texts = make_table({"text": pl.Series(["a b"])}, names={"text": "title+body", "label": "stars"})
    data = make_recipe({}, texts).section("data")
    assert (data.text_column, data.label_column) == ("title+body", "stars")
    pairs = make_table(
        {"source": pl.Series(["a"]), "target": pl.Series(["b"])},
        names={"source": "en", "target": "ko"},
        key_role="source",
        target_role="target",
    )
    data = make_recipe({"task": "translate"}, pairs).section("data")
    assert (data.source_column, data.target_column) == ("en", "ko")
    assert make_recipe({}).section("data").text_column is None


def test_images_complete_mode_and_size() -> None:
    recipe = make_recipe({"input": "image"}, make_rows("image", "classify"))
    assert recipe.section("image").model_dump() == {"size": (8, 7), "mode": "gray"}
    unknown = make_recipe({"input": "image"}).section("image")
    assert (unknown.size, unknown.mode) == (None, None)


def test_script_of_rows_selects_tokenizer() -> None:
    scripts: tuple[Script, ...] = ("korean", "other")
    recipes = [make_recipe({}, make_script_table(script, 5)) for script in scripts]
    assert [r.section("tokenizer").name for r in recipes] == ["characters", "words"]
    assert make_recipe({}).section("tokenizer").name == "words"


def test_check_given_adds_no_data_defaults() -> None:
    checked = check_given({"model": {"name": "mean"}})
    assert checked.section("tokenizer").settings == {}
    assert checked.model == ARCHITECTURES["mean"].config_class()()
    assert make_recipe({"model": {"name": "mean"}}).model != checked.model


def test_section_of_copies_a_mapping() -> None:
    settings: Mapping[str, Any] = {"model": {"dim": 3}, "training": None, "tokenizer": "words"}
    section = section_of(settings, "model")
    assert section == {"dim": 3}
    assert section is not settings["model"]
    assert section_of(settings, "training") == section_of(settings, "data") == {}
    with pytest.raises(ConfigError, match="tokenizer: expected settings such as 'name: bpe', got"):
        section_of(settings, "tokenizer", "name: bpe")


def test_with_section_returns_a_copy() -> None:
    recipe = make_recipe({})
    other = recipe.with_section("data", text_column="body")
    assert other.section("data").text_column == "body"
    assert recipe.section("data").text_column is None
    assert other.section("tokenizer") is recipe.section("tokenizer")


def test_invalid_key_is_named_with_its_source() -> None:
    with pytest.raises(ConfigError, match=r"^here\.yaml: .*did you mean 'seed'"):
        parse_recipe({"sed": 3, "model": {"name": "cnn"}}, where="here.yaml")
    with pytest.raises(ConfigError, match=r"^here\.yaml: unknown task 'clasify'"):
        parse_recipe({"task": "clasify"}, where="here.yaml")
