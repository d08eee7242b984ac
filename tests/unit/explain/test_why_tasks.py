"""Why an answer, for every task: the score is that of the answer, and its shares are complete."""

import tempfile
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import munjang
from munjang.errors import ConfigError, DataError
from munjang.explain.attribution import Explanation
from munjang.explain.row import ExplainedRow, VectorScores
from munjang.model import Model
from tests.synthetic import QUICK, make_corpus

pytestmark = pytest.mark.usefixtures("one_thread")

SOURCES = ["the red house", "a small dog", "the dog runs", "a red dog", "the small house"] * 8
TARGETS = ["빨간 집", "작은 개", "개가 달린다", "빨간 개", "작은 집"] * 8
TEXT = "the great film was awful 영화"
LINES = [f"the {a} film was {a} and the {b} plot" for a in "abcde" for b in "vwxyz"]


def quick(data: Any, task: str, model: str, *more: str, **named: Any) -> Model:
    overrides = [*QUICK, "training.epochs=2", *more]
    trained: Model = munjang.train(data, task=task, model=model, overrides=overrides, **named).model
    return trained


def train_regress() -> Model:
    texts, labels = make_corpus(60)
    return quick((texts, [{"bad": -9.0, "so-so": 5.0, "good": 70.0}[n] for n in labels]),
                 "regress", "lstm")  # fmt: skip


def train_multilabel() -> Model:
    texts, labels = make_corpus(60)
    return quick((texts, [[label, "any"] for label in labels]), "multilabel", "cnn")


def pairs_of_texts() -> tuple[list[str], list[str]]:
    texts, _ = make_corpus(60)
    return texts, texts[::-1]


def train_similarity() -> Model:
    numbers = [float(n % 5) for n in range(60)]
    return quick((pairs_of_texts(), numbers), "similarity", "gru")


def train_joined() -> Model:
    labels = ["same" if n % 2 else "other" for n in range(60)]
    settings = ("model.heads=2", "two_texts.reading=joined")
    return quick((pairs_of_texts(), labels), "classify", "bert", *settings, input="two_texts")


def train_towers() -> Model:
    labels = ["same" if n % 2 else "other" for n in range(60)]
    settings = ("two_texts.reading=towers",)
    return quick((pairs_of_texts(), labels), "classify", "cnn", *settings, input="two_texts")


def train_masked() -> Model:
    texts, _ = make_corpus(60)
    settings = ("model.heads=2", "model.layers=1", "tokenizer.name=words")
    return quick((texts, None), "masked_lm", "bert", *settings, input="text")


def train_language(name: str) -> Model:
    small = ("model.context=32", "model.heads=2") if name == "transformer" else ()
    fixed = ("tokenizer.name=words", "data.window=16", "language.ngram_order=0", "model.ngrams=2")
    settings = ("model.dim=8", "training.max_steps=4", "training.threads=1", *fixed, *small)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lines.txt"
        path.write_text("\n".join(LINES), "utf-8")
        trained = munjang.train(path, task="language", model=name, overrides=settings)
    model: Model = trained.model
    return model


def train_translate(name: str) -> Model:
    words = ("tokenizer.source.name=words", "tokenizer.target.name=words")
    small = ("model.dim=16", "training.max_steps=6", "training.batch_tokens=200")
    settings = (*small, "training.threads=1", *words)
    pairs: Any = (SOURCES, TARGETS)
    trained: Model = munjang.train(pairs, task="translate", model=name, overrides=settings).model
    return trained


CASES: dict[str, tuple[Callable[[], Model], Any]] = {
    "regress": (train_regress, TEXT),
    "multilabel": (train_multilabel, TEXT),
    "similarity": (train_similarity, (TEXT, "the music was great")),
    "joined": (train_joined, (TEXT, "the music was great")),
    "towers": (train_towers, (TEXT, "the music was great")),
    "masked": (train_masked, "the [MASK] film was [MASK] music"),
    "next_lstm": (partial(train_language, "lstm"), "the a film\nwas a"),
    "next_transformer": (partial(train_language, "transformer"), "the a film\nwas a"),
    "write_seq2seq": (partial(train_translate, "seq2seq"), "the red dog"),
    "write_attentive": (partial(train_translate, "attentive"), "the red dog"),
    "write_transformer": (partial(train_translate, "transformer"), "the red dog"),
}
every_case = pytest.mark.parametrize("name", CASES)


@cache
def model_of(name: str) -> Model:
    """A model that all tests of this file share."""
    return CASES[name][0]()


def explain(name: str, **options: Any) -> Explanation:
    """Of models that write text a given answer, which is never empty, is explained."""
    if name.startswith("write"):
        options.setdefault("target", "빨간 개")
    return model_of(name).why(CASES[name][1], **options)


@every_case
def test_integrated_shares_are_complete(name: str) -> None:
    for row in explain(name, method="integrated"):
        lacking = row.value - row.base - row.total
        assert abs(lacking) <= 0.01 * abs(row.value - row.base) + 1e-3 or row.steps == 256


@every_case
def test_scores_of_vectors_equal_those_of_ids(name: str) -> None:
    by_vectors = explain(name, method="gradient")
    by_ids = explain(name, method="leave_one_out")
    assert [row.score for row in by_vectors] == [row.score for row in by_ids]
    for one, other in zip(by_vectors, by_ids, strict=True):
        assert one.value == pytest.approx(other.value, abs=1e-3, rel=1e-4)


