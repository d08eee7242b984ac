"""Static vectors: token by token against a slow loop, and what is made of them."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

import munjang
from munjang.data.encode import encode_texts
from munjang.data.settings import TokenizerSettings
from munjang.distillation.static import (
    distil_static,
    marks_of,
    principal_components,
    sif_weights,
    token_states,
)
from munjang.errors import ConfigError, FolderError
from munjang.model import Model
from munjang.tasks.heads import find_encoders
from munjang.text.columns import values_and_offsets
from munjang.text.registry import make_tokenizer
from munjang.text.vocabulary import EOS, GO, OOV, RESERVED, Vocabulary
from tests.synthetic import QUICK, make_corpus

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL = ("training.epochs=2", "training.threads=1", "model.dim=16", "model.layers=1",
         "model.heads=2")  # fmt: skip


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small Transformer that has learned the made corpus."""
    out = tmp_path_factory.mktemp("teacher") / "t"
    munjang.train(make_corpus(), model="transformer", overrides=SMALL, out=out)
    return out


def load_model(folder: Path) -> Model:
    model = munjang.load(folder)
    assert isinstance(model, Model)
    return model


@pytest.mark.parametrize(("before", "after"), [([GO], [EOS]), ([EOS], []), ([], [])])
def test_token_vectors_equal_encoder_of_single_token(
    teacher: Path, before: list[int], after: list[int]
) -> None:
    model = load_model(teacher)
    [encoder] = find_encoders(model.network)
    size = model.input.size
    result = token_states(encoder, size, before, after)
    for index, token in enumerate([OOV, *range(len(RESERVED), size)]):
        row = torch.tensor([[*before, token, *after]])
        with torch.no_grad():
            states = encoder.states(row, torch.ones_like(row, dtype=torch.bool))[0]
        np.testing.assert_allclose(result[index], states.mean(0).numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("marks", ["add_go_eos", "line_breaks", "neither"])
def test_marks_are_those_of_an_encoded_text_of_one_token(marks: str) -> None:
    settings = TokenizerSettings.parse({} if marks == "neither" else {marks: True})
    tokenizer = make_tokenizer("words").fit(pl.Series(["token"]))
    encoded = encode_texts(
        tokenizer, pl.Series(["token"]), max_length=8, add_go_eos=settings.add_go_eos,
        line_breaks=settings.line_breaks,
    )  # fmt: skip
    ids, _ = values_and_offsets(encoded.column)
    before, after = marks_of(settings)
    assert ids.tolist() == [*before, len(RESERVED), *after]


def test_principal_components_equal_scikit_learn() -> None:
    from sklearn.decomposition import PCA

    vectors = np.random.default_rng(0).standard_normal((60, 8)) * np.arange(1, 9)
    ours, kept = principal_components(vectors, 3)
    pca = PCA(3, svd_solver="full")
    theirs = pca.fit_transform(vectors)
    np.testing.assert_allclose(np.abs(ours), np.abs(theirs), rtol=1e-6, atol=1e-8)
    assert kept == pytest.approx(pca.explained_variance_ratio_.sum())


def test_all_components_preserve_distances() -> None:
    vectors = np.random.default_rng(0).standard_normal((20, 5))
    ours, kept = principal_components(vectors, 5)
    assert kept == pytest.approx(1)
    for a, b in ((0, 1), (3, 17)):
        apart = np.linalg.norm(ours[a] - ours[b])
        assert apart == pytest.approx(np.linalg.norm(vectors[a] - vectors[b]))


def test_frequent_tokens_have_small_weights() -> None:
    counted = Vocabulary((*RESERVED, "the", "film"), np.array([0, 0, 0, 0, 999, 1]))
    oov, the, film = sif_weights(counted)
    assert the == pytest.approx(1e-4 / (1e-4 + 999 / 1001))
    assert film == pytest.approx(1e-4 / (1e-4 + 1 / 1001))
    assert oov == film
    without_counts = Vocabulary((*RESERVED, "a", "b", "c"), np.zeros(7, dtype=np.int64))
    weights = sif_weights(without_counts)
    assert (np.diff(weights[1:]) > 0).all()


def test_text_vector_is_weighted_mean_of_token_vectors(teacher: Path, tmp_path: Path) -> None:
    static = distil_static(teacher, dim=5, out=tmp_path / "s")
    reloaded = load_model(tmp_path / "s")
    text = make_corpus(3)[0][0]
    np.testing.assert_array_equal(static.embed([text]), reloaded.embed([text]))
    ids = [int(token) for token in reloaded.input.tokenizer.encode_text(text)]  # type: ignore[attr-defined]
    [encoder] = find_encoders(reloaded.network)
    table = encoder.embedding.weight.detach().numpy()
    expected = sum(table[token] for token in ids)
    actual = reloaded.embed([text])[0]
    cosine = actual @ expected / np.linalg.norm(actual) / np.linalg.norm(expected)
    assert cosine == pytest.approx(1, abs=1e-5)
    assert not table[[0, GO, EOS]].any()
    assert "# Static vectors" in (tmp_path / "s" / "README.md").read_text(encoding="utf-8")


def test_training_starts_from_static_vectors(teacher: Path, tmp_path: Path) -> None:
    distil_static(teacher, dim=8, out=tmp_path / "s")
    lines: list[str] = []
    trained = munjang.train(
        make_corpus(240),
        model="mean",
        from_folder=tmp_path / "s",
        overrides=["training.threads=1", "training.epochs=8", "training.learning_rate=0.03",
                   "training.batch_size=8", "training.embedding_learning_rate=0.05"],
        report=lines.append,
    )  # fmt: skip
    assert any("begin from" in line for line in lines)
    assert trained.scores.metrics["accuracy"] > 0.8  # type: ignore[attr-defined]
    assert trained.model.input.size == load_model(tmp_path / "s").input.size


def test_model_without_states_is_refused(tmp_path: Path) -> None:
    munjang.train(make_corpus(), model="mean", overrides=QUICK, out=tmp_path / "m")
    with pytest.raises(ConfigError, match="no state per token"):
        distil_static(tmp_path / "m")


@pytest.mark.parametrize("dim", [0, -1, 17])
def test_invalid_dim_is_refused(teacher: Path, dim: int) -> None:
    with pytest.raises(ConfigError, match="expected 1 to 16"):
        distil_static(teacher, dim=dim)


def test_existing_model_is_not_overwritten(teacher: Path, tmp_path: Path) -> None:
    distil_static(teacher, dim=4, out=tmp_path / "s")
    before = (tmp_path / "s" / "manifest.json").read_bytes()
    with pytest.raises(FolderError, match="finished model"):
        distil_static(teacher, dim=5, out=tmp_path / "s")
    assert (tmp_path / "s" / "manifest.json").read_bytes() == before
    distil_static(teacher, dim=5, out=tmp_path / "s", overwrite=True)
    assert load_model(tmp_path / "s").recipe.model.dim == 5  # type: ignore[attr-defined]
