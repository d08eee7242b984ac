"""Two texts per row: the same ids by every way in, and the same answers whatever is beside."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import munjang
from munjang.errors import ConfigError, DataError
from munjang.inputs.two_texts import EncodedTwoTexts, TwoTextsInput
from munjang.recipe import check_given, make_recipe
from munjang.registry import find_architectures
from munjang.text.columns import to_lists
from munjang.text.vocabulary import EOS, GO
from tests.tables import make_two_texts_table

pytestmark = pytest.mark.usefixtures("one_thread")

FIRSTS = ["집에 가자", "배가 고프다", "The red house", "a small dog ran to the big red house"]
SECONDS = ["집으로 가자", "비가 온다 비가", "the dog runs", "Dog"]
LABELS = ["같다", "다르다"] * 2
HOSTILE_TEXT = st.text(st.sampled_from("집에 a\tB|\n\x00é가가👩‍👩‍👧שَ"), max_size=12)


def fit_input(model: str = "mean", reading: str = "joined", **tokenizer: Any) -> TwoTextsInput:
    rows = make_two_texts_table(FIRSTS, SECONDS, LABELS)
    settings: dict[str, Any] = {
        "input": "two_texts",
        "model": {"name": model},
        "tokenizer": tokenizer,
        "two_texts": {"reading": reading},
    }
    return TwoTextsInput.fit(rows, make_recipe(settings, rows))


def to_rows(encoded: EncodedTwoTexts) -> tuple[list[list[int]], list[list[int]], list[list[int]]]:
    """The joined rows, the first and the second texts, as ids."""
    joined: list[list[int]] = [[]] * len(encoded)
    for batch in replace(encoded, reads_towers=False).dataset().in_order_of_length(1):
        joined[int(batch.rows[0])] = batch.inputs[0][0].tolist()
    return joined, to_lists(encoded.first), to_lists(encoded.second)


@pytest.mark.parametrize(
    "tokenizer",
    [
        {"name": "characters"},
        {"name": "words"},
        {"name": "words", "max_length": 4},
        {"name": "words", "max_length": 3, "settings": {"capitals": True}},
        {"name": "jamo", "max_length": 7},
    ],
)
def test_encode_values_equals_encode_of_table(tokenizer: Any) -> None:
    made = fit_input(**tokenizer)
    table = to_rows(made.encode(make_two_texts_table(FIRSTS, SECONDS)))
    pairs = list(zip(FIRSTS, SECONDS, strict=True))
    for values in (pairs, (FIRSTS, SECONDS), np.array(pairs)):
        few = made.encode_values(values)
        assert to_rows(few) == table
    many = made.encode_values(pairs * 50)
    assert [part[:4] for part in to_rows(many)] == list(table)
    assert many.truncated[:4].tolist() == few.truncated.tolist()
    assert few.truncated.any() == ("max_length" in tokenizer)
    assert to_rows(made.encode_values(pairs[0]))[0] == table[0][:1]


@settings(max_examples=30)
@given(st.lists(st.tuples(HOSTILE_TEXT, HOSTILE_TEXT), min_size=1, max_size=4))
def test_hostile_texts_have_same_ids_in_small_and_large_batches(
    pairs: list[tuple[str, str]],
) -> None:
    made = fit_input(name="characters", max_length=9)
    few, many = made.encode_values(pairs), made.encode_values(pairs * 129)
    assert to_rows(few) == tuple(part[: len(pairs)] for part in to_rows(many))
    for row, first, second in zip(*to_rows(few), strict=True):
        assert row == [GO, *first, EOS, *second, EOS]
        assert len(first) + len(second) <= 9


def test_oov_words_have_same_ids_in_both_texts() -> None:
    rows = make_two_texts_table(FIRSTS, SECONDS, LABELS)
    settings = {
        "input": "two_texts",
        "model": {"name": "mean", "subword_ngrams": 4},
        "tokenizer": {"name": "words", "min_frequency": 2},
    }
    made = TwoTextsInput.fit(rows, make_recipe(settings, rows))
    encoded = made.encode(rows)
    size, words = made.size, encoded.encoded.oov_words
    assert words
    alone = made.encode_values(list(zip(FIRSTS, SECONDS, strict=True)))
    assert alone.encoded.oov_words == words
    assert to_rows(alone) == to_rows(encoded)
    parts = made.encode_parts({"train": rows, "valid": rows.take([3])})
    valid = parts["valid"][0]
    assert isinstance(valid, EncodedTwoTexts)
    assert to_rows(valid)[1] == to_rows(encoded)[1][3:]
    assert max(map(max, to_rows(encoded)[0])) < size + len(words)


def test_longer_text_is_truncated_first_and_towers_truncate_each_text() -> None:
    made = fit_input(name="words", max_length=4)
    encoded = made.encode_values([("a b c d e f", "a b"), ("a", "b")])
    assert [len(row) for row in to_rows(encoded)[1]] == [2, 1]
    assert [len(row) for row in to_rows(encoded)[2]] == [2, 1]
    assert encoded.truncated.tolist() == [True, False]
    assert encoded.towers().lengths.tolist() == [[4 + 2, 2 + 2], [3, 3]]
    apart = fit_input(reading="towers", name="words", max_length=4)
    assert apart.encode_values([("a b c d", "a b c d")]).truncated.tolist() == [False]
    assert apart.encode_values([("a b c d e", "a")]).truncated.tolist() == [True]


def test_rows_fit_into_positions_of_bert() -> None:
    settings = {"input": "two_texts", "model": {"name": "bert", "max_positions": 16}}
    recipe = make_recipe(settings)
    assert recipe.section("tokenizer").max_length == 13
    with pytest.raises(ConfigError, match=r"tokenizer.max_length: .* 17 tokens"):
        make_recipe({**settings, "tokenizer": {"max_length": 14}})
    with pytest.raises(ConfigError, match="add_go_eos"):
        check_given({"input": "two_texts", "tokenizer": {"add_go_eos": False}})


def test_settings_incompatible_with_towers_are_refused() -> None:
    towers = {"input": "two_texts", "two_texts": {"reading": "towers"}}
    with pytest.raises(ConfigError, match=r"model.linear_weight: .* two_texts.reading to joined"):
        check_given({**towers, "model": {"name": "mean", "linear_weight": 0.5}})
    joined = make_recipe({"input": "two_texts", "model": {"name": "mean", "linear_weight": 0.5}})
    assert joined.section("two_texts").reading == "joined"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ("alone", "got one text"),
        (["a", "b"], r"pairs\[0\]: expected two texts .* got one text"),
        ([("a", "b"), ("a", "b", "c")], r"pairs\[1\]: .* got tuple of 3"),
        ([("a", None)], r"second texts\[0\]: expected a string, got NoneType"),
        ((["a"], ["b", "c"]), "as many first texts as second texts, got 1 and 2"),
        (np.array([["a", "b", "c"]]), r"array of shape \(1, 3\)"),
        (3, "expected pairs, got int"),
    ],
)
def test_values_that_are_not_pairs_are_refused(values: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        fit_input().encode_values(values)


def test_data_frame_columns_are_found_by_name() -> None:
    frame = pl.DataFrame({"id": [1], "sentence2": ["b"], "sentence1": ["a"]})
    made = fit_input(name="words")
    assert to_rows(made.encode_values(frame)) == to_rows(made.encode_values([("a", "b")]))


MODELS = [row.name for row in find_architectures("two_texts", "pooled")]
SMALL = {
    "model.dim": 8,
    "model.ngram_buckets": 512,
    "training.epochs": 1,
    "training.threads": 1,
    "training.batch_size": 4,
}
SMALLER = {
    "mean": {},
    "bert": {"model.layers": 1, "model.heads": 2, "training.batch_tokens": "null"},
    "transformer": {"model.layers": 1, "model.heads": 2, "model.bag_buckets": 512},
    "cnn": {"model.filters": 4, "model.bag_buckets": 512},
}
TASKS: dict[str, list[Any]] = {
    "classify": ["x", "y", "x", "y"] * 5,
    "regress": [1.0, 2.0, 3.0, 4.5] * 5,
    "multilabel": [["x"], ["x", "y"], [], ["y"]] * 5,
}
CASES = [
    *(("classify", model, reading) for model in MODELS for reading in ("joined", "towers")),
    *((task, "mean", "towers") for task in ("regress", "multilabel")),
    ("regress", "bert", "joined"),
]


def small_overrides(model: str) -> list[str]:
    own = SMALLER.get(model, {"model.hidden_dim": 8, "model.bag_buckets": 512})
    return [f"{key}={value}" for key, value in {**SMALL, **own}.items()]


@pytest.mark.parametrize(("task", "model", "reading"), CASES)
def test_answers_depend_on_the_pair_only_and_survive_reload(
    task: str, model: str, reading: str, tmp_path: Path
) -> None:
    firsts = [f"{FIRSTS[n % 4]} {n}" for n in range(20)]
    seconds = [f"{SECONDS[n % 3]} {n * 7 % 5}" for n in range(20)]
    data = ((firsts, seconds), TASKS[task])
    options: dict[str, Any] = {
        "input": "two_texts",
        "task": task,
        "model": model,
        "overrides": [f"two_texts.reading={reading}", *small_overrides(model)],
        "seed": 1,
    }
    trained = munjang.train(data, out=tmp_path / "model", **options).model
    reloaded = munjang.load(tmp_path / "model")
    pairs = [*zip(firsts, seconds, strict=True), ("", "집"), ("길다 " * 40, "b")]
    batched = trained.logits(pairs)
    assert torch.isfinite(batched).all()
    for index in (0, 7, len(pairs) - 2, len(pairs) - 1):
        single = trained.logits([pairs[index]])
        torch.testing.assert_close(single[0], batched[index], atol=1e-5, rtol=1e-4)
    backwards = trained.logits(pairs[::-1])
    torch.testing.assert_close(backwards.flip(0), batched, atol=1e-5, rtol=1e-4)
    assert isinstance(reloaded, type(trained))
    assert torch.equal(reloaded.logits(pairs), batched)
    repeated = munjang.train(data, **options).model
    assert torch.equal(repeated.logits(pairs), batched)
