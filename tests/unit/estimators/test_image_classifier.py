"""`ImageClassifier`: arrays or paths in, labels out. The images are scikit-learn's digits."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.base import clone, is_classifier
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import estimator_checks

import munjang
from munjang import ImageClassifier, MunjangError

QUICK: dict[str, Any] = {
    "model.filters": [8],
    "model.pool_size": 2,
    "model.dropout": 0.0,
    "training.epochs": 12,
    "training.batch_size": 16,
    "training.learning_rate": 0.02,
    "training.threads": 1,
}
_digits = load_digits(n_class=3)
IMAGES = (_digits.images * (255 / 16)).round().astype(np.uint8)[:120]
LABELS = _digits.target[:120]


def make_classifier(**settings: Any) -> ImageClassifier:
    return ImageClassifier(**{"random_state": 0, "settings": QUICK, **settings})


@pytest.fixture(scope="module")
def fitted() -> ImageClassifier:
    """Only to be asked."""
    return make_classifier().fit(IMAGES, LABELS)


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("digits")
    names = [str(folder / f"{number:03}.png") for number in range(len(IMAGES))]
    for name, image in zip(names, IMAGES, strict=True):
        Image.fromarray(image).save(name)
    return names


def test_fit_predict_and_score(fitted: ImageClassifier) -> None:
    answers = fitted.predict(IMAGES)
    assert answers.dtype == LABELS.dtype
    assert fitted.classes_.tolist() == [0, 1, 2]
    assert fitted.score(IMAGES, LABELS) == (answers == LABELS).mean() > 0.9
    probabilities = fitted.predict_proba(IMAGES)
    np.testing.assert_array_equal(probabilities.argmax(1), answers)
    np.testing.assert_allclose(probabilities.sum(1), 1)


def test_paths_arrays_and_pillow_images_give_same_answers(
    fitted: ImageClassifier, paths: list[str]
) -> None:
    expected = fitted.predict_proba(IMAGES)
    for images in (paths, np.array(paths), list(map(Path, paths)), list(IMAGES), iter(IMAGES)):
        np.testing.assert_array_equal(fitted.predict_proba(images), expected)
    pictures = list(map(Image.fromarray, IMAGES))
    np.testing.assert_array_equal(fitted.predict_proba(pictures), expected)
    repeated = make_classifier().fit(np.array(paths, dtype=object), LABELS)
    np.testing.assert_array_equal(repeated.predict_proba(IMAGES), expected)


def test_narrow_images_are_not_taken_as_color() -> None:
    narrow = IMAGES[:, :, 2:5]
    model = make_classifier(settings={**QUICK, "training.epochs": 1}).fit(narrow, LABELS)
    assert model.model_.recipe.image.size == (8, 3)
    assert model.predict(narrow).shape == (120,)
    assert model.predict(narrow[:1]).shape == (1,)


def test_color_images() -> None:
    red = np.zeros((*IMAGES.shape, 3), dtype=np.uint8)
    red[..., 0] = IMAGES
    model = make_classifier(settings={**QUICK, "training.epochs": 1}).fit(red, LABELS)
    assert model.model_.recipe.image.mode == "color"
    assert model.predict(red).shape == (120,)


@pytest.mark.parametrize(
    "check",
    [
        "check_no_attributes_set_in_init",
        "check_parameters_default_constructible",
        "check_get_params_invariance",
        "check_set_params",
        "check_estimator_cloneable",
        "check_estimator_repr",
        "check_estimator_tags_renamed",
        "check_valid_tag_types",
    ],
)
def test_scikit_learn_checks_without_2d_arrays(check: str) -> None:
    getattr(estimator_checks, check)("ImageClassifier", make_classifier())


def test_scikit_learn_tags() -> None:
    tags = ImageClassifier().__sklearn_tags__()
    assert tags.input_tags.three_d_array
    assert not tags.input_tags.two_d_array
    assert is_classifier(ImageClassifier())
    assert "tokenizer" not in ImageClassifier().get_params()


def test_pipeline_and_grid_search() -> None:
    invert = FunctionTransformer(lambda images: 255 - images)
    grid = {"imageclassifier__settings": [{**QUICK, "training.epochs": 1}, QUICK]}
    search = GridSearchCV(make_pipeline(invert, make_classifier()), grid, cv=2, error_score="raise")
    assert search.fit(IMAGES, LABELS).best_score_ > 0.8


def test_clone_pickle_and_folder(fitted: ImageClassifier, tmp_path: Path) -> None:
    assert clone(fitted).get_params() == fitted.get_params()
    assert {type(content) for content in fitted.__getstate__()["model_"].values()} == {bytes}
    back = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(back.predict_proba(IMAGES), fitted.predict_proba(IMAGES))
    loaded = munjang.load(fitted.save(tmp_path / "model"))
    assert [answer.label for answer in loaded.predict(IMAGES)] == [
        str(label) for label in fitted.predict(IMAGES)
    ]


def test_valid_data_and_errors() -> None:
    model = make_classifier(valid=(IMAGES[:20], LABELS[:20])).fit(IMAGES[20:], LABELS[20:])
    assert model.scores_.rows == 20
    with pytest.raises(MunjangError, match="valid: the label 7 is not among"):
        make_classifier(valid=(IMAGES[:1], [7])).fit(IMAGES, LABELS)
    with pytest.raises(MunjangError, match=r"a pair \(images, labels\)"):
        make_classifier(valid="folder").fit(IMAGES, LABELS)


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (_digits.images[:120], LABELS, r"images\[0\]: expected pixels as uint8.*float64 \[8, 8\]"),
        (IMAGES.reshape(120, -1), LABELS, r"got the shape \(120, 64\); give each image its sides"),
        (IMAGES[..., None, None], LABELS, "got the shape"),
        ("digits", LABELS, "expected several images, got str"),
        (5, LABELS, "expected several images, got int"),
        ([], [], "0 sample"),
        (np.empty((0, 8, 8), dtype=np.uint8), [], "0 sample"),
        (["no-such.png"] * 120, LABELS, "no-such.png: there is no such image"),
        (IMAGES, LABELS[:-1], "inconsistent numbers of samples"),
        (IMAGES, None, "target y is None"),
        (IMAGES, [1] * 120, "1 class"),
        (IMAGES, np.linspace(0, 1, 120), "Unknown label type"),
    ],
)
def test_invalid_input_is_refused(images: Any, labels: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_classifier().fit(images, labels)


def test_text_settings_are_refused() -> None:
    with pytest.raises(MunjangError, match="tokenizer"):
        make_classifier(settings={"tokenizer.name": "words"}).fit(IMAGES, LABELS)
    with pytest.raises(MunjangError, match="model cnn reads the input text"):
        make_classifier(model="cnn").fit(IMAGES, LABELS)


def test_predict_before_fit_raises_not_fitted_error() -> None:
    for ask in (make_classifier().predict, make_classifier().predict_proba):
        with pytest.raises(NotFittedError):
            ask(IMAGES)
