"""From images to what a training loop takes: pixels of one size, a split, class numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from torch import nn

from munjang.data.images.examples import ImageExamples
from munjang.data.images.read import ImageTable, read_images
from munjang.data.images.settings import ImageSettings
from munjang.data.splits import split
from munjang.image_recipe import ImageRecipe, make_image_recipe
from munjang.models.registry import build_image_encoder
from munjang.reporting import Report, pluralize, stage
from munjang.tasks.images import Images
from munjang.training.fingerprints import compute_fingerprint


@dataclass(frozen=True)
class PreparedImages:
    """Everything that stands before the first step.

    Attributes:
        recipe: complete, with the size and mode that were found.
        task: with the classes of the training part.
        train: the training part.
        valid: the validation part.
        facts: what was counted on the way, for `metrics.json`.
    """

    recipe: ImageRecipe
    task: Images
    train: ImageExamples
    valid: ImageExamples
    facts: dict[str, Any]

    @property
    def fingerprint(self) -> str:
        """Of the recipe, but for how it is run, the pixels, and the classes."""
        parts = {"training part": self.train, "validation part": self.valid}
        return compute_fingerprint(
            self.recipe.to_dict(),
            {
                "set of labels": [self.task.learned()],
                **{f"images of the {name}": [part.pixels] for name, part in parts.items()},
                **{f"labels of the {name}": [part.targets] for name, part in parts.items()},
            },
        )

    def bare_network(self) -> nn.Module:
        """As `network`: it looks at no data."""
        return self.network()

    def network(self) -> nn.Module:
        """A fresh network, from torch's generator."""
        return self.task.network(build_image_encoder(self.recipe.model, self.recipe.shape))


def prepare_images(
    data: Any, valid: Any, model: str | None, given: Mapping[str, Any], report: Report
) -> PreparedImages:
    """Read, check and split.

    Args:
        data: of `munjang.data.images.sources.find_images`.
        valid: likewise, or None to hold out a part of `data`.
        model: name of the architecture, unless `given` names one; None for the default.
        given: the user's settings, nested as in `config.yaml`.
        report: called with lines for people.

    Raises:
        MunjangError: the images or a setting cannot be used.
    """
    model = model or "image_cnn"
    asked = make_image_recipe(model, 0, given)  # a wrong setting is told before anything is read
    table = read_and_report(data, asked.images, skip_bad=asked.data.skip_bad_rows, report=report)
    recipe = make_image_recipe(model, len(table), given, size=table.form.size)
    recipe = recipe.model_copy(update={"images": table.form})
    Images.check(table.table, least=1 if valid is not None else 2)
    if valid is not None:
        skip = recipe.data.skip_bad_rows
        parts = {
            "train": table,
            "valid": read_and_report(valid, table.form, skip_bad=skip, report=report),
        }
    else:
        rows = split(table.table, valid=recipe.data.valid, seed=recipe.seed)
        parts = {"train": table.take(rows.train), "valid": table.take(rows.valid)}
    task = Images.fit(parts["train"].table, table.table, recipe.classify, recipe.labels)
    for line in task.remarks(parts["train"].table):
        report(line)
    facts = _facts(parts, table)
    report(f"{facts['rows']:,} images to train on, {facts['valid_rows']:,} to validate on")
    train, held_out = (
        ImageExamples(part.pixels, task.targets(part.table)) for part in parts.values()
    )
    return PreparedImages(recipe, task, train, held_out, facts)


def read_and_report(
    data: Any, form: ImageSettings, *, skip_bad: bool, report: Report
) -> ImageTable:
    """Read images and say what was read, guessed and skipped."""
    with stage("reading images"):
        table = read_images(data, form, skip_bad=skip_bad)
    report(f"read {len(table):,} images of {table.origin}")
    for note in table.table.notes:
        report(note)
    for reason, count in table.table.skipped.items():
        report(f"skipped {pluralize(count, 'file')}: {reason}")
    return table


def _facts(parts: Mapping[str, ImageTable], table: ImageTable) -> dict[str, Any]:
    size = cast(tuple[int, int], table.form.size)
    return {
        "rows": len(parts["train"]),
        "valid_rows": len(parts["valid"]),
        "files": ", ".join(Path(name).name for name in table.origin.split(", ")),
        "images": len(parts["train"]),
        "size": list(size),
        "mode": table.form.mode,
        "skipped": dict(table.table.skipped),
    }
