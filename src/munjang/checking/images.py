"""Check images, and measure the cost of a training on them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from munjang.checking.image_blocks import image_blocks
from munjang.checking.input_check import InputCheck
from munjang.data.images.checks import ImageReport, check_images
from munjang.errors import DataError
from munjang.estimates import estimate_training
from munjang.preparation import prepare
from munjang.recipe import check_given
from munjang.reporting import discard, stage


def check_image_data(data: Any, test: Any, given: Mapping[str, Any], seconds: float) -> ImageReport:
    """Check images as a training with these settings would read them.

    Args:
        data: of `munjang.data.images.sources.find_images`.
        test: held-out images, or None.
        given: the user's settings, nested as in `config.yaml`.
        seconds: upper bound of the time spent on real training steps.

    Raises:
        DataError: there is no such folder, or a class without a readable image.
        ConfigError: an unknown setting, or a value that it cannot take.
    """
    recipe = check_given(given)
    with stage("reading images"):
        report = check_images(data, test, recipe.section("image"))
    try:
        # read once more: only its own reading takes the memory that a training takes
        prepared = prepare(data, None, given, discard)
    except DataError as error:
        refusal = f"a training would refuse this data: {error}"
        return replace(report, notes=(*report.notes, refusal))
    return replace(report, estimate=estimate_training(prepared, seconds=seconds).to_json())


CHECK = InputCheck(check_image_data, ImageReport, image_blocks)
