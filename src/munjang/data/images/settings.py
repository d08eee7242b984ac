"""How an image becomes numbers, as `config.yaml` says it."""

import re
from typing import Any, Literal

from pydantic import Field, field_validator

from munjang.config import Settings, shown
from munjang.errors import ConfigError

Mode = Literal["gray", "color"]
CHANNELS: dict[Mode, int] = {"gray": 1, "color": 3}
LONGEST_SIDE = 4096


class ImageDataSettings(Settings):
    """Which files are used, and how many for validation."""

    skip_bad_rows: bool = Field(False, description="skip and count files that are no images")
    validation_split: float = Field(
        0.1, gt=0, lt=1, description="share of images held out for validation"
    )


class ImageSettings(Settings):
    """What every image is turned into before a network sees it."""

    mode: Mode | None = Field(None, description="gray or color; guessed when left out")
    size: tuple[int, int] | None = Field(
        None, description="height x width, as in 28x28; guessed when left out"
    )

    @field_validator("size", mode="before")
    @classmethod
    def _read_size(cls, size: Any) -> Any:
        return size if size is None else parse_size(size)


def parse_size(given: Any) -> tuple[int, int]:
    """Parse `"28x20"`, `28` or `[28, 20]` as height and width in pixels.

    Raises:
        ConfigError: it is none of these, or a side is not from 1 to 4096.
    """
    sides = list(given) if isinstance(given, list | tuple) else str(given).lower().split("x")
    if len(sides) in (1, 2) and all(re.fullmatch(r"[1-9]\d{0,3}", str(side)) for side in sides):
        height, width = int(sides[0]), int(sides[-1])
        if max(height, width) <= LONGEST_SIDE:
            return height, width
    raise ConfigError(
        f"size: expected height x width in pixels, as in 28x28, up to {LONGEST_SIDE} each, got "
        f"{shown(given)}"
    )
