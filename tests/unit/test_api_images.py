"""Images through the api: trained, repeated, resumed, saved, loaded, judged, refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from munjang import load
from munjang.api import Trained, evaluate, train
from munjang.data.samples.images import load_digits
from munjang.errors import ConfigError, DataError
from munjang.folder.layout import CARD, CONFIG, METRICS_FILE, WEIGHTS
from munjang.folder.sealed import open_sealed
from munjang.inputs.image import ImageInput
from munjang.model import Model

pytestmark = pytest.mark.usefixtures("one_thread")

IMAGE_FILES = (CONFIG, WEIGHTS, METRICS_FILE, CARD)
QUICK = (
    "training.epochs=6",
    "model.filters=[8, 16]",
    "model.pool_size=[1, 2]",
    "training.threads=1",
)


def load_some_digits(start: int = 0, stop: int = 300) -> tuple[list[Any], list[str]]:
    pixels, labels = load_digits()
    return list(pixels[start:stop]), labels[start:stop]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    out = tmp_path_factory.mktemp("models") / "digits"
    return train(load_some_digits(), task="images", overrides=QUICK, out=out)


def test_image_model_folder_has_no_tokenizer(trained: Trained) -> None:
    assert trained.folder is not None
    names = {path.name for path in trained.folder.iterdir()}
    assert names == {*IMAGE_FILES, "manifest.json", "metrics.jsonl", "tensorboard"}
    open_sealed(trained.folder).expect(IMAGE_FILES)
    model = load(trained.folder)
    assert isinstance(model, Model)
    assert isinstance(model.input, ImageInput)
    assert model.input.size == (1, 8, 8)
    images, _ = load_some_digits(300, 310)
    assert torch.equal(model.logits(images), trained.model.logits(images))
    assert model.predict(images) == trained.model.predict(images)
    for image, answer in zip(images, model.predict(images), strict=True):
        alone = model.predict(image)[0]
        assert alone.label == answer.label
        assert alone.probability == pytest.approx(answer.probability, abs=1e-5)
    assert model.predict([]) == []
    assert trained.scores.accuracy == model.metrics["validation"]["accuracy"]
    assert "# An image classifier" in (trained.folder / "README.md").read_text()


def test_images_of_other_size_and_mode_are_converted(trained: Trained) -> None:
    image = np.repeat(load_some_digits()[0][0], 3, axis=0).repeat(3, axis=1)
    color = np.stack([image] * 3, axis=2)
    assert trained.model.predict(color)[0].label == trained.model.predict(image)[0].label


def test_same_seed_repeats_a_run_and_stopped_run_resumes(tmp_path: Path) -> None:
    whole = train(load_some_digits(), task="images", overrides=QUICK, seed=5)

    def stop(step: Any) -> None:
        if step.number == 11:
            raise KeyboardInterrupt

    options: dict[str, Any] = {"task": "images", "seed": 5, "out": tmp_path / "m"}
    often = [*QUICK, "training.checkpoint_steps=1"]
    with pytest.raises(KeyboardInterrupt):
        train(load_some_digits(), overrides=often, on_step=stop, **options)
    went_on = train(load_some_digits(), overrides=often, resume=True, **options)
    weights = whole.model.network.state_dict()
    for name, tensor in went_on.model.network.state_dict().items():
        assert torch.equal(tensor, weights[name]), name


def test_equal_images_stay_in_one_part() -> None:
    images, labels = load_some_digits(0, 100)
    lines: list[str] = []
    train((images * 2, labels * 2), task="images", overrides=QUICK, report=lines.append)
    counts = next(line for line in lines if "to validate on" in line).split()
    assert int(counts[0]) % 2 == 0


def test_evaluate_names_file_of_unseen_class(trained: Trained, tmp_path: Path) -> None:
    from PIL import Image

    scores = evaluate(trained.model, load_some_digits(300, 400))
    assert scores.rows == 100
    assert scores.metrics["accuracy"] > 0.5
    (tmp_path / "seven").mkdir()
    path = tmp_path / "seven" / "x.png"
    Image.fromarray(load_some_digits()[0][7]).save(path)
    with pytest.raises(DataError, match="'seven' was never seen in training") as caught:
        evaluate(trained.model, tmp_path)
    assert str(caught.value).startswith(f"{path}: the label")
    with pytest.raises(ConfigError, match="unknown setting 'text_column'"):
        evaluate(trained.model, tmp_path, text_column="x")


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (3, ["a"] * 3, "expected at least two classes"),
        (3, ["a", "a", "b"], "the class 'b' has 1 different image,"),
    ],
)
def test_untrainable_classes_are_refused(images: int, labels: list[str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        train((load_some_digits()[0][:images], labels), task="images")


def test_image_in_two_classes_is_named() -> None:
    images = load_some_digits()[0][:4]
    with pytest.raises(DataError, match=r"images\[0\]: the same image .* as images\[4\]"):
        train(([*images, images[0]], ["a", "a", "b", "b", "b"]), task="images")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"task": "images", "model": "cnn"}, "classify on the input image takes image_cnn"),
        ({"input": "text", "model": "image_cnn"}, "model image_cnn reads the input image"),
        ({"task": "regress", "model": "image_cnn"}, "the task regress on the input text takes"),
        ({"task": "images", "text_column": "x"}, "unknown setting 'data.text_column'"),
        ({"task": "images", "tokenizer": "words"}, "unknown setting 'tokenizer'"),
        ({"task": "images", "overrides": ["image.size=x"]}, "expected height x width"),
        ({"task": "images", "overrides": ["training.length_buckets='1,2'"]}, "is for texts"),
        (
            {"task": "images", "overrides": ["training.metric=mae"]},
            "'accuracy', 'macro_f1' or 'log_loss', got 'mae'",
        ),
        (
            {"task": "images", "overrides": ["model.kernel_size=9", "model.padding=valid"]},
            "filters of 9x9",
        ),
        (
            {"overrides": ["image.size=9"]},
            "'image'; it goes with the input image, and this is classify on the input text",
        ),
    ],
)
def test_errors_are_one_line(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        train(load_some_digits(), **options)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_text_model_replaces_image_model_completely(tmp_path: Path) -> None:
    texts = [f"film {number}" for number in range(20)], ["yes", "no"] * 10
    out = tmp_path / "m"
    train(texts, model="mean", overrides=["training.epochs=1", "model.dim=4"], out=out)
    train(load_some_digits(), task="images", overrides=QUICK, out=out, overwrite=True)
    assert not (out / "tokenizer.json").exists()
    model = load(out)
    assert isinstance(model, Model)
    assert isinstance(model.input, ImageInput)


@pytest.mark.parametrize("named", [{"input": "image"}, {"model": "image_cnn"}])
def test_input_or_image_model_implies_image_classification(named: dict[str, str]) -> None:
    result = train(load_some_digits(), overrides=QUICK, **named).model
    alias = train(load_some_digits(), task="images", overrides=QUICK).model
    assert (result.recipe.input, result.recipe.task) == ("image", "classify")
    assert result.recipe == alias.recipe
    assert torch.equal(result.logits(load_some_digits()[0]), alias.logits(load_some_digits()[0]))
