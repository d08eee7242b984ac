"""Settings of the training loop."""

import re
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from munjang.config import Settings
from munjang.data.buckets import Bucketing, parse_boundaries
from munjang.training.schedules import Schedule
from munjang.units import parse_duration

# Settings that a resumed run may change: they influence no batch and no step.
CHANGEABLE_ON_RESUME = ("checkpoint_seconds", "checkpoint_steps", "threads")


class TrainingSettings(Settings):
    """Settings of the training loop. The defaults suit some 1,000 to 500,000 rows."""

    engine: str = Field(
        "munjang", description="what takes the steps; for word vectors also gensim (an extra)"
    )
    epochs: int = Field(5, ge=1, le=10**6, description="maximum number of epochs")
    max_steps: int | None = Field(
        None, ge=1, le=10**9, description="maximum number of steps; the schedule ends there"
    )
    max_seconds: float | None = Field(
        None,
        gt=0,
        le=10**8,
        description="time limit, wherever the schedule is; such a run is not reproducible",
    )
    budget_seconds: float | None = Field(
        None,
        gt=0,
        le=10**8,
        description="seconds of training, or a duration such as 2h, instead of epochs: the "
        "schedule follows the clock and ends there; such a run is not reproducible",
    )
    budget_validations: int = Field(
        10,
        ge=1,
        le=10**4,
        description="validation runs of a training with budget_seconds; one that would bring their "
        "time above a tenth of the seconds so far is left out, but never the first and the last",
    )
    batch_size: int | None = Field(64, ge=1, le=2**20, description="rows per batch")
    batch_tokens: int | None = Field(
        None, ge=1, le=2**26, description="maximum tokens per batch, instead of batch_size"
    )
    length_buckets: str | None = Field(
        None, description="boundaries of the length buckets, such as '10,100'; null: automatic"
    )
    learning_rate: float = Field(1e-3, gt=0, le=1e38, description="peak learning rate of AdamW")
    embedding_optimizer: Literal["adamw", "adagrad"] = Field(
        "adamw", description="optimizer of embedding tables; adagrad keeps one number per row"
    )
    embedding_learning_rate: float | None = Field(
        None,
        gt=0,
        le=1e38,
        description="peak learning rate of embedding tables; null: learning_rate",
    )
    head_learning_rate: float | None = Field(
        None,
        gt=0,
        le=1e38,
        description="peak learning rate of the head and of other parameters that are in no layer "
        "of an encoder; null: learning_rate",
    )
    layer_decay: float = Field(
        1.0,
        gt=0,
        le=1,
        description="factor of the learning rates from each layer to the one below it: the "
        "embedding below n layers learns at layer_decay^n",
    )
    beta2: float = Field(
        0.999, ge=0, lt=1, description="AdamW's decay rate of the mean squared gradient"
    )
    weight_decay: float = Field(
        0.01, ge=0, le=10**3, description="AdamW's weight decay; biases do not decay"
    )
    decay_embeddings: bool = Field(True, description="whether embedding tables decay too")
    warmup: float = Field(
        0.05, ge=0, lt=1, description="share of the steps with a rising learning rate"
    )
    schedule: Schedule = Field("cosine", description="learning rate schedule after warm-up")
    clip_norm: float | None = Field(
        1.0, gt=0, le=10**9, description="maximum norm of the whole gradient"
    )
    validations_per_epoch: int = Field(1, ge=1, le=10**4, description="validation runs per epoch")
    metric: str = Field(
        "accuracy",
        description="selection metric: the best validation run of it (of equals the lowest loss) "
        "gives the best checkpoint; a metric of the task",
    )
    patience: int | None = Field(
        None,
        ge=1,
        le=10**6,
        description="stop after this many validation runs without an improvement",
    )
    average_after: float | None = Field(
        None,
        ge=0,
        lt=1,
        description="average the weights of all validation runs after this share of the steps",
    )
    average_best: int | None = Field(
        None,
        ge=2,
        le=100,
        description="average the weights of this many best validation runs instead",
    )
    ensemble_leave_out: float = Field(
        0.1,
        ge=0,
        le=0.5,
        description="share of the rows that each of model.ensemble_size does not learn from",
    )
    checkpoint_seconds: float = Field(
        60.0, ge=0, le=10**8, description="seconds between checkpoints"
    )
    checkpoint_steps: int | None = Field(
        None, ge=1, le=10**9, description="steps between checkpoints, instead of seconds"
    )
    threads: int | None = Field(
        None, ge=1, le=256, description="number of CPU threads; null: one per core"
    )
    device: str = Field("cpu", description="cpu, cuda or cuda:N")
    precision: Literal["float32", "bfloat16"] = Field(
        "float32",
        description="precision of matrix products in training; weights and predictions stay "
        "float32",
    )

    @field_validator("budget_seconds", mode="before")
    @classmethod
    def _parse_budget(cls, budget: object) -> object:
        return parse_duration(budget) if isinstance(budget, str) else budget

    @model_validator(mode="before")
    @classmethod
    def _one_size(cls, values: object) -> object:
        if isinstance(values, dict) and values.get("batch_tokens") and "batch_size" not in values:
            return {**values, "batch_size": None}
        return values

    @model_validator(mode="after")
    def _some_size(self) -> Self:
        if (self.batch_size is None) == (self.batch_tokens is None):
            raise ValueError("give batch_size or batch_tokens and set the other one to null")
        return self

    @model_validator(mode="after")
    def _one_average(self) -> Self:
        if self.average_after is not None and self.average_best is not None:
            raise ValueError(
                "average_after and average_best are two averages; give one and set the other to "
                "null"
            )
        return self

    @model_validator(mode="after")
    def _one_end(self) -> Self:
        if self.budget_seconds is not None and self.max_steps is not None:
            raise ValueError(
                "budget_seconds and max_steps are two ends of the schedule; give one and set the "
                "other to null"
            )
        return self

    @field_validator("device")
    @classmethod
    def _known_device(cls, device: str) -> str:
        if not re.fullmatch(r"cpu|cuda(:\d{1,3})?", device):
            raise ValueError("expected cpu, cuda or cuda:N")
        return device

    @field_validator("length_buckets")
    @classmethod
    def _boundaries(cls, buckets: str | None) -> str | None:
        if buckets is not None:
            parse_boundaries(buckets)
        return buckets

    def bucketing(self) -> Bucketing:
        """Return how training rows are grouped into batches."""
        boundaries = None if self.length_buckets is None else parse_boundaries(self.length_buckets)
        return Bucketing(self.batch_size, self.batch_tokens, boundaries)


def refuse_embedding_settings(training: TrainingSettings, why: str) -> None:
    """Raise if settings of embedding tables are set for a model that has none.

    Args:
        training: settings of that model.
        why: the reason, for the message.

    Raises:
        ValueError: one is set; the message names it.
    """
    for name in ("embedding_optimizer", "embedding_learning_rate"):
        if getattr(training, name) != TrainingSettings.model_fields[name].default:
            raise ValueError(f"training.{name}: is for embedding tables; {why}; leave it out")


def refuse_leave_out(training: TrainingSettings) -> None:
    """Raise if `ensemble_leave_out` is set for a model without members.

    Raises:
        ValueError: it is set.
    """
    if training.ensemble_leave_out != TrainingSettings.model_fields["ensemble_leave_out"].default:
        raise ValueError(
            "training.ensemble_leave_out: is for text encoders with model.ensemble_size; omit it"
        )
