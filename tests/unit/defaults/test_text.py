"""Defaults by number of texts: small tables for few, no rows for rare words of many."""

from typing import Any

import pytest

from munjang.config import merge
from munjang.defaults.text import script_defaults
from munjang.errors import ConfigError
from munjang.recipe import Recipe, make_recipe
from munjang.text.registry import make_tokenizer
from munjang.text.script import Script
from tests.architectures import ARCHITECTURES
from tests.tables import make_script_table

# bert has a tokenizer of its own, and no tables of n-grams
WITH_NGRAMS = [name for name in ARCHITECTURES if name != "bert"]
WIDE = [name for name in WITH_NGRAMS if name != "mean"]


def build_recipe(name: str, script: Script, rows: int, **settings: Any) -> Recipe:
    """The recipe for so many texts; 0: they are not read yet."""
    texts = make_script_table(script, rows) if rows else None
    return make_recipe(merge({"model": {"name": name}}, settings), texts)


def build_english_recipe(name: str, rows: int, **settings: Any) -> Recipe:
    return build_recipe(name, "other", rows, **settings)


def default_min_frequencies(model: str, rows: int) -> tuple[int, int]:
    """The rarest word of the vocabulary, and the rarest n-gram with a row."""
    recipe = build_english_recipe(model, rows)
    bag = model in WIDE
    ngrams = recipe.model.bag_min_frequency if bag else recipe.model.ngram_min_frequency
    return recipe.tokenizer.min_frequency, ngrams


@pytest.mark.parametrize("model", WITH_NGRAMS)
@pytest.mark.parametrize(
    ("rows", "expected"), [(0, 1), (1, 1), (999, 1), (1000, 2), (20_000, 2), (10**6, 2)]
)
def test_min_frequency_grows_with_rows(model: str, rows: int, expected: int) -> None:
    assert default_min_frequencies(model, rows) == (expected, expected)


@pytest.mark.parametrize("model", WITH_NGRAMS)
def test_small_data_has_small_hash_tables(model: str) -> None:
    few, many, unknown = (build_english_recipe(model, rows).model for rows in (19_999, 20_000, 0))
    table = "bag_buckets" if model in WIDE else "ngram_buckets"
    for name in (table, "subword_buckets"):
        assert getattr(few, name) * 4 <= getattr(many, name)
        assert getattr(many, name) == getattr(unknown, name)


def test_user_settings_override_defaults() -> None:
    settings = {"tokenizer": {"min_frequency": 3}, "model": {"subword_buckets": 77}}
    recipe = build_english_recipe("cnn", 5000, **settings)
    assert recipe.tokenizer.min_frequency == 3
    assert recipe.model.subword_buckets == 77


def test_subword_tokenizer_keeps_all_tokens() -> None:
    assert build_english_recipe("cnn", 5000, tokenizer={"name": "bpe"}).tokenizer.min_frequency == 1


@pytest.mark.parametrize("model", ARCHITECTURES)
def test_korean_defaults_do_not_depend_on_rows(model: str) -> None:
    few, many = (build_recipe(model, "korean", rows) for rows in (500, 150_000))
    assert few.model == many.model
    assert few.tokenizer == many.tokenizer


@pytest.mark.parametrize("script", ["korean", "other"])
def test_only_mean_has_no_clip_norm(script: Any) -> None:
    def bound(name: str, **settings: Any) -> float | None:
        return build_recipe(name, script, 5000, **settings).training.clip_norm

    assert bound("mean") is None
    assert bound("mean", training={"clip_norm": 0.5}) == 0.5
    assert bound("mean", task="multilabel") is None
    # a squared error may be of any size
    assert bound("mean", task="regress") == 1.0
    assert {bound(name) for name in WIDE} == {1.0}


@pytest.mark.parametrize(
    ("tokenizer", "expected"),
    [
        ({}, {"capitals": True}),
        ({"name": "words"}, {"capitals": True}),
        ({"settings": {"nfc": False}}, {"capitals": True, "nfc": False}),
        ({"settings": {"capitals": False}}, {"capitals": False}),
        ({"settings": {"lower": True}}, {"capitals": True, "lower": True}),
        ({"settings": {"lower": False}}, {"capitals": False, "lower": False}),
        ({"settings": {"split": "keras"}}, {"capitals": False, "split": "keras"}),
        ({"name": "bpe"}, {}),
        ({"name": "characters", "settings": {"lower": True}}, {"lower": True}),
    ],
)
def test_capital_markers_are_default_for_words_only(
    tokenizer: dict[str, Any], expected: dict[str, Any]
) -> None:
    recipe = build_english_recipe("cnn", 5000, tokenizer=tokenizer)
    assert recipe.tokenizer.settings == expected
    make_tokenizer(recipe.tokenizer.name, **recipe.tokenizer.settings)


@pytest.mark.parametrize("task", [["classify"], 3, {"a": 1}])
def test_invalid_task_is_refused_in_one_line(task: object) -> None:
    with pytest.raises(ConfigError, match="task"):
        build_english_recipe("cnn", 5000, task=task)


@pytest.mark.parametrize("model", ["skipgram", "cbow"])
@pytest.mark.parametrize("script", ["korean", "other"])
def test_word_vectors_are_trained_on_one_thread(model: str, script: Script) -> None:
    given = {"model": {"name": model}, "task": "vectors", "input": "lines"}
    given["training"] = {"engine": "munjang"}
    assert script_defaults(given, script, 5000)["training"]["threads"] == 1
