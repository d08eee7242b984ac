"""Defaults from text to text, and settings that do not go together."""

from typing import Any

import polars as pl
import pytest

from munjang.config import merge
from munjang.data.table import Table
from munjang.defaults.parallel import PairTexts, measure
from munjang.errors import ConfigError
from munjang.recipe import Recipe, make_recipe, parse_recipe
from tests.tables import make_table

# characters of a token, as the defaults count them before there is a vocabulary
_CHARACTERS = {"korean": 2, "other": 4}
_WORDS = {"korean": "한국 영화 ", "other": "word word "}


def make_pair_table(texts: PairTexts) -> Table:
    """Pairs of which the defaults measure what `texts` says."""
    source, target = texts.scripts
    longest = _CHARACTERS[target] * 1000
    a_target = (_WORDS[target] * longest)[:longest]
    words = round(texts.words * 10)
    sources = [
        " ".join(_WORDS[source].split()[:1] * (words // 10 + (n < words % 10))) for n in range(10)
    ]
    count = texts.tokens // 1000
    columns = {
        "source": pl.Series((sources * count)[:count], dtype=pl.String),
        "target": pl.repeat(a_target, count, dtype=pl.String, eager=True),
    }
    return make_table(columns, key_role="source", target_role="target")


def build_recipe(
    texts: PairTexts | None = None, name: str = "transformer", **settings: Any
) -> Recipe:
    rows = make_pair_table(texts or PairTexts(tokens=300_000))
    return make_recipe(merge({"task": "translate", "model": {"name": name}}, settings), rows)


def test_measure_scripts_tokens_and_words() -> None:
    for texts in (PairTexts(("other", "korean"), 20_000, words=1.3), PairTexts(tokens=90_000)):
        table = make_pair_table(texts)
        result = measure(table["source"], table["target"])
        assert (result.scripts, result.tokens) == (texts.scripts, texts.tokens)
        assert result.words == pytest.approx(texts.words)


def test_one_script_shares_subwords_and_two_scripts_do_not() -> None:
    same = build_recipe(PairTexts(("other", "other"), 300_000))
    assert same.tokenizer.shared_vocabulary
    assert same.tokenizer.source.name == "bpe"
    assert same.tokenizer.source.max_size == same.tokenizer.target.max_size == 5000
    assert not build_recipe(PairTexts(("other", "korean"), 300_000)).tokenizer.shared_vocabulary


def test_small_data_has_small_vocabulary_and_many_epochs() -> None:
    korean = build_recipe(PairTexts(("other", "korean"), 20_000)).tokenizer
    assert (korean.source.max_size, korean.target.max_size) == (500, 2000)
    few, many = build_recipe(PairTexts(tokens=20_000)), build_recipe(PairTexts(tokens=5_000_000))
    assert few.tokenizer.source.max_size == 500
    assert many.tokenizer.source.max_size == 8000
    assert few.training.epochs == 60
    assert many.training.epochs == 5


def test_names_are_tokenized_into_characters() -> None:
    recipe = build_recipe(PairTexts(("other", "korean"), 20_000, words=1.3))
    assert (recipe.tokenizer.source.name, recipe.tokenizer.target.name) == ("characters", "jamo")
    assert recipe.tokenizer.source.max_size is None


def test_tokenizer_settings_apply_to_both_sides_unless_overridden() -> None:
    recipe = build_recipe(
        tokenizer={"name": "words", "min_frequency": 2, "target": {"name": "jamo"}}
    )
    assert (recipe.tokenizer.source.name, recipe.tokenizer.target.name) == ("words", "jamo")
    assert recipe.tokenizer.source.min_frequency == recipe.tokenizer.target.min_frequency == 2
    assert not recipe.tokenizer.shared_vocabulary
    assert recipe.tokenizer.source.max_size is None
    assert build_recipe(tokenizer={"name": "words"}).tokenizer.shared_vocabulary


def test_recipe_round_trip() -> None:
    recipe = build_recipe(PairTexts(("korean", "korean"), 90_000), "attentive", seed=3)
    assert parse_recipe(recipe.to_dict()) == recipe


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"tokenizer": {"shared_vocabulary": True, "target": {"name": "words"}}},
            "shared_vocabulary: expected one name for both sides",
        ),
        ({"tokenizer": {"nmae": "bpe"}}, "did you mean 'name'"),
        ({"model": {"name": "lstm"}}, "model lstm reads the input text"),
        ({"model": {"dim": 30}}, "no multiple of heads"),
        ({"training": {"metric": "accuracy"}}, "for translate it should be 'chrf', 'bleu'"),
        ({"training": {"length_buckets": "10,20"}}, "pairs have two lengths"),
        (
            {"model": {"positions": "learned", "max_positions": 100}},
            "tokenizer.source.max_length: up to 256 tokens",
        ),
        ({"decoding": {"beam": 2, "nbest": 3}}, "nbest (3) should be at most beam"),
        ({"data": {"text_column": "en"}}, "text_column"),
        ({"tokenizer": {"source": 3}}, "tokenizer.source"),
        ({"tokenizer": 3}, "tokenizer"),
        ({"model": 3}, "model"),
    ],
)
def test_invalid_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build_recipe(**settings)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_one_batch_size_and_one_average_unset_the_others() -> None:
    training = build_recipe(training={"batch_size": 32, "average_best": 4}).training
    assert (training.batch_size, training.batch_tokens) == (32, None)
    assert (training.average_best, training.average_after) == (4, None)


def test_copy_unknown_requires_attention() -> None:
    translate = {"copy_unknown": True}
    assert build_recipe(name="attentive", translate=translate).translate.copy_unknown
    with pytest.raises(ConfigError, match="seq2seq has no attention to copy by"):
        build_recipe(name="seq2seq", translate=translate)
