"""Settings: what is refused, in which words, and that YAML brings back what it was given."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from munjang.config import (
    Settings,
    collect_settings,
    merge,
    parse_overrides,
    read_yaml,
    suggest_nearest,
    to_yaml,
)
from munjang.defaults import make_recipe
from munjang.errors import ConfigError
from munjang.recipe import Recipe
from tests.architectures import ARCHITECTURES
from tests.unit.text.strategies import ugly_text


class Inner(Settings):
    """A section."""

    width: int = 3
    names: tuple[str, ...] = ()


class Outer(Settings):
    """A config with a section."""

    inner: Inner = Inner()
    rate: float = 0.5


texts = ugly_text(3).map(lambda text: text[:40])
leaves = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), texts)
sections = st.dictionaries(texts, leaves | st.lists(leaves, max_size=2), max_size=3)
trees = st.dictionaries(texts, leaves | sections, max_size=3)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (
            {"iner": {}},
            "config: unknown setting 'iner'; did you mean 'inner'?; known: inner, rate",
        ),
        (
            {"inner": {"wdith": 3}},
            "config: unknown setting 'inner.wdith'; did you mean 'width'?; known: names, width",
        ),
        ({"zzz": 1}, "config: unknown setting 'zzz'; known: inner, rate"),
        (
            {"rate": "fast"},
            "config: rate: input should be a valid number, unable to parse string as a number, "
            "got 'fast'",
        ),
        (
            {"inner": {"width": 1.5}},
            "config: inner.width: input should be a valid integer, got a number with a "
            "fractional part, got 1.5",
        ),
        ({"inner": 3}, "config: inner: input should be a valid dictionary, got 3"),
    ],
)
def test_an_error_names_the_key_and_what_came(values: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Outer.parse(values)
    assert str(caught.value) == words


@pytest.mark.parametrize(
    ("collect_settings", "words"),
    [
        ({"model": {"filtres": 3}}, "model: unknown setting 'filtres'; did you mean 'filters'?"),
        ({"model": {"name": "lstn"}}, "unknown model 'lstn'; did you mean 'lstm'?"),
        (
            {"model": {"kernel_sizes": [3, 0]}},
            "widths: widths are one or more whole numbers from 1 up",
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
            {"training": {"length_buckets": "2"}, "tokenizer": {"ends": True}},
            "training.length_buckets: the last boundary (2) leaves no room",
        ),
        (
            {"classify": {"class_weights": "balance"}},
            "classify.class_weights: input should be 'balanced' or a valid dictionary",
        ),
    ],
)
def test_a_recipe_says_what_is_wrong_with_it(collect_settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make_recipe("cnn", "other", 0, collect_settings)
    message = str(caught.value)
    assert words in message
    assert "alue error" not in message
    assert "\n" not in message


@pytest.mark.parametrize("script", ["korean", "other"])
@pytest.mark.parametrize("model", ARCHITECTURES)
def test_a_recipe_comes_back_from_its_yaml(model: str, script: Any, tmp_path: Path) -> None:
    recipe = make_recipe(
        model, script, 0, {"labels": ["0", "부정", "yes", "1e3", " x", "#", "\x85"]}
    )
    path = tmp_path / "config.yaml"
    path.write_text(to_yaml(recipe.to_dict()), encoding="utf-8")
    assert Recipe.parse(read_yaml(path)) == recipe


def test_what_was_given_lies_on_top_of_the_defaults() -> None:
    korean = make_recipe("mean", "korean", 0, {"training": {"epochs": 2}, "model": {"dim": 9}})
    assert korean.tokenizer.name == "characters"
    assert korean.training.epochs == 2
    assert korean.model.dim == 9
    assert korean.model_name == "mean"
    assert make_recipe("mean", "korean", 0, {"tokenizer": {"name": "bpe"}}).tokenizer.name == "bpe"
    assert make_recipe("mean", "other", 0, {"model": {"name": "lstm"}}).model_name == "lstm"


def test_numbers_are_taken_where_yaml_reads_text_as_such() -> None:
    values = {
        "labels": [0, 1],
        "training": {"ngram_buckets": 100, "learning_rate": "1e-3"},
        "classify": {"class_weights": {0: 1, 1: 2}},
    }
    recipe = make_recipe("cnn", "other", 0, values)
    assert recipe.labels == ("0", "1")
    assert recipe.training.length_buckets == "100"
    assert recipe.training.learning_rate == 1e-3
    assert recipe.classify.class_weights == {"0": 1.0, "1": 2.0}


def test_a_budget_of_tokens_alone_replaces_the_rows() -> None:
    training = make_recipe("cnn", "other", 0, {"training": {"batch_tokens": 500}}).training
    assert (training.batch_size, training.batch_tokens) == (None, 500)


@pytest.mark.parametrize(
    ("model", "tokenizer", "words"),
    [
        ({"dim": 30}, {}, "heads: dim (30) is no multiple of heads (4)"),
        ({"dim": 12, "positions": "rotary"}, {}, "a head of dim / heads = 3 cannot be paired"),
        ({"positions": "rotery"}, {}, "'sinusoidal', 'learned' or 'rotary', got 'rotery'"),
        (
            {"positions": "learned"},
            {"max_length": 513, "ends": False},
            "tokenizer.max_length: a text may have 513 tokens, and the positions of the model end "
            "at 512; lower it, raise model.max_positions",
        ),
        (
            {"positions": "learned", "max_positions": 11},
            {"max_length": 10, "ends": True},
            "12 tokens, GO and EOS included, and the positions of the model end at 11",
        ),
    ],
)
def test_a_recipe_of_a_transformer_says_what_is_wrong_with_it(
    model: dict[str, Any], tokenizer: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        make_recipe("transformer", "other", 0, {"model": model, "tokenizer": tokenizer})
    message = str(caught.value)
    assert words in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("model", "collect_settings"),
    [
        (
            {"positions": "learned", "max_positions": 12},
            {"tokenizer": {"max_length": 10, "ends": True}},
        ),
        ({"positions": "learned", "max_positions": 20}, {"training": {"length_buckets": "10,20"}}),
        ({"positions": "sinusoidal", "max_positions": 12}, {"tokenizer": {"max_length": 9999}}),
        ({"positions": "rotary", "max_positions": 12}, {"tokenizer": {"max_length": 9999}}),
    ],
)
def test_texts_that_fit_the_positions_are_no_error(
    model: dict[str, Any], collect_settings: dict[str, Any]
) -> None:
    recipe = make_recipe("transformer", "other", 0, {"model": model, **collect_settings})
    assert recipe.model_name == "transformer"


def test_settings_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Outer().rate = 1.0  # type: ignore[misc]


@given(trees)
@settings(max_examples=60)
def test_yaml_brings_back_what_it_was_given(tmp_path_factory: Any, values: dict[str, Any]) -> None:
    path = tmp_path_factory.mktemp("yaml") / "c.yaml"
    path.write_text(to_yaml(values), encoding="utf-8", newline="\n")
    assert read_yaml(path) == values


def test_hangul_stays_readable_and_order_stays() -> None:
    assert to_yaml({"b": "문장", "a": 1}) == "b: 문장\na: 1\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"- a\n- b\n", "expected settings as 'key: value' lines, got list"),
        (b"just text", "expected settings as 'key: value' lines, got str"),
        (b"a: [1, 2", "not valid YAML"),
        (b"a: !!python/object/apply:os.system ['true']", "not valid YAML"),
        ("라벨: 값".encode("cp949"), "not valid YAML"),
        (b"a: \x00", "not valid YAML"),
    ],
)
def test_files_that_hold_no_settings(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "c.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        read_yaml(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_file_and_an_empty_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read this config file: No such file"):
        read_yaml(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match="cannot read this config file"):
        read_yaml(tmp_path)
    (tmp_path / "empty.yaml").touch()
    assert read_yaml(tmp_path / "empty.yaml") == {}


@given(base=trees, over=trees)
@settings(max_examples=60)
def test_merge_lays_one_on_the_other(base: dict[str, Any], over: dict[str, Any]) -> None:
    before = repr((base, over))
    merged = merge(base, over)
    assert repr((base, over)) == before
    assert merged.keys() == base.keys() | over.keys()
    for key, value in merged.items():
        below, above = base.get(key), over.get(key)
        if key not in over:
            assert value == below
        elif isinstance(below, dict) and isinstance(above, dict):
            assert value == merge(below, above)
        else:
            assert value == above


def test_overrides_are_nested_and_typed() -> None:
    found = parse_overrides(
        ["model.dim=64", "model.name=lstm", "training.average_after=null", "a = [1, 2]", "b="]
    )
    assert found == {
        "model": {"dim": 64, "name": "lstm"},
        "training": {"average_after": None},
        "a": [1, 2],
        "b": None,
    }
    assert parse_overrides(["x=a=b"]) == {"x": "a=b"}
    assert parse_overrides(["x.y=1", "x.y=2"]) == {"x": {"y": 2}}
    assert parse_overrides([]) == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("dim", "--set wants key=value, such as --set model.dim=64; got 'dim'"),
        ("=3", "--set wants key=value"),
        ("a=[1", r"--set a: '\[1' is not a YAML value"),
    ],
)
def test_overrides_that_say_nothing(text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        parse_overrides([text])


def test_the_nearest_name_or_none() -> None:
    assert suggest_nearest("epoch", ["epochs", "dim"]) == "; did you mean 'epochs'?"
    assert suggest_nearest("zzz", ["epochs", "dim"]) == ""


def test_what_a_person_set_is_laid_together(tmp_path: Path) -> None:
    file = tmp_path / "given.yaml"
    file.write_text("seed: 1\nmodel: {name: cnn, dim: 8}\n", encoding="utf-8")
    named = {"seed": 2, "data": {"encoding": None}, "model": {"name": None}}
    wanted = {"seed": 2, "model": {"name": "cnn", "dim": 16}}
    assert collect_settings(file, named, ["model.dim=16"]) == wanted
    assert collect_settings({"seed": 1}, {"seed": None}) == {"seed": 1}
    assert collect_settings(None, {}) == {}
