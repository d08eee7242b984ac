"""A model from text to text: kept and loaded the same, asked in many ways."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import munjang
from munjang.errors import ConfigError, DataError, FolderError
from munjang.model import Model

pytestmark = pytest.mark.usefixtures("one_thread")

SOURCES = ["the red house", "a small dog", "the dog runs", "a red dog", "the small house"] * 8
TARGETS = ["빨간 집", "작은 개", "개가 달린다", "빨간 개", "작은 집"] * 8
QUICK = ("model.dim=16", "training.max_steps=12", "training.batch_tokens=200", "training.threads=1")


def train_pairs(model: str = "transformer", *overrides: str, **more: Any) -> Any:
    pairs = ([f"{s} {n}" for n, s in enumerate(SOURCES)], TARGETS)
    settings = (*QUICK, *overrides)
    return munjang.train(pairs, task="translate", model=model, overrides=settings, **more)


@pytest.fixture(scope="module")
def model() -> Model:
    return train_pairs("transformer", "model.layers=1").model


@pytest.mark.parametrize("name", ["seq2seq", "attentive", "transformer"])
@pytest.mark.parametrize("tokenizer", ["words", "jamo"])
def test_saved_and_loaded_model_gives_same_answers(
    name: str, tokenizer: str, tmp_path: Path
) -> None:
    made = train_pairs(name, out=tmp_path / "m", tokenizer=tokenizer).model
    loaded = munjang.load(tmp_path / "m")
    assert loaded.predict(SOURCES[:5]) == made.predict(SOURCES[:5])
    assert loaded.recipe == made.recipe


def test_shared_vocabulary_is_saved_once(tmp_path: Path) -> None:
    train_pairs("transformer", "tokenizer.shared_vocabulary=true", out=tmp_path / "m")
    assert not (tmp_path / "m" / "target_vocabulary.json").exists()
    loaded = munjang.load(tmp_path / "m")
    assert loaded.input.tokenizers.source is loaded.input.tokenizers.target


def test_folder_without_target_vocabulary_is_refused(tmp_path: Path) -> None:
    train_pairs("transformer", out=tmp_path / "m")
    (tmp_path / "m" / "target_vocabulary.json").unlink()
    with pytest.raises(FolderError, match=r"target_vocabulary\.json"):
        munjang.load(tmp_path / "m")


def test_single_text_equals_text_in_batch(model: Model) -> None:
    batched = model.predict([*SOURCES[:5], "a", "the dog runs and the small red dog runs"])
    for text, answer in zip(SOURCES[:5], batched, strict=False):
        single = model.predict(text)[0]
        assert single.text == answer.text
        assert single.candidates[0].score == pytest.approx(answer.candidates[0].score, abs=1e-4)


def test_no_texts_and_empty_texts(model: Model) -> None:
    assert model.predict([]) == []
    (answer,) = model.predict("")
    assert (answer.text, answer.candidates[0].finished) == ("", True)
    own = model.predict("a red dog")[0]
    assert [a.text for a in model.predict(["", "a red dog", ""])] == ["", own.text, ""]


@pytest.mark.parametrize("blank", ["", " ", "\t", "\xa0", "\u3000", "\u200b"], ids=ascii)
def test_blank_text_gets_empty_answer(model: Model, blank: str) -> None:
    (best,) = model.predict([blank])
    assert (best.text, best.candidates[0].score) == ("", 0.0)
    two = model.with_decoding({"beam": 4, "nbest": 2}).predict(["a red dog", blank])
    assert two[1].lines(2, blank) == [["2", "0.0000", ""]]


def test_invalid_texts_are_named(model: Model) -> None:
    with pytest.raises(DataError):
        model.predict(["a", None])  # type: ignore[list-item]


def test_with_decoding_changes_the_search(model: Model) -> None:
    three = model.with_decoding({"beam": 4, "nbest": 3}).predict(SOURCES[:2])
    assert [len(answer.candidates) for answer in three] == [3, 3]
    assert [line[0] for line in three[1].lines(7, "x")] == ["7"] * 3
    short = model.with_decoding({"max_length": 1}).predict(SOURCES[:2])
    assert all(not answer.candidates[0].finished or not answer.text for answer in short)
    with pytest.raises(ConfigError, match="did you mean 'beam'"):
        model.with_decoding({"baem": 3})
    assert model.recipe.decoding.beam == 5


def test_unsupported_methods_are_refused(model: Model) -> None:
    with pytest.raises(ConfigError, match="no probabilities"):
        model.predict_proba(["a"])
    with pytest.raises(ConfigError, match="predict"):
        model.logits(["a"])


def test_attention_of_own_and_given_answer(model: Model) -> None:
    own = model.attention("the red house")
    assert {"cross", "source", "target"} == set(own.kinds)
    assert own.answer == model.predict("the red house")[0].text
    other = model.attention("the red house", "작은 집")
    assert other.answer == "작은 집"
    for one in other.maps:
        sums = torch.from_numpy(one.weights).sum(1)
        torch.testing.assert_close(sums, torch.ones(len(sums)))
    with pytest.raises(DataError, match="empty"):
        model.attention("")
    with pytest.raises(DataError, match=r"the target has .* tokens, and the model reads up to"):
        model.attention("the red house", "작은 집 " * 5_000)
    with pytest.raises(ConfigError, match="has no attention"):
        train_pairs("seq2seq").model.attention("the red house")


def test_jamo_of_answer_are_shown_as_single_letters() -> None:
    jamo = train_pairs("attentive", tokenizer="jamo").model
    result = jamo.attention("the red house", "작은 집")
    assert result.target == (*"ㅈㅏㄱㅇㅡㄴ ㅈㅣㅂ", "⟨eos⟩")


def test_too_long_pairs_are_left_out_and_reported(tmp_path: Path) -> None:
    lines: list[str] = []
    made = train_pairs(
        "transformer", "tokenizer.source.max_length=40", "tokenizer.source.name=characters",
        "tokenizer.target.max_length=3", "tokenizer.target.name=words", report=lines.append,
        valid=(["a b", "c" * 60], ["가", "나"]),
    )  # fmt: skip
    assert made.metrics["training"]["valid_left_out"] == 1
    assert any("left out 1 pair " in line for line in lines)
    long = made.model.predict(["d" * 50])[0]
    assert long.truncated
    recipe = made.model.recipe.with_section("tokenizer", long_sources="refuse")
    strict = replace(made.model.input, recipe=recipe)
    with pytest.raises(DataError, match=r"row 2.*50 tokens.*40"):
        replace(made.model, input=strict).predict(["d", "d" * 50])


def test_same_seed_gives_same_weights() -> None:
    weights = [
        train_pairs("attentive", seed=seed).model.network.state_dict()["embedding.target_table"]
        for seed in (1, 1, 2)
    ]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
