"""Compare classifiers of images: one label per image."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from munjang.baselines.images import IMAGE_BASELINES
from munjang.comparison.contests.classes import ClassContest
from munjang.comparison.contests.contest import Given, Parts, without
from munjang.comparison.stored import (
    class_numbers,
    read_images,
    read_labels,
    read_part,
    read_pixels,
)

if TYPE_CHECKING:
    from munjang.comparison.plan import Job


class ImagesContest(ClassContest):
    """One label per image."""

    baselines = IMAGE_BASELINES
    constant = frozenset({"majority"})
    noun = "image"
    refused: ClassVar[Mapping[str, str]] = {"tokenizers": "images have none"}

    def write(self, parts: Parts, folder: Path) -> None:
        """Write the pixels of each part too."""
        from munjang.comparison.parts import write_pixels

        super().write(parts, folder)
        write_pixels(parts, folder)

    def settings(self, given: Given, parts: Parts) -> dict[str, Any]:
        """Return the settings of every run: mode and size are those of the training part."""
        from munjang.data.images.read import get_image_settings

        form = get_image_settings(parts["train"]).model_dump(mode="json")
        return {**self.named(without(given, "data", "seed")), "image": form}

    def training_data(self, folder: Path, name: str) -> Any:
        """Return images and labels of a part."""
        return read_images(folder, name), read_part(folder, name).targets

    def fit_baseline(self, job: "Job", folder: Path) -> tuple[Any, float]:
        """Fit one of `munjang.baselines.images`."""
        from munjang.baselines.images import fit_image_baseline
        from munjang.comparison.fit import timed

        if job.candidate.model != "majority":
            import_module("sklearn.linear_model")
        labels = read_labels(folder)
        pixels = read_pixels(folder, "train")
        targets = class_numbers(read_part(folder, "train"), labels)
        form = job.given["image"]
        return timed(
            lambda: fit_image_baseline(
                job.candidate.model, pixels, targets, labels, form["mode"], tuple(form["size"])
            )
        )

    def inputs(self, folder: Path) -> Sequence[Any]:
        """Return the images of the test part, as arrays."""
        return read_images(folder, "test")

    def answer(self, model: Any) -> Any:
        """Return the function of images to probabilities [images, classes]."""
        return model.predict_proba
