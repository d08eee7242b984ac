"""Default settings for images, from their size and number."""

from collections.abc import Mapping
from typing import Any

# On shorter sides, pooling after the first layer would leave too few positions.
_SMALL = 16
_ON_SMALL = {"filters": [48, 96], "pool_size": [1, 2]}

# Images per training, and the fewest and most epochs; see docs/log.md.
_SEEN, _FEWEST, _MOST = 45_000, 3, 30


def image_defaults(
    given: Mapping[str, Any], images: int, size: tuple[int, int] | None
) -> dict[str, Any]:
    """Return the defaults for so many images of a size, nested as in `config.yaml`.

    Args:
        given: the user's settings, with the name of the model.
        images: number of images; 0 before they are read.
        size: height and width in pixels; None before they are read.
    """
    # a user who sets layers also sets their pooling
    small = size is not None and min(size) < _SMALL and not given["model"].keys() & _ON_SMALL
    return {
        "model": dict(_ON_SMALL) if small else {},
        "training": {
            "epochs": min(_MOST, max(_FEWEST, round(_SEEN / max(1, images)))),
            "learning_rate": 0.003,
            "batch_size": 32,
            "average_after": 0.6,
            # few images give few different accuracies
            "metric": "log_loss",
        },
    }
