"""Optional parts of scores, each a small protocol: reports ask once and show what there is."""

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from munjang.tasks.classification_scores import ClassScore, ConfusedPair, Confusion


@runtime_checkable
class HasClasses(Protocol):
    """Scores with precision, recall and F1 per class."""

    @property
    def classes(self) -> Sequence[ClassScore]:
        """One `ClassScore` per class."""


@runtime_checkable
class HasConfusion(HasClasses, Protocol):
    """Scores that count which class was predicted for which."""

    @property
    def confusion(self) -> Confusion | None:
        """Counts [true][predicted] in the order of `classes`; None if there are too many."""

    @property
    def confused(self) -> Sequence[ConfusedPair]:
        """Pairs of classes that are confused most, the most rows first."""


@runtime_checkable
class HasBaseline(Protocol):
    """Scores of numbers with the error of a constant answer."""

    @property
    def baseline_rmse(self) -> float:
        """RMSE of always answering with the mean of the judged rows."""


@runtime_checkable
class HasBaselineMetrics(Protocol):
    """Scores that stand beside those of a baseline on the same rows."""

    @property
    def baseline_name(self) -> str:
        """Name of the baseline."""

    @property
    def baseline_metrics(self) -> Mapping[str, float]:
        """Its metrics by name; some may be missing."""


@runtime_checkable
class HasSignatures(Protocol):
    """Scores that are comparable only if counted alike."""

    @property
    def signatures(self) -> Sequence[str]:
        """One signature per metric, as sacrebleu writes it."""


@runtime_checkable
class HasSamples(Protocol):
    """Scores that show some of the answers."""

    @property
    def samples(self) -> Sequence[tuple[str, str, str]]:
        """Source, reference and answer of some rows."""


@runtime_checkable
class HasHypotheses(Protocol):
    """Scores that keep every answer."""

    @property
    def hypotheses(self) -> Sequence[str]:
        """The written answers in the order of the rows."""
