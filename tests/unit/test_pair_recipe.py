"""Defaults from text to text, and settings that do not go together."""

from typing import Any

import pytest
from munjang.pair_recipe import PairRecipe, PairTexts, make_pair_recipe

from munjang.errors import ConfigError


def made(texts: PairTexts | None = None, model: str = "transformer", **given: Any) -> PairRecipe:
    return make_pair_recipe(model, texts or PairTexts(tokens=300_000), given)


def test_one_script_shares_subwords_and_two_scripts_do_not() -> None:
    same = made(PairTexts(("other", "other"), 300_000))
    assert same.tokenizer.shared_vocabulary
    assert same.tokenizer.source.name == "bpe"
    assert same.tokenizer.source.max_size == same.tokenizer.target.max_size == 5000
    assert not made(PairTexts(("other", "korean"), 300_000)).tokenizer.shared_vocabulary


def test_few_tokens_get_few_ids_and_many_passes() -> None:
    korean = made(PairTexts(("other", "korean"), 20_000)).tokenizer
    assert (korean.source.max_size, korean.target.max_size) == (500, 2000)
    few, many = made(PairTexts(tokens=20_000)), made(PairTexts(tokens=5_000_000))
    assert few.tokenizer.source.max_size == 500
    assert many.tokenizer.source.max_size == 8000
    assert few.training.epochs == 60
    assert many.training.epochs == 5


def test_names_go_letter_by_letter() -> None:
    recipe = made(PairTexts(("other", "korean"), 20_000, words=1.3))
    assert (recipe.tokenizer.source.name, recipe.tokenizer.target.name) == ("characters", "jamo")
    assert recipe.tokenizer.source.max_size is None


def test_what_is_said_of_the_tokenizer_is_said_of_both_sides_and_a_side_wins() -> None:
    recipe = made(tokenizer={"name": "words", "min_frequency": 2, "target": {"name": "jamo"}})
    assert (recipe.tokenizer.source.name, recipe.tokenizer.target.name) == ("words", "jamo")
    assert recipe.tokenizer.source.min_frequency == recipe.tokenizer.target.min_frequency == 2
    assert not recipe.tokenizer.shared_vocabulary
    assert recipe.tokenizer.source.max_size is None
    assert made(tokenizer={"name": "words"}).tokenizer.shared_vocabulary


def test_it_is_the_same_when_it_was_written_and_read_again() -> None:
    recipe = made(PairTexts(("korean", "korean"), 90_000), "attentive", seed=3)
    assert PairRecipe.parse(recipe.to_dict()) == recipe


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"tokenizer": {"shared": True, "target": {"name": "words"}}}, "one vocabulary has one"),
        ({"tokenizer": {"nmae": "bpe"}}, "did you mean 'name'"),
        ({"model": {"name": "lstm"}}, "lstm writes no text"),
        ({"model": {"dim": 30}}, "no multiple of heads"),
        ({"training": {"metric": "accuracy"}}, "for translate it should be one of"),
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
def test_what_does_not_fit_is_told(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make_pair_recipe("transformer", PairTexts(tokens=300_000), given)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_one_size_of_a_batch_and_one_average_take_the_place_of_the_others() -> None:
    training = made(training={"batch_size": 32, "average_best": 4}).training
    assert (training.batch_size, training.batch_tokens) == (32, None)
    assert (training.average_best, training.average_after) == (4, None)


def test_an_unknown_word_is_copied_only_by_models_that_look() -> None:
    asked = {"copy_unknown": True}
    assert made(model="attentive", translate=asked).translate.copy_unknown
    with pytest.raises(ConfigError, match="attends to no word"):
        made(model="seq2seq", translate=asked)
