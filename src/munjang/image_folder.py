"""The model folder of images: no tokenizer and no vocabulary, but size and mode in config.yaml."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from munjang.config import merge
from munjang.contents import card_page, write_folder
from munjang.data.images.decode import Pixels
from munjang.data.images.examples import ImageExamples
from munjang.data.images.read import UNREADABLE, decode_all
from munjang.data.images.settings import Mode
from munjang.data.images.sources import listed
from munjang.errors import DataError, FolderError
from munjang.image_recipe import ImageRecipe
from munjang.layout import CARD, CONFIG, IMAGE_FILES
from munjang.loading import check_labels, load_metrics, load_network, load_recipe, reading_metrics
from munjang.models.registry import build_image_encoder
from munjang.recipe import DataSettings
from munjang.sealed import SealedFolder, as_folder_errors, open_sealed
from munjang.tasks.class_answers import ImageAnswer
from munjang.tasks.images import Images
from munjang.tasks.inference import logits_of
from munjang.tasks.task import Floats, Ints, TaskScores


@dataclass(frozen=True)
class ImageModel:
    """A trained model of images: network and task.

    Attributes:
        recipe: how it was made; size and mode of the images stand in it.
        task: from logits to answers in people's words.
        network: in evaluation mode.
        metrics: what `metrics.json` holds.
    """

    recipe: ImageRecipe
    task: Images
    network: nn.Module
    metrics: dict[str, Any]

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the columns of `predict_proba`."""
        return self.task.labels

    @property
    def columns(self) -> DataSettings:
        """None: a file given to `munjang predict --input` names an image a line or a record."""
        return DataSettings()

    def predict(self, images: Any) -> list[ImageAnswer]:
        """An answer to each image. One alone counts as a list of one.

        Args:
            images: paths, arrays of uint8 [height, width] or [height, width, 3], images of
                Pillow, or one of them. They are converted and resized as those of the training.

        Raises:
            DataError: an image cannot be read; it is named.
        """
        logits = self.logits(images)
        return self.task.answers(logits, np.zeros(len(logits), dtype=np.bool_))

    def predict_proba(self, images: Any) -> Floats:
        """Probabilities [images, classes]; columns in the order of `labels`.

        Raises:
            DataError: as `predict`.
        """
        return self.task.probabilities(self.logits(images))

    def logits(self, images: Any) -> Tensor:
        """What the head gives for each image, [images, outputs].

        Raises:
            DataError: as `predict`.
        """
        return self.logits_of_pixels(self._pixels(listed(images)))

    def logits_of_pixels(self, pixels: Pixels) -> Tensor:
        """Likewise, of pixels [images, channels, height, width] of the model's own size."""
        if not len(pixels):
            return torch.empty(0, self.task.outputs)
        return logits_of(self.network, ImageExamples(pixels))

    def scores(self, pixels: Pixels, targets: Ints) -> TaskScores:
        """Judge the answers to pixels, as of `logits_of_pixels`, against class numbers."""
        scores: TaskScores = self.task.judge(self.network, ImageExamples(pixels, targets))
        return scores

    def usable(
        self, images: Sequence[Any], skipped: Counter[str] | None
    ) -> tuple[Sequence[int], Sequence[Any]]:
        """Places from 1, and images, of those that can be read; the others are counted.

        With None nothing is looked at: what cannot be read fails in `predict`.
        """
        if skipped is None:
            return range(1, len(images) + 1), images
        places, kept = [], []
        for place, image in enumerate(images, start=1):
            try:
                self._pixels([(str(image), image)])
            except DataError:
                skipped[UNREADABLE] += 1
                continue
            places.append(place)
            kept.append(image)
        return places, kept

    def _pixels(self, images: list[tuple[str, Any]]) -> Pixels:
        form = self.recipe.images
        return decode_all(images, cast(Mode, form.mode), cast(tuple[int, int], form.size))

    def save(self, folder: str | Path) -> Path:
        """Write the model folder; files of an earlier model in it are replaced."""
        return write_folder(
            folder,
            config=merge(self.recipe.to_dict(), self.task.learned()),
            network=self.network,
            metrics=self.metrics,
            card=image_card(self),
            others={},
        )


def load_images(folder: str | Path | SealedFolder) -> ImageModel:
    """The model of images in `folder`, ready to predict on the CPU. No random number is drawn.

    Raises:
        FolderError: the folder is missing, unfinished, altered, or of another format.
    """
    with as_folder_errors(folder):
        sealed = open_sealed(folder)
        sealed.expect(IMAGE_FILES)
        recipe = load_recipe(sealed, ImageRecipe)
        check_labels(sealed, recipe.labels, named=True)
        if recipe.images.mode is None or recipe.images.size is None:
            raise FolderError(f"{sealed.path / CONFIG}: images: expected mode and size")
        task = Images.restore(recipe.classify, recipe.labels or ())
        network = load_network(
            sealed, lambda: task.network(build_image_encoder(recipe.model, recipe.shape))
        )
        metrics = load_metrics(sealed)
        sealed.check(CARD)
        model = ImageModel(recipe, task, network, metrics)
        with reading_metrics(sealed):
            image_card(model)  # whoever saves it again writes one
        return model


def image_card(model: ImageModel) -> str:
    """`README.md` of the folder."""
    card = model.task.card(model.metrics["validation"])
    _, height, width = model.recipe.shape
    numbers = sum(p.numel() for p in model.network.parameters())
    return card_page(
        card,
        model.metrics,
        made_of=f"Architecture `{model.recipe.model_name}` on {model.recipe.images.mode} images of "
        f"{height}x{width}, {numbers:,} parameters.",
        rows="images",
        in_python='["image.png"]',
        typed="image.png",
        limits=f"It knows only what stood in its training images. {card.limits} Every image is "
        f"stretched or shrunk to {height}x{width}\nand read in {model.recipe.images.mode}. Check "
        "it on your own images before you rely on it.",
    )
