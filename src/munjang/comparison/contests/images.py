"""Compare classifiers of images: one label per image."""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from munjang.comparison.contests.contest import Contest, Given, Parts, Sources, without
from munjang.comparison.stored import (
    class_numbers,
    read_images,
    read_labels,
    read_part,
    read_pixels,
)
from munjang.image_baselines import IMAGE_BASELINES

if TYPE_CHECKING:
    from munjang.comparison.class_judge import ClassJudge
    from munjang.comparison.plan import Job, Plan
    from munjang.comparison.results import Comparison
    from munjang.report.html import Markup
    from munjang.telling import Say

COLUMNS = ("image", "label")


class ImagesContest(Contest):
    """One label per image."""

    metrics = ("accuracy", "macro_f1", "log_loss")
    baselines = IMAGE_BASELINES
    constant = frozenset({"majority"})
    unit = "images"
    input_name = "image"

    def networks(self) -> tuple[str, ...]:
        """Return the names of the encoders of images."""
        from munjang.models.registry import IMAGE_ARCHITECTURES

        return tuple(IMAGE_ARCHITECTURES)

    def split(self, sources: Sources, given: Given, say: "Say") -> Parts:
        """Read, check and split; equal images are never in two parts."""
        from munjang.comparison.parts import report_sizes, split_images

        parts = split_images(sources, without(given, "model"), say)
        report_sizes(parts, say)
        return parts

    def digest(self, parts: Parts) -> str:
        """Return the SHA-256 of pixels and labels."""
        from munjang.comparison.parts import digest_images

        return digest_images(parts)

    def write(self, parts: Parts, folder: Path) -> None:
        """Write the pixels, Parquet files with the columns `image` and `label`, and the labels."""
        from munjang.comparison.parts import write_images

        write_images(parts, folder, COLUMNS)

    def settings(self, given: Given, parts: Parts) -> dict[str, Any]:
        """Return the settings of every run: mode and size are those of the training part."""
        form = parts["train"].form.model_dump(mode="json")
        return {**without(given, "data", "seed"), "images": form}

    def check(self, model: str, given: Given, parts: Parts) -> None:
        """Make the recipe of a network, which raises `ConfigError`."""
        from munjang.image_recipe import make_image_recipe

        train = parts["train"]
        make_image_recipe(model, len(train), given, size=train.form.size)

    def prepare(self, folder: Path, model: str, given: Given, say: "Say") -> Any:
        """Prepare a training on the parts in a folder."""
        from munjang.image_preparation import prepare_images

        train, valid = (
            (read_images(folder, name), read_part(folder, name).targets)
            for name in ("train", "valid")
        )
        return prepare_images(train, valid, model, given, say)

    def fit_baseline(self, job: "Job", folder: Path) -> tuple[Any, float]:
        """Fit one of `munjang.image_baselines`."""
        from munjang.comparison.fit import timed
        from munjang.image_baselines import fit_image_baseline

        if job.candidate.model != "majority":
            import_module("sklearn.linear_model")
        labels = read_labels(folder)
        pixels = read_pixels(folder, "train")
        targets = class_numbers(read_part(folder, "train"), labels)
        form = job.given["images"]
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

    def write_answers(self, model: Any, folder: Path, run: Path) -> dict[str, float]:
        """Write the likeliest classes of each image."""
        from munjang.comparison.class_answers import ClassAnswers

        labels = read_labels(folder)
        targets = class_numbers(read_part(folder, "test"), labels)
        predicted = ClassAnswers.predicted(self.answer(model), self.inputs(folder), targets, labels)
        predicted.write(run)
        return {}

    def judge(self, plan: "Plan", folder: Path) -> "ClassJudge":
        """Return the judge of classes."""
        from munjang.comparison.class_judge import ClassJudge

        return ClassJudge.of(plan, folder)

    def sections(self, comparison: "Comparison") -> "list[Markup]":
        """Return confusions, and where the models disagree most."""
        from munjang.comparison.class_sections import class_sections

        return class_sections(comparison)

    def notes(self, comparison: "Comparison") -> list[str]:
        """Name classes that the test part lacks."""
        from munjang.tasks.absent import absent_line

        absent = comparison.details.absent
        return [absent_line(absent, "the test part")] if absent else []
