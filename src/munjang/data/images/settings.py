"""Settings of images: the sections `data` and `image` of `config.yaml`."""

import re
from typing import Any, Literal

from pydantic import Field, field_validator

from munjang.config import Settings, shown
from munjang.errors import ConfigError

Mode = Literal["gray", "color"]
CHANNELS: dict[Mode, int] = {"gray": 1, "color": 3}
LONGEST_SIDE = 4096


class ImageDataSettings(Settings):
    """Handling of unreadable files, and the validation split."""

    skip_bad_rows: bool = Field(
        False, description="skip and count files that cannot be read as images"
    )
    validation_split: float = Field(
        0.1, gt=0, lt=1, description="share of images held out for validation"
    )


class ImageSettings(Settings):
    """Mode and size that every image is converted to."""

    mode: Mode | None = Field(None, description="gray or color; inferred and reported if omitted")
    size: tuple[int, int] | None = Field(
        None, description="height x width, as in 28x28; inferred and reported if omitted"
    )

    @field_validator("size", mode="before")
    @classmethod
    def _read_size(cls, size: Any) -> Any:
        return size if size is None else parse_size(size)


def parse_size(value: Any) -> tuple[int, int]:
    """Parse `"28x20"`, `28` or `[28, 20]` as height and width in pixels.

    Raises:
        ConfigError: the value has another form, or a side is not from 1 to 4096.
    """
    sides = list(value) if isinstance(value, list | tuple) else str(value).lower().split("x")
    if len(sides) in (1, 2) and all(re.fullmatch(r"[1-9]\d{0,3}", str(side)) for side in sides):
        height, width = int(sides[0]), int(sides[-1])
        if max(height, width) <= LONGEST_SIDE:
            return height, width
    raise ConfigError(
        f"size: expected height x width in pixels, as in 28x28, up to {LONGEST_SIDE} each, got "
        f"{shown(value)}"
    )
