"""Settings of the training loop."""

import re
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from munjang.config import Settings
from munjang.data.buckets import Bucketing, parse_boundaries
from munjang.training.schedules import Schedule

# Settings that a run may be resumed with other values of: they change no batch and no step.
HOW_IT_IS_RUN = ("checkpoint_seconds", "checkpoint_steps", "threads")


class TrainingSettings(Settings):
    """How a model is fitted. The defaults suit a few thousand to a few hundred thousand rows."""

    epochs: int = Field(5, ge=1, le=10**6, description="most passes over the training part")
    max_steps: int | None = Field(
        None, ge=1, le=10**9, description="or fewer: the schedule ends at this step"
    )
    max_seconds: float | None = Field(
        None,
        gt=0,
        le=10**8,
        description="stop at this time, wherever the schedule is; never repeats exactly",
    )
    batch_rows: int | None = Field(64, ge=1, le=2**20, description="rows of a batch")
    batch_tokens: int | None = Field(None, ge=1, le=2**26, description="or: most tokens of a batch")
    buckets: str | None = Field(None, description="boundaries by hand, such as '10,100'")
    learning_rate: float = Field(1e-3, gt=0, le=1e38, description="AdamW's highest step size")
    embedding_optimiser: Literal["adamw", "adagrad"] = Field(
        "adamw", description="of embedding rows; adagrad keeps one number a row"
    )
    embedding_learning_rate: float | None = Field(
        None,
        gt=0,
        le=1e38,
        description="of embedding rows; the same as learning_rate when left out",
    )
    beta2: float = Field(
        0.999, ge=0, lt=1, description="how long AdamW remembers the size of gradients"
    )
    weight_decay: float = Field(
        0.01, ge=0, le=10**3, description="AdamW's decay of weight matrices"
    )
    warmup: float = Field(0.05, ge=0, lt=1, description="share of steps with a rising step size")
    schedule: Schedule = Field("cosine", description="after warm-up")
    clip_norm: float | None = Field(
        1.0, gt=0, le=10**9, description="largest norm of the whole gradient"
    )
    evaluations_per_epoch: int = Field(
        1, ge=1, le=10**4, description="looks at the validation part a pass"
    )
    metric: str = Field(
        "accuracy",
        description="on the validation part; decides what is best (of equals the lower loss): a "
        "metric of the task",
    )
    patience: int | None = Field(
        None, ge=1, le=10**6, description="stop after this many evaluations that are no better"
    )
    averaging: float | None = Field(
        None, ge=0, lt=1, description="average the weights of all evaluations after this share"
    )
    average_best: int | None = Field(
        None, ge=2, le=100, description="or: average the weights of so many best evaluations"
    )
    leave_out: float = Field(
        0.1, ge=0, le=0.5, description="of model.members: rows that each does not learn from"
    )
    checkpoint_seconds: float = Field(
        60.0, ge=0, le=10**8, description="seconds between checkpoints"
    )
    checkpoint_steps: int | None = Field(
        None, ge=1, le=10**9, description="or: steps between checkpoints"
    )
    threads: int | None = Field(
        None, ge=1, le=256, description="CPU threads; all cores when left out"
    )
    device: str = Field("cpu", description="cpu, cuda or cuda:N")
    precision: Literal["float32", "bfloat16"] = Field(
        "float32",
        description="of the matrix products in training; weights and answers stay float32",
    )

    @model_validator(mode="before")
    @classmethod
    def _one_size(cls, values: object) -> object:
        if isinstance(values, dict) and values.get("batch_tokens") and "batch_rows" not in values:
            return {**values, "batch_rows": None}
        return values

    @model_validator(mode="after")
    def _some_size(self) -> Self:
        if (self.batch_rows is None) == (self.batch_tokens is None):
            raise ValueError("give batch_rows or batch_tokens and set the other one to null")
        return self

    @model_validator(mode="after")
    def _one_average(self) -> Self:
        if self.averaging is not None and self.average_best is not None:
            raise ValueError(
                "averaging and average_best are two averages; give one and set the other to null"
            )
        return self

    @field_validator("device")
    @classmethod
    def _known_device(cls, device: str) -> str:
        if not re.fullmatch(r"cpu|cuda(:\d{1,3})?", device):
            raise ValueError("expected cpu, cuda or cuda:N")
        return device

    @field_validator("buckets")
    @classmethod
    def _boundaries(cls, buckets: str | None) -> str | None:
        if buckets is not None:
            parse_boundaries(buckets)
        return buckets

    def bucketing(self) -> Bucketing:
        """How the training column is cut into batches."""
        boundaries = None if self.buckets is None else parse_boundaries(self.buckets)
        return Bucketing(self.batch_rows, self.batch_tokens, boundaries)


def refuse_embedding_settings(training: TrainingSettings, why: str) -> None:
    """Refuse what only concerns encoders of texts, and would change nothing.

    Args:
        training: of another model.
        why: its embeddings have no settings of their own.

    Raises:
        ValueError: naming the setting.
    """
    for name in ("embedding_optimiser", "embedding_learning_rate"):
        if getattr(training, name) != TrainingSettings.model_fields[name].default:
            raise ValueError(
                f"training.{name}: is for embeddings of text encoders; {why}; leave it out"
            )
    if training.leave_out != TrainingSettings.model_fields["leave_out"].default:
        raise ValueError(
            "training.leave_out: is for text encoders with model.members; leave it out"
        )
