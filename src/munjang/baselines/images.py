"""Baselines of images: the most frequent class, and logistic regression on the pixels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from munjang.baselines.baseline import Baseline, Strings
from munjang.data.images.read import decode_all
from munjang.data.images.settings import CHANNELS, ImageSettings, Mode
from munjang.data.images.sources import list_images
from munjang.errors import FolderError, MunjangError
from munjang.folder.sealed import are_strings
from munjang.reporting import format_markdown_list, pluralize, stage

if TYPE_CHECKING:
    from torch import Tensor

    from munjang.data.table import Table
    from munjang.folder.weights import Entry
    from munjang.tasks.class_answers import Prediction
    from munjang.tasks.classify import Classify
    from munjang.tasks.task import TaskScores

IMAGE_BASELINES: dict[str, str] = {
    "majority": "the most frequent class, whatever the image",
    "logistic-pixels": "logistic regression on the pixels",
}

Floats = npt.NDArray[np.float64]
Weights = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Pixels = npt.NDArray[np.uint8]

_MOST_STEPS = 1000
_BATCH = 1024  # images whose pixels are floats at once


@dataclass(frozen=True, repr=False)
class ImageBaseline(Baseline):
    """A fitted baseline of images.

    Attributes:
        name: a key of `IMAGE_BASELINES`.
        labels: class names, in the order of the columns of `predict_proba`.
        mode: gray or color.
        size: height and width.
        weights: [classes, channels * height * width], or [classes, 0].
        bias: [classes].
    """

    kind: ClassVar[str] = "images"
    task_name: ClassVar[str] = "classify"  # type: ignore[misc]
    input_name: ClassVar[str] = "image"
    string_files: ClassVar[Mapping[str, str]] = {}
    array_names: ClassVar[tuple[str, ...]] = ("weights", "bias")
    summaries: ClassVar[Mapping[str, str]] = IMAGE_BASELINES

    name: str
    labels: tuple[str, ...]
    mode: Mode
    size: tuple[int, int]
    weights: Weights
    bias: Weights

    @property
    def parameters(self) -> int:
        """Number of fitted numbers."""
        return self.weights.size + self.bias.size

    @property
    def form(self) -> ImageSettings:
        """Mode and size of the images that it reads."""
        return ImageSettings(mode=self.mode, size=self.size)

    def predict_proba(self, images: Any) -> Floats:
        """Return probabilities [images, classes]; one image counts as a list of one.

        Raises:
            DataError: An image cannot be read; it is named.
        """
        from scipy.special import softmax

        return np.asarray(softmax(self.margins(self._pixels(images)), axis=1))

    def predict(self, images: Any) -> "list[Prediction]":
        """Return the most probable class of each image, with all probabilities.

        Raises:
            DataError: An image cannot be read; it is named.
        """
        logits = self.logits(images)
        return self.task.answers_of(logits, np.zeros(len(logits), dtype=bool))

    def margins(self, pixels: Pixels) -> Floats:
        """Return margins [images, classes] of pixels uint8 [images, channels, height, width]."""
        outputs = np.tile(self.bias.astype(np.float64), (len(pixels), 1))
        if self.weights.shape[1]:
            for start in range(0, len(pixels), _BATCH):
                rows = slice(start, start + _BATCH)
                outputs[rows] += _features(pixels[rows]) @ self.weights.T
        return outputs

    def logits(self, images: Any) -> "Tensor":
        """Return margins [images, classes], which stand for a network's logits."""
        return self._two_less(self.margins(self._pixels(images)))

    def _two_less(self, margins: Floats) -> "Tensor":
        """Return the logits of the task: of two classes, one logit is the difference."""
        import torch

        outputs = self.task.outputs
        return torch.from_numpy(np.diff(margins, axis=1) if outputs == 1 else margins)

    def score(self, table: "Table") -> "TaskScores":
        """Return the scores of the answers to a table of images.

        Raises:
            DataError: A class is unknown.
        """
        logits = self._two_less(self.margins(table["image"]))
        scores: TaskScores = self.task.scores(logits, self.task.targets(table))
        return scores

    def _pixels(self, images: Any) -> Pixels:
        return decode_all(list_images(images), self.mode, self.size)

    @property
    def task(self) -> "Classify":
        """The classification task of its labels."""
        from munjang.tasks.classify import Classify, ClassifySettings

        return Classify(self.labels, ClassifySettings())

    def config(self) -> dict[str, Any]:
        """Return the values of `baseline.json`, besides the kind."""
        return {
            "name": self.name,
            "labels": list(self.labels),
            "mode": self.mode,
            "size": list(self.size),
        }

    @classmethod
    def read_config(cls, path: Path, config: dict[str, Any]) -> dict[str, Any]:
        """Check the values of `baseline.json`, and return them as arguments of the class.

        Raises:
            FolderError: A value is missing, unknown or of another type.
        """
        if config.keys() != {"name", "labels", "mode", "size"}:
            raise FolderError(f"{path}: expected name, labels, mode and size of a baseline")
        name, labels = config["name"], config["labels"]
        if not isinstance(name, str) or name not in IMAGE_BASELINES:
            raise FolderError(f"{path}: unknown baseline {str(name)[:80]}; upgrade munjang")
        if not are_strings(labels) or len(set(labels)) < len(labels) or len(labels) < 2:
            raise FolderError(f"{path}: labels: expected two or more different names")
        try:
            form = ImageSettings.parse({key: config[key] for key in ("mode", "size")})
        except MunjangError as error:
            raise FolderError(f"{path}: {error}") from None
        if form.mode is None or form.size is None:
            raise FolderError(f"{path}: expected mode and size")
        return {"name": name, "labels": tuple(labels), "mode": form.mode, "size": form.size}

    @classmethod
    def expected_arrays(
        cls, config: Mapping[str, Any], strings: Strings, header: "Mapping[str, Entry]"
    ) -> dict[str, Any]:
        """Return dtype and shape of each array."""
        height, width = config["size"]
        pixels = CHANNELS[config["mode"]] * height * width
        columns = pixels if config["name"] == "logistic-pixels" else 0
        classes = len(config["labels"])
        return {"weights": ("F32", (classes, columns)), "bias": ("F32", (classes,))}

    @classmethod
    def check_strings(cls, folder: Path, config: Mapping[str, Any], strings: Strings) -> None:
        """Do nothing: it has no lists of strings."""
        return

    def card(self) -> str:
        """Return the text of the model card; its examples are images."""
        return super().card().replace('"a text"', '"image.png"')

    def _card_of_classes(self) -> str:
        return f"Classes: {format_markdown_list(self.labels, 'baseline.json')}.\n"


