"""Classification: a head on an encoder, its loss, its metrics, and class numbers back to labels."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field
from torch import Tensor, nn

from munjang.config import Settings
from munjang.errors import ConfigError
from munjang.layers.losses import LOSSES, RowLoss, focal

# as many digits as any whole number needs; Python refuses to read thousands
_WHOLE_NUMBER = re.compile(r"-?\d{1,18}")

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LossName = Literal[
    "auto",
    "binary_crossentropy",
    "categorical_crossentropy",
    "sparse_categorical_crossentropy",
    "focal",
]


class ClassifySettings(Settings):
    """Settings of the task `classify`."""

    loss: LossName = Field("auto", description="auto: binary for two classes, else categorical")
    focal_gamma: float = Field(2.0, ge=0, description="how much focal loss mutes easy rows")
    label_smoothing: float = Field(0.0, ge=0, lt=1, description="share spread over all classes")
    class_weights: Literal["balanced"] | dict[str, float] | None = Field(
        None, description="'balanced', or a weight for each label"
    )


class Classifier(nn.Module):
    """An encoder and a linear head: `ids`, `mask` [batch, time] to logits.

    Logits are [batch, 1] for a single-logit head (two classes), else [batch, classes].
    """

    def __init__(self, encoder: Any, outputs: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = nn.Linear(encoder.pooled_dim, outputs)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Logits [batch, outputs]."""
        return self.head(self.encoder(ids, mask).pooled)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Classify:
    """The task: what the classes are called and how a guess is judged.

    Attributes:
        labels: class names in order; the place is the class number.
        settings: loss and weights.
        weights: one factor a class on its rows' losses, or None.
    """

    labels: tuple[str, ...]
    settings: ClassifySettings = field(default_factory=ClassifySettings)
    weights: tuple[float, ...] | None = None

    @classmethod
    def from_labels(
        cls,
        labels: Sequence[str],
        settings: ClassifySettings,
        known: Sequence[str] | None = None,
    ) -> "Classify":
        """The task for a training column of labels; names are sorted, whole numbers by value.

        Args:
            labels: one a row.
            settings: loss and weights.
            known: all classes, when they are known beforehand; a class may have no row.
        """
        counts = Counter(labels)
        names = sorted(counts if known is None else set(known))
        if all(_WHOLE_NUMBER.fullmatch(name) for name in names):
            names.sort(key=int)
        rows = np.asarray([counts[name] for name in names], dtype=np.int64)
        return cls(tuple(names), settings, _weights(tuple(names), rows, settings))

    @property
    def loss_name(self) -> str:
        """The loss that is used, `auto` resolved."""
        if self.settings.loss != "auto":
            return self.settings.loss
        two = len(self.labels) == 2
        return "binary_crossentropy" if two else "sparse_categorical_crossentropy"

    @property
    def outputs(self) -> int:
        """Logits of the head: one for a binary loss, else one a class."""
        if self.loss_name != "binary_crossentropy":
            return len(self.labels)
        if len(self.labels) != 2:
            raise ConfigError(
                f"binary_crossentropy is for two classes, the data has {len(self.labels)}; "
                "use sparse_categorical_crossentropy"
            )
        return 1

    def network(self, encoder: nn.Module) -> Classifier:
        """A fresh head on `encoder`."""
        return Classifier(encoder, self.outputs)

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The training loss of a batch: a scalar, the mean of the (weighted) rows, in nats."""
        rows = self._row_loss()(logits, targets, self.settings.label_smoothing)
        if self.weights is None:
            return rows.mean()
        weights = torch.tensor(self.weights, dtype=rows.dtype, device=rows.device)[targets]
        return (rows * weights).sum() / weights.sum()

    def _row_loss(self) -> RowLoss:
        if self.loss_name == "focal":
            return partial(focal, gamma=self.settings.focal_gamma)
        return LOSSES[self.loss_name]

    def probabilities(self, logits: Tensor) -> Floats:
        """Logits [rows, outputs] to probabilities [rows, classes] that sum to 1."""
        logits = logits.double()
        if logits.shape[1] == 1:
            second = torch.sigmoid(logits)
            return torch.cat([1 - second, second], dim=1).cpu().numpy()
        return torch.softmax(logits, dim=1).cpu().numpy()


def _weights(
    labels: tuple[str, ...], counts: Ints, settings: ClassifySettings
) -> tuple[float, ...] | None:
    """`balanced` is rows / (classes * rows of the class), as scikit-learn weighs."""
    asked = settings.class_weights
    if asked is None:
        return None
    if asked == "balanced":
        return tuple(float(w) for w in counts.sum() / (len(labels) * counts.clip(min=1)))
    missing = [label for label in labels if label not in asked]
    unknown = [label for label in asked if label not in labels]
    if missing or unknown:
        raise ConfigError(
            f"class_weights needs one weight a label ({', '.join(labels)})"
            + (f"; missing: {', '.join(missing)}" if missing else "")
            + (f"; not a label: {', '.join(unknown)}" if unknown else "")
        )
    return tuple(float(asked[label]) for label in labels)
