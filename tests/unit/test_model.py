"""Answers of a model of texts: neither mood nor neighbors change them."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from munjang.api import load, train
from munjang.errors import DataError
from munjang.model import Model
from munjang.text.vocabulary import OOV
from tests.synthetic import QUICK, make_corpus
from tests.unit.text.strategies import hostile_text, with_surrogates

pytestmark = pytest.mark.usefixtures("one_thread")

CLEAR_TEXT = "the film was great and lovely"
TEXTS = [CLEAR_TEXT, "awful", "", "never seen before", "영화", "okay okay okay", CLEAR_TEXT + " 7"]


@pytest.fixture(scope="module")
def model() -> Model:
    """A small model that tells three classes apart."""
    overrides = [*QUICK, "tokenizer.max_length=12"]
    return train(make_corpus(), model="cnn", overrides=overrides).model


def test_predictions_have_label_and_probabilities(model: Model) -> None:
    answers = model.predict(TEXTS)
    assert len(answers) == len(TEXTS)
    for answer in answers:
        assert list(answer.probabilities) == ["bad", "good", "so-so"]
        assert sum(answer.probabilities.values()) == pytest.approx(1.0)
        assert answer.probability == max(answer.probabilities.values())
        assert answer.probabilities[answer.label] == answer.probability
    assert model.predict([]) == []
    assert model.predict_proba([]).shape == (0, 3)


def generate_texts() -> Iterator[str]:
    yield from TEXTS


@pytest.mark.parametrize(
    "texts",
    [
        pytest.param(lambda: tuple(TEXTS), id="tuple"),
        pytest.param(generate_texts, id="generator"),
        pytest.param(lambda: np.array(TEXTS), id="numpy"),
        pytest.param(lambda: np.array(TEXTS, dtype=object), id="numpy of objects"),
        pytest.param(lambda: pl.Series(TEXTS), id="polars"),
        pytest.param(lambda: dict.fromkeys(TEXTS).keys(), id="keys"),
    ],
)
def test_any_iterable_of_strings(model: Model, texts: Any) -> None:
    assert model.predict(texts()) == model.predict(TEXTS)


def test_single_string_is_one_text(model: Model) -> None:
    assert model.predict(CLEAR_TEXT) == model.predict([CLEAR_TEXT])
    assert np.array_equal(model.predict_proba(CLEAR_TEXT), model.predict_proba([CLEAR_TEXT]))


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["good", None], r"texts\[1\]: expected a string, got NoneType"),
        ([5], r"texts\[0\]: expected a string, got int"),
        ([["nested"]], r"texts\[0\]: expected a string, got list"),
        ([float("nan")], r"texts\[0\]: expected a string, got float"),
        ([b"bytes"], r"texts\[0\]: expected a string, got bytes"),
        (b"bytes", "expected a string or strings, got bytes, which has no encoding"),
        (pl.Series(["a", None]), r"texts\[1\]: expected a string, got NoneType"),
        (pl.Series([1, 2]), r"texts\[0\]: expected a string, got int"),
        (None, "expected a string or strings, got NoneType"),
        (5, "expected a string or strings, got int"),
        (["a", "b\ud800c"], r"texts\[1\]: holds half of a surrogate pair"),
    ],
)
def test_invalid_texts_are_named(model: Model, texts: Any, message: str) -> None:
    for predict in (model.predict, model.predict_proba):
        with pytest.raises(DataError, match=message):
            predict(texts)


@given(with_surrogates())
@settings(max_examples=20)
def test_lone_surrogate_is_named_by_index(model: Model, text: str) -> None:
    with pytest.raises(DataError, match=r"texts\[2\]: holds half of a surrogate pair"):
        model.predict(["fine", "영화", text])


def test_text_of_100_000_characters(model: Model) -> None:
    (answer,) = model.predict(["great " * 20_000])
    assert answer.truncated
    assert answer.label == "good"
    assert model.predict("great " * 12)[0].truncated is False
    assert model.predict("great " * 13)[0].truncated is True
    assert model.predict("x" * 100_000)[0].truncated is False


def test_texts_of_unknown_tokens(model: Model) -> None:
    empty, blank, unseen = model.predict(["", " \n\t ", "\U0001f984\u0301\u202e\x00 ㅋㅋ"])
    assert empty.probabilities == blank.probabilities
    assert sum(unseen.probabilities.values()) == pytest.approx(1.0)


@given(texts=st.lists(hostile_text(), min_size=1, max_size=6), data=st.data())
@settings(max_examples=40)
def test_probabilities_do_not_depend_on_batch_or_order(
    model: Model, texts: list[str], data: st.DataObject
) -> None:
    together = model.predict_proba(texts)
    order = data.draw(st.permutations(range(len(texts))))
    shuffled = model.predict_proba([texts[index] for index in order])
    assert shuffled == pytest.approx(together[list(order)], abs=1e-6)
    for text, row in zip(texts, together, strict=True):
        assert model.predict_proba([text])[0] == pytest.approx(row, abs=1e-6)


@pytest.mark.parametrize("name", ["mean", "cnn"])
def test_oov_words_are_known_by_their_subwords(name: str, tmp_path: Path) -> None:
    stems = {"good": ("happi", "joyfu", "gladde"), "bad": ("gloomi", "dreadfu", "saddene")}
    rows = [
        (f"{stem}{end} {other}{end}", label)
        for label, some in stems.items()
        for stem in some
        for other in some
        for end in ("ly", "er", "ness", "st")
    ]
    texts, labels = map(list, zip(*rows * 4, strict=True))
    overrides = [*QUICK, "data.validation_split=0.2", "training.epochs=8"]
    model = train((texts, labels), model=name, overrides=overrides).model
    unseen = ["happied gladdens", "gloomied saddenens", "gladdenish", "dreadfullish", "qq", "qz"]
    assert {model.input.tokenizer.vocabulary.id_of(word) for word in " ".join(unseen).split()} == {
        OOV
    }
    answers = model.predict(unseen)
    assert [answer.label for answer in answers[:4]] == ["good", "bad", "good", "bad"]
    assert answers[4].probabilities == pytest.approx(answers[5].probabilities, abs=1e-6)
    result = model.predict_proba(unseen)
    assert np.array_equal(load(model.save(tmp_path / "saved")).predict_proba(unseen), result)
    for text, row in zip(unseen, result, strict=True):
        assert model.predict_proba([text])[0] == pytest.approx(row, abs=1e-6)


def test_many_rows_of_many_lengths(model: Model) -> None:
    texts, _ = make_corpus(700, seed=3)
    texts = [text * (1 + index % 5) for index, text in enumerate(texts)]
    whole = model.predict_proba(texts)
    assert model.predict_proba(texts[::-1]) == pytest.approx(whole[::-1], abs=1e-6)
    picked = [0, 17, 256, 699]
    alone = np.concatenate([model.predict_proba([texts[index]]) for index in picked])
    assert alone == pytest.approx(whole[picked], abs=1e-6)


@pytest.fixture(scope="module", params=["mean", "cnn", "rnn", "lstm", "gru", "transformer"])
def subword_model(request: pytest.FixtureRequest) -> Model:
    """A model of words that spells new ones, with signs of capitals."""
    overrides = [*QUICK, "training.epochs=1", "tokenizer.max_length=12", "model.ngrams=2"]
    return train(make_corpus(40), model=request.param, overrides=overrides).model


@settings(max_examples=15, deadline=None)
@given(texts=st.lists(hostile_text(), min_size=1, max_size=6))
def test_single_text_equals_text_in_column(subword_model: Model, texts: list[str]) -> None:
    column = pl.Series([*texts, *[CLEAR_TEXT] * 200])
    alone = np.concatenate([subword_model.predict_proba(text) for text in texts])
    few = subword_model.predict_proba(texts)
    assert np.abs(subword_model.predict_proba(column)[: len(texts)] - alone).max() < 1e-6
    assert np.abs(few - alone).max() < 1e-6
    cut = [answer.truncated for answer in subword_model.predict(column)][: len(texts)]
    assert [subword_model.predict(text)[0].truncated for text in texts] == cut


def test_predict_is_thread_safe(subword_model: Model) -> None:
    texts = [f"{CLEAR_TEXT} new{n} Word{n % 3} and{'x' * (n % 5)}" for n in range(160)]
    expected = [subword_model.predict(text) for text in texts]
    begin = threading.Barrier(8)

    def ask(part: int) -> list[Any]:
        begin.wait()
        return [subword_model.predict(text) for text in texts[part::8]]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))
    for part, actual in enumerate(answers):
        assert actual == expected[part::8]
    assert not subword_model.network.training


@given(text=with_surrogates())
def test_lone_surrogate_is_refused_alone_and_in_a_list(model: Model, text: str) -> None:
    for given_texts in (text, [CLEAR_TEXT, text], (text,)):
        with pytest.raises(DataError, match="half of a surrogate pair"):
            model.predict(given_texts)


def test_numpy_scalar_is_refused_in_one_line(model: Model) -> None:
    for ask in (model.predict, model.predict_proba):
        with pytest.raises(DataError, match=r"an array of shape \(\)"):
            ask(np.array("a text"))