@every_case
def test_words_of_each_text_are_those_of_the_person(name: str) -> None:
    value = CASES[name][1]
    texts = [value] if isinstance(value, str) else list(value)
    explanation = explain(name)
    for text, attributed in zip(texts, explanation.rows[0].texts, strict=False):
        assert attributed.text == text
        assert [word.strip() for word, _ in attributed.words] == text.split()


@every_case
def test_some_word_has_a_share(name: str) -> None:
    for row in explain(name):
        assert np.abs(row.texts[0].words.values).max() > 0


def test_number_is_the_explained_value() -> None:
    explanation = explain("regress")
    answer: Any = model_of("regress").predict([TEXT])[0]
    assert explanation.rows[0].value == pytest.approx(answer.value, rel=1e-4)


def test_each_label_of_an_answer_has_its_logit() -> None:
    model = model_of("multilabel")
    answer: Any = model.predict([TEXT])[0]
    explanation = explain("multilabel")
    labels = answer.labels or (max(answer.probabilities, key=answer.probabilities.get),)
    assert [row.score for row in explanation] == [f"logit of {label}" for label in labels]
    single = explain("multilabel", label="bad")
    expected = float(model.logits([TEXT])[0, model.labels.index("bad")])
    assert [row.value for row in single] == [pytest.approx(expected, abs=1e-4)]


def test_cosine_is_the_explained_value_and_both_texts_have_shares() -> None:
    answer: Any = model_of("similarity").predict([CASES["similarity"][1]])[0]
    (row,) = explain("similarity")
    assert row.value == pytest.approx(answer.cosine, abs=1e-4)
    assert len(row.texts) == 2
    assert all(np.abs(text.words.values).max() > 0 for text in row.texts)


def test_each_mask_has_the_token_of_the_answer() -> None:
    answer: Any = model_of("masked").predict([CASES["masked"][1]], top=1)[0]
    tokens = [candidates[0].token for candidates in answer.masks]
    explanation = explain("masked")
    assert [row.score for row in explanation] == [
        f"logit of {token} at [MASK] {place}" for place, token in enumerate(tokens, start=1)
    ]
    assert "logit of awful at [MASK] 1" in [row.score for row in explain("masked", label="awful")]


@pytest.mark.parametrize("name", ["next_lstm", "next_transformer"])
def test_next_token_is_the_one_that_is_predicted(name: str) -> None:
    answer: Any = model_of(name).predict([CASES[name][1]], top=1)[0]
    explanation = explain(name)
    shown = answer.candidates[0].token
    assert explanation.answer == ("the end of the line" if shown == "\\n" else shown)
    assert explain(name, label="plot").rows[0].score == "logit of plot"


@pytest.mark.parametrize("name", ["write_seq2seq", "write_attentive", "write_transformer"])
def test_written_words_have_a_matrix_with_words_of_the_source(name: str) -> None:
    explanation = explain(name)
    assert explanation.answer == "빨간 개"
    assert [row.score for row in explanation] == ["logit of 빨간", "logit of 개"]
    assert explanation.matrix().shape == (2, 3)
    assert list(explanation.words()) == ["the", "red", "dog"]
    # a word depends on those written before it, and on none behind it
    written = explanation.matrix(1)
    assert not written[0].any()
    assert written[1, 0]
    assert not written[1, 1]


@every_case
def test_shares_do_not_depend_on_how_many_tokens_are_read_at_once(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = [explain(name, method=m).to_json() for m in ("integrated", "leave_one_out")]
    for module in ("gradients", "row"):
        monkeypatch.setattr(f"munjang.explain.{module}._MOST_TOKENS", 1)
    alone = [explain(name, method=m).to_json() for m in ("integrated", "leave_one_out")]
    for one, other in zip(together, alone, strict=True):
        for row, same in zip(one["scores"], other["scores"], strict=True):
            for text, equal in zip(row["texts"], same["texts"], strict=True):
                shares, others = (
                    [word["share"] for word in values["words"]] for values in (text, equal)
                )
                np.testing.assert_allclose(shares, others, atol=2e-3, rtol=1e-3)


def test_vectors_of_a_row_are_those_that_the_network_makes() -> None:
    model = model_of("next_lstm")
    row = ExplainedRow.of(model, CASES["next_lstm"][1], None, None)
    (table,) = VectorScores.of(row).vectors(row.ids)
    network: Any = model.network
    with torch.no_grad():
        expected = network.token_vectors(row.ids[0], torch.zeros(1, 1, dtype=torch.int64))
    torch.testing.assert_close(table, expected)


@pytest.mark.parametrize(
    ("name", "options", "error", "message"),
    [
        ("regress", {"label": "a"}, ConfigError, "no classes"),
        ("similarity", {"label": "a"}, ConfigError, "no classes"),
        ("write_seq2seq", {"label": "a"}, ConfigError, "no classes"),
        ("masked", {"label": "zzz"}, ConfigError, "no token that this model predicts"),
        ("next_lstm", {"target": "a"}, ConfigError, "target"),
        ("multilabel", {"label": "bed"}, ConfigError, "did you mean 'bad'"),
    ],
)
def test_what_a_task_does_not_have_is_refused(
    name: str, options: dict[str, str], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        explain(name, **options)


def test_text_without_a_mask_is_refused() -> None:
    with pytest.raises(DataError, match=r"expected \[MASK\]"):
        model_of("masked").why("the film")