def fit_image_baseline(
    name: str,
    pixels: Pixels,
    targets: Ints,
    labels: Sequence[str],
    mode: Mode,
    size: tuple[int, int],
) -> ImageBaseline:
    """Fit the baseline of that name.

    Args:
        name: A key of `IMAGE_BASELINES`.
        pixels: uint8 [images, channels, height, width].
        targets: Class numbers, places in `labels`, [images].
        labels: Names of the classes.
        mode: gray or color.
        size: Height and width.
    """
    if name == "majority":
        shares = np.bincount(targets, minlength=len(labels)) / len(targets)
        weights, bias = np.empty((len(labels), 0)), np.log(shares.clip(min=1e-9))
    else:
        from sklearn.linear_model import LogisticRegression

        with stage(f"solving {name} of {pluralize(len(pixels), 'image')}"):
            model = LogisticRegression(max_iter=_MOST_STEPS)
            model.fit(_features(pixels), targets)
        weights, bias = model.coef_, model.intercept_
        if len(labels) == 2:
            weights, bias = np.vstack([-weights, weights]) / 2, np.append(-bias, bias) / 2
    arrays = (weights.astype(np.float32), bias.astype(np.float32))
    return ImageBaseline(name, tuple(labels), mode, size, *arrays)


def _features(pixels: Pixels) -> Weights:
    """Return pixels from 0 to 1, [images, channels * height * width]."""
    return np.asarray(pixels.reshape(len(pixels), -1) / np.float32(255), dtype=np.float32)
