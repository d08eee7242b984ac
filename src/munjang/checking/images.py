"""Check images, and measure the cost of a training on them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from munjang.data.images.checks import ImageReport, check_images
from munjang.errors import DataError
from munjang.estimates import estimate_training
from munjang.image_preparation import prepare_images
from munjang.image_recipe import make_image_recipe
from munjang.telling import silent, stage


def check_image_data(
    data: Any, test: Any, model: str | None, given: Mapping[str, Any], seconds: float
) -> ImageReport:
    """Check images as a training with these settings would read them.

    Args:
        data: of `munjang.data.images.sources.find_images`.
        test: held-out images, or None.
        model: name of the architecture, unless `given` names one; None for the default.
        given: the user's settings, nested as in `config.yaml`.
        seconds: upper bound of the time spent on real training steps.

    Raises:
        DataError: there is no such folder, or a class without a readable image.
        ConfigError: an unknown setting, or a value that it cannot take.
    """
    model = model or "image_cnn"
    recipe = make_image_recipe(model, 0, given)
    with stage("reading images"):
        report = check_images(data, test, recipe.images)
    try:
        # read once more: only its own reading takes the memory that a training takes
        prepared = prepare_images(data, None, model, given, silent)
    except DataError as error:
        refusal = f"a training would refuse this data: {error}"
        return replace(report, notes=(*report.notes, refusal))
    return replace(report, estimate=estimate_training(prepared, seconds=seconds).to_json())
