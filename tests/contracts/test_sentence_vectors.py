"""Sentence vectors of every encoder: equal alone, in any batch and any order, saved and loaded."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import munjang
from munjang.errors import ConfigError, DataError
from munjang.model import Model
from munjang.models.vectors import GivesStates
from munjang.tasks.heads import Ensemble, Head, find_encoders
from munjang.tasks.vectors import compute_vectors
from tests.architectures import ARCHITECTURES
from tests.contracts.test_encoders import ROWS, make_encoder
from tests.synthetic import make_corpus, make_dataset
from tests.unit.data.strategies import hostile_text

pytestmark = pytest.mark.usefixtures("one_thread")

POOLINGS = [None, "mean", "first", "max", "pooled"]
every_architecture = pytest.mark.parametrize("name", list(ARCHITECTURES))
SMALL = {
    "model.dim": 16,
    "training.epochs": 1,
    "training.batch_size": 16,
    "training.batch_tokens": "null",
    "training.threads": 1,
}
MODELS: dict[tuple[str, str], Model] = {}


def small_overrides(name: str, **changed: Any) -> list[str]:
    fields = ARCHITECTURES[name].config_class().model_fields
    small = {"heads": 2, "layers": 1, "filters": 8, "hidden_dim": 8, "bag_dim": 0}
    fitting = {f"model.{key}": value for key, value in small.items() if key in fields}
    both = {**SMALL, **fitting, **{key.replace("__", "."): v for key, v in changed.items()}}
    return [f"{key}={value}" for key, value in both.items()]


def train_classifier(name: str, *, korean: bool = True) -> Model:
    if (name, str(korean)) not in MODELS:
        trained = munjang.train(
            make_corpus(60, korean=korean), model=name, overrides=small_overrides(name)
        )
        MODELS[name, str(korean)] = trained.model
    return MODELS[name, str(korean)]


def reference_vectors(encoder: Any, rows: list[list[int]], pooling: str) -> np.ndarray:
    """Row by row without padding, pooled by plain loops."""
    vectors = []
    for row in rows:
        ids = torch.tensor([row or [0]])
        mask = torch.tensor([[True] * len(row) or [False]])
        with torch.inference_mode():
            if pooling == "pooled":
                vectors.append(encoder(ids, mask).pooled[0].numpy())
                continue
            states = encoder.states(ids, mask)[0].numpy()[: len(row)]
        if not row:
            vectors.append(np.zeros(encoder.states_dim, np.float32))
        elif pooling == "mean":
            vectors.append(sum(states) / len(row))
        else:
            vectors.append(states[0] if pooling == "first" else np.max(states, axis=0))
    return np.stack(vectors)


@every_architecture
@pytest.mark.parametrize("pooling", POOLINGS[1:])
def test_vectors_equal_those_of_single_rows(name: str, pooling: str) -> None:
    encoder = make_encoder(name, {}).eval()
    if pooling != "pooled" and not isinstance(encoder, GivesStates):
        with pytest.raises(ConfigError, match="choose pooled"):
            compute_vectors(Head(encoder, 2), make_dataset(ROWS, [0] * len(ROWS)), pooling=pooling)
        return
    rows = [*ROWS, *ROWS[::-1], *[[5, 6, 7]] * 300]
    data = make_dataset(rows, [0] * len(rows))
    vectors = compute_vectors(Head(encoder, 2), data, pooling=pooling)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(
        vectors, reference_vectors(encoder, rows, pooling), atol=1e-5, rtol=1e-4
    )
    normalized = compute_vectors(Head(encoder, 2), data, pooling=pooling, normalize=True)
    lengths = np.linalg.norm(vectors, axis=1)
    np.testing.assert_allclose(normalized * lengths[:, None], vectors, atol=1e-5, rtol=1e-4)


@every_architecture
def test_default_pooling_is_mean_of_states_if_available(name: str) -> None:
    encoder = make_encoder(name, {}).eval()
    pooling = "mean" if isinstance(encoder, GivesStates) else "pooled"
    assert ("states" in ARCHITECTURES[name].gives) == (pooling == "mean")
    data = make_dataset(ROWS, [0] * len(ROWS))
    expected = compute_vectors(Head(encoder, 2), data, pooling=pooling)
    assert np.array_equal(compute_vectors(Head(encoder, 2), data), expected)


def test_ensemble_concatenates_vectors() -> None:
    heads = [Head(make_encoder("cnn", {}, seed=seed), 2).eval() for seed in (1, 2)]
    data = make_dataset(ROWS, [0] * len(ROWS))
    expected = np.concatenate([compute_vectors(head, data) for head in heads], axis=1)
    assert np.array_equal(compute_vectors(Ensemble(heads).eval(), data), expected)


@every_architecture
@settings(
    max_examples=8,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(texts=st.lists(hostile_text(), min_size=1, max_size=6))
def test_embed_hostile_texts_equals_single_texts(name: str, texts: list[str]) -> None:
    model = train_classifier(name)
    texts = [*texts, "", "가" * 300]
    batched = model.embed(texts)
    assert np.isfinite(batched).all()
    single = np.concatenate([model.embed(text) for text in texts])
    np.testing.assert_allclose(batched, single, atol=1e-5, rtol=1e-4)
    many = model.embed(texts * 50)  # as a column, with threads
    np.testing.assert_allclose(many[-len(texts) :], single, atol=1e-5, rtol=1e-4)
    backwards = model.embed(texts[::-1])[::-1]
    np.testing.assert_allclose(backwards, single, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", ["cnn", "mean"])
def test_embed_gives_vectors_to_oov_words_of_subword_models(name: str) -> None:
    model = train_classifier(name, korean=False)
    texts = ["the film was greatest", "unheardof", "an unheardof plot"]
    batched = model.embed(texts)
    single = np.concatenate([model.embed(text) for text in texts])
    np.testing.assert_allclose(batched, single, atol=1e-5, rtol=1e-4)


@every_architecture
def test_saved_and_loaded_model_gives_same_vectors_and_hits(name: str, tmp_path: Path) -> None:
    model = train_classifier(name)
    texts, _ = make_corpus(40, korean=True, seed=5)
    model.save(tmp_path / "model")
    loaded = munjang.load(tmp_path / "model")
    assert np.array_equal(loaded.embed(texts), model.embed(texts))
    hits = model.search(texts, texts[7], k=3)[0]
    assert hits[0].row == 7
    assert hits[0].score == pytest.approx(1, abs=1e-5)
    assert munjang.search(tmp_path / "model", texts, texts[7], k=3)[0] == hits


def make_pairs(count: int) -> tuple[list[str], list[str], list[float]]:
    """Pairs of fillers around two words each: 5 if they share the word, else 0."""
    texts, labels = make_corpus(count, korean=True, seed=3)
    firsts, seconds, numbers = [], [], []
    for index, (text, label) in enumerate(zip(texts, labels, strict=True)):
        other = (index * 7 + index // 3) % count
        firsts.append(text)
        seconds.append(texts[other])
        numbers.append(5.0 if labels[other] == label else 0.0)
    return firsts, seconds, numbers


FAST = {
    "training__epochs": 20,
    "training__learning_rate": 0.01,
    "training__embedding_learning_rate": 0.01,
    "training__embedding_optimizer": "adamw",
    "training__schedule": "constant",
}


@every_architecture
@pytest.mark.parametrize("loss", ["cosine", "in_batch_negatives"])
def test_similarity_overfits_few_pairs(name: str, loss: str) -> None:
    firsts, seconds, numbers = make_pairs(60)
    kept = [index for index, number in enumerate(numbers) if number == 5 or loss == "cosine"]
    sides = tuple([column[index] for index in kept] for column in (firsts, seconds))
    data: Any = (sides, [numbers[index] for index in kept])
    metric = "spearman"
    if loss != "cosine":
        sides = sides[0], [f"{text} 이것" for text in sides[0]]
        data, metric = (sides, None), "mrr"
    trained = munjang.train(
        data,
        valid=data,
        task="similarity",
        model=name,
        overrides=small_overrides(name, similarity__loss=loss, **FAST),
    )
    scores = trained.scores.metrics
    assert scores[metric] > (0.8 if loss == "cosine" else 0.9), scores
    model = trained.model
    answers = model.predict(list(zip(*sides, strict=True)))
    first, second = (model.embed(side, normalize=True) for side in sides)
    cosines = [answer.cosine for answer in answers]
    np.testing.assert_allclose(cosines, (first * second).sum(1), atol=1e-5)
    if loss == "cosine":
        assert [a.value for a in answers] == pytest.approx([5 * c for c in cosines], abs=1e-4)


@every_architecture
def test_similarity_model_is_saved_and_loaded(name: str, tmp_path: Path) -> None:
    firsts, seconds, numbers = make_pairs(40)
    trained = munjang.train(
        ((firsts, seconds), numbers),
        task="similarity",
        model=name,
        overrides=small_overrides(name, similarity__pooling="pooled"),
        out=tmp_path / "model",
    )
    loaded = munjang.load(tmp_path / "model")
    rows = [(firsts[0], seconds[0]), (seconds[0], firsts[0]), (firsts[1], firsts[1])]
    assert loaded.predict(rows) == trained.model.predict(rows)
    answers = loaded.predict(rows)
    assert answers[0].cosine == pytest.approx(answers[1].cosine, abs=1e-6), "order is no matter"
    assert answers[2].cosine == pytest.approx(1, abs=1e-5)
    many = loaded.predict(rows * 60)
    assert [a.cosine for a in many[:3]] == pytest.approx([a.cosine for a in answers], abs=1e-5)
    # the pooling of the training is that of embed
    expected = loaded.embed(firsts, pooling="pooled")
    assert np.array_equal(loaded.embed(firsts), expected)
    assert find_encoders(loaded.network)


def test_embed_without_encoder_is_refused_in_one_line() -> None:
    texts = [f"{n} a" for n in range(30)]
    trained = munjang.train(
        (texts, texts),
        task="translate",
        model="seq2seq",
        overrides=["training.epochs=1", "training.max_steps=1", "model.dim=8"],
    )
    with pytest.raises(ConfigError, match="no encoder that gives a vector per text"):
        trained.model.embed(["1 a"])


def test_embed_errors_name_the_argument() -> None:
    model = train_classifier("cnn")
    with pytest.raises(ConfigError, match="unknown pooling 'men'; did you mean 'mean'"):
        model.embed(["글"], pooling="men")
    with pytest.raises(DataError, match=r"queries\[1\]: expected a text"):
        model.search(["글"], ["글", " "])
    with pytest.raises(DataError, match=r"texts\[1\]: expected a string"):
        model.embed(["글", None])
    assert model.embed([]).shape == (0, model.embed("글").shape[1])
    assert model.search(["", " "], "글") == [[]]
    with (
        tempfile.TemporaryDirectory() as folder,
        pytest.raises(ConfigError, match=r"ends in \.npy"),
    ):
        munjang.embed(model, "texts.txt", Path(folder) / "vectors.csv")
