"""Baselines of images: scikit-learn's answers, and folders that load."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from munjang.api import evaluate, load
from munjang.baselines.images import IMAGE_BASELINES, ImageBaseline, fit_image_baseline
from munjang.errors import FolderError
from munjang.folder.manifest import write_manifest


def make_squares(rows: int, classes: int, channels: int) -> tuple[np.ndarray, np.ndarray]:
    """Images of noise, each with a bright column that tells its class."""
    random = np.random.default_rng(0)
    targets = np.arange(rows) % classes
    pixels = random.integers(0, 90, (rows, channels, 5, 4)).astype(np.uint8)
    pixels[np.arange(rows), :, :, targets] += 120
    return pixels, targets


def to_image_list(pixels: np.ndarray) -> list[np.ndarray]:
    return list(pixels[:, 0] if pixels.shape[1] == 1 else np.moveaxis(pixels, 1, -1))


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("mode", ["gray", "color"])
@pytest.mark.parametrize("name", IMAGE_BASELINES)
def test_every_baseline_fits_and_reloads(
    name: str, mode: Any, classes: int, tmp_path: Path
) -> None:
    labels = ["x", "y", "z"][:classes]
    pixels, targets = make_squares(60, classes, 1 if mode == "gray" else 3)
    model = fit_image_baseline(name, pixels, targets, labels, mode, (5, 4))
    images = to_image_list(pixels)
    probabilities = model.predict_proba(images)
    assert probabilities.shape == (60, classes)
    assert np.allclose(probabilities.sum(1), 1)
    right = (probabilities.argmax(1) == targets).mean()
    assert right == (1.0 if name != "majority" else pytest.approx(1 / classes))
    reloaded = load(model.save(tmp_path / "model"))
    assert isinstance(reloaded, ImageBaseline)
    np.testing.assert_array_equal(reloaded.predict_proba(images), probabilities)
    answer = reloaded.predict(images[0])[0]
    assert answer.probability == pytest.approx(probabilities[0].max())
    named = [labels[target] for target in targets]
    assert evaluate(reloaded, (images, named)).metrics["accuracy"] == right


@pytest.mark.parametrize("classes", [2, 3])
def test_logistic_pixels_equals_scikit_learn(classes: int) -> None:
    pixels, targets = make_squares(60, classes, 1)
    features = pixels.reshape(60, -1) / 255
    expected = LogisticRegression(max_iter=1000).fit(features, targets).predict_proba(features)
    labels = [str(index) for index in range(classes)]
    model = fit_image_baseline("logistic-pixels", pixels, targets, labels, "gray", (5, 4))
    assert model.predict_proba(to_image_list(pixels)) == pytest.approx(expected, abs=1e-3)


INVALID: dict[str, dict[str, Any]] = {
    "another size": {"size": [4, 4]},
    "no size": {"size": None},
    "an unknown mode": {"mode": "infrared"},
    "an unknown baseline": {"name": "tfidf-words"},
    "one label": {"labels": ["x"]},
    "labels that are no texts": {"labels": [1, 2]},
    "more than there is": {"more": 1},
}


@pytest.mark.parametrize("case", INVALID)
def test_load_altered_settings_is_refused(case: str, tmp_path: Path) -> None:
    pixels, targets = make_squares(20, 2, 1)
    model = fit_image_baseline("logistic-pixels", pixels, targets, ["x", "y"], "gray", (5, 4))
    path = model.save(tmp_path / "model") / "baseline.json"
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **INVALID[case]}), "utf-8")
    write_manifest(path.parent, model.files(), "0")
    with pytest.raises(FolderError) as caught:
        load(path.parent)
    assert str(path.parent) in str(caught.value)
    assert "\n" not in str(caught.value)
