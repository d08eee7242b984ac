"""Settings of a distillation, apart from its losses: reading a recipe needs no torch."""

from pydantic import Field

from munjang.config import Settings


class DistillationSettings(Settings):
    """Teachers of a student, and the weights of its losses."""

    teachers: tuple[str, ...] = Field(
        min_length=1, max_length=100, description="model folders whose answers were learned"
    )
    temperature: float = Field(
        1.0, ge=0.01, le=100, description="softens the probabilities; above 1 small ones count more"
    )
    soft_weight: float = Field(
        0.5,
        ge=0,
        le=1,
        description="weight of the teachers' answer in the loss of a labeled row; the rest is the "
        "weight of the label",
    )
