"""The recipe of a training on images: every setting of the run, with the defaults."""

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, SerializeAsAny, field_validator, model_validator

from munjang.config import Settings, merge
from munjang.data.images.settings import CHANNELS, ImageSettings
from munjang.errors import ConfigError
from munjang.models.image_cnn import ImageShape
from munjang.models.registry import image_config
from munjang.recipe import Label
from munjang.tasks.classify import ClassifySettings
from munjang.tasks.registry import TASKS
from munjang.training.settings import TrainingSettings, refuse_embedding_settings

# On a side shorter than this, pooling behind the first layer would leave too little to look at.
_SMALL = 16
_ON_SMALL = {"filters": [48, 96], "pool": [1, 2]}

# Images to see in all, and the fewest and most passes over them; see docs/log.md.
_SEEN, _FEWEST, _MOST = 45_000, 3, 30


class ImageDataSettings(Settings):
    """What to do with the files."""

    skip_bad_rows: bool = Field(False, description="skip and count files that are no images")
    valid: float = Field(0.1, gt=0, lt=1, description="share held out to validate on")


class ImageRecipe(Settings):
    """Everything that makes a run, as `config.yaml` holds it."""

    task: Literal["images"] = "images"
    seed: int = Field(0, ge=0, le=2**31 - 1)
    labels: tuple[Label, ...] | None = Field(None, description="known classes; found when left out")
    data: ImageDataSettings = ImageDataSettings()
    images: ImageSettings = ImageSettings()
    model: SerializeAsAny[Settings]
    classify: ClassifySettings = ClassifySettings()
    training: TrainingSettings = TrainingSettings()

    @field_validator("model", mode="before")
    @classmethod
    def _architecture(cls, model: object) -> object:
        return image_config(model) if isinstance(model, Mapping) else model

    @model_validator(mode="after")
    def _fits_images(self) -> Self:
        known = TASKS["images"].metrics
        if self.training.metric not in known:
            raise ValueError(
                f"training.metric: for images it should be one of {', '.join(known)}, got "
                f"'{self.training.metric}'"
            )
        refuse_embedding_settings(self.training, "images have none")
        for key in ("buckets", "batch_tokens"):
            if getattr(self.training, key) is not None:
                raise ValueError(
                    f"training.{key}: is for texts, whose lengths differ; set training.batch_rows"
                )
        return self

    @property
    def model_name(self) -> str:
        """Name of the architecture."""
        return str(self.model.model_dump()["name"])

    @property
    def shape(self) -> ImageShape:
        """Channels, height and width of every image; known once the data was read."""
        assert self.images.mode is not None
        assert self.images.size is not None
        return CHANNELS[self.images.mode], *self.images.size

    @property
    def activations_per_row(self) -> int:
        """Least 4-byte numbers per image that a training step keeps."""
        return int(self.model.activations(self.shape))  # type: ignore[attr-defined]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for YAML."""
        return self.model_dump(mode="json")


def make_image_recipe(
    model: str, images: int, given: Mapping[str, Any], *, size: tuple[int, int] | None = None
) -> ImageRecipe:
    """The defaults for so many images of a size, with what the user gave laid on them.

    Raises:
        ConfigError: an unknown setting, or a value that it cannot take.
    """
    asked = given.get("model", {})
    if not isinstance(asked, Mapping):
        raise ConfigError(f"model: expected settings such as 'filters: [32]', got {asked!r}")
    # layers of one's own come with poolings of one's own
    small = size is not None and min(size) < _SMALL and not asked.keys() & _ON_SMALL
    defaults = {"name": model, **(_ON_SMALL if small else {})}
    passes = min(_MOST, max(_FEWEST, round(_SEEN / max(1, images))))
    training = {
        "epochs": passes,
        "learning_rate": 0.003,
        "batch_rows": 32,
        "averaging": 0.6,
        "metric": TASKS["images"].metrics[0],
    }
    return ImageRecipe.parse(merge({"model": defaults, "training": training}, given))
