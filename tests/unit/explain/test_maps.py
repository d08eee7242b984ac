"""Maps of texts, words that moved, and their pages."""

import json
from typing import Any

import numpy as np
import pytest
from sklearn.decomposition import PCA

from munjang.errors import ConfigError, DataError
from munjang.explain.moved_words import find_moved_words
from munjang.explain.projection import project
from munjang.explain.text_map import make_text_map
from munjang.report.maps import MOVED_WORDS, TEXT_MAP

HOSTILE = "<script>alert(1)</script> & 재미있다 \x00"


class Embeds:
    """A model whose vectors tell two labels apart."""

    def embed(self, values: list[str], *, pooling: Any = None, normalize: bool = False) -> Any:
        draw = np.random.default_rng(0)
        signs = np.array([[1 if "good" in value else -1] for value in values])
        vectors = (signs * np.eye(8)[0] + draw.normal(0, 0.1, (len(values), 8))).astype(np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def make_texts(count: int) -> tuple[list[str], list[str]]:
    labels = ["good" if n % 3 else "bad" for n in range(count)]
    return [f"{label} text {n} {HOSTILE}" for n, label in enumerate(labels)], labels


def test_components_are_those_of_scikit_learn() -> None:
    vectors = np.random.default_rng(1).normal(size=(50, 7)).astype(np.float32) * np.arange(1, 8)
    projection = project(vectors)
    reference = PCA(2, svd_solver="full").fit(vectors)
    expected = reference.transform(vectors)
    signs = np.sign((expected * projection.points).sum(0))
    np.testing.assert_allclose(projection.points, expected * signs, atol=1e-3)
    np.testing.assert_allclose(projection.shares, reference.explained_variance_ratio_, atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 4), (2, 4), (5, 1), (3, 2)])
def test_few_rows_and_narrow_vectors_have_a_place(shape: tuple[int, int]) -> None:
    points = project(np.ones(shape, dtype=np.float32)).points
    assert points.shape == (shape[0], 2)
    assert np.isfinite(points).all()


def test_unknown_projection_and_few_rows_for_tsne_are_refused() -> None:
    vectors = np.ones((3, 2), dtype=np.float32)
    with pytest.raises(ConfigError, match="pca or tsne"):
        project(vectors, "umap")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="more than 3 rows"):
        project(vectors, "tsne")


def test_tsne_keeps_groups_together_and_repeats() -> None:
    pytest.importorskip("openTSNE")
    draw = np.random.default_rng(2)
    centers = np.repeat(np.eye(6)[:3] * 5, 20, axis=0)
    vectors = (centers + draw.normal(0, 0.2, centers.shape)).astype(np.float32)
    points = project(vectors, "tsne").points
    np.testing.assert_array_equal(points, project(vectors, "tsne").points)
    distances = np.linalg.norm(points[:, None] - points[None], axis=-1)
    np.fill_diagonal(distances, np.inf)
    assert (distances.argmin(1) // 20 == np.arange(60) // 20).all()


def test_map_shows_a_sample_with_its_labels() -> None:
    texts, labels = make_texts(90)
    shown = make_text_map(Embeds(), texts, labels, most=40, seed=3)
    assert len(shown.texts) == 40
    assert shown.left_out == 50
    assert shown.agreement == 1
    assert shown.labels is not None
    assert all(text.startswith(name) for text, name in zip(shown.texts, shown.labels, strict=True))
    assert shown.texts == make_text_map(Embeds(), texts, labels, most=40, seed=3).texts
    assert len(json.loads(json.dumps(shown.to_json()))["points"]) == 40


def test_map_without_texts_is_refused() -> None:
    with pytest.raises(DataError, match="at least one text"):
        make_text_map(Embeds(), [])


def test_pages_escape_texts_and_load_nothing() -> None:
    texts, labels = make_texts(30)
    shown = make_text_map(Embeds(), texts, labels)
    vectors = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
    moved = find_moved_words(texts, vectors, vectors[::-1])
    pages = [str(TEXT_MAP.drawn[s](shown)) for s in (".html", ".svg")]
    pages.append(str(MOVED_WORDS.drawn[".html"](moved)))
    for drawn in pages:
        assert "<script>alert" not in drawn
        assert "\x00" not in drawn
        assert "src=" not in drawn
        assert "http" not in drawn.replace("http://www.w3.org/2000/svg", "")


def test_many_labels_share_the_last_color() -> None:
    texts = [f"text {n}" for n in range(40)]
    drawn = str(TEXT_MAP.drawn[".svg"](make_text_map(Embeds(), texts, texts)))
    assert "other labels" in drawn


def test_words_that_moved_are_found_with_their_neighbors() -> None:
    words = ["good", "fine", "bad", "poor", "the"]
    before = np.eye(5, dtype=np.float32)
    before[1] = before[0] + 0.1 * before[1]
    after = before.copy()
    after[0] = 3 * before[2] + 0.1 * before[0]
    moved = find_moved_words(words, before, after, most=2, near=1)
    assert moved.words[0].word == "good"
    assert moved.words[0].before == ("fine",)
    assert moved.words[0].after == ("bad",)
    assert moved.words[0].cosine < 0.1
    assert moved.words[1].distance == 0
    assert moved.compared == 5
    with pytest.raises(DataError, match="of one width"):
        find_moved_words(words, before, after[:, :3])
    with pytest.raises(DataError, match="got none"):
        find_moved_words([], before[:0], after[:0])
