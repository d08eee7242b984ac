"""Selection of the best checkpoint: averaging, ranking, patience and the history of a run.

Every validation run scores the current weights, and their average where one is kept. The one with
the higher `rank_key` becomes the best checkpoint if it beats the best so far.
"""

import math
from collections.abc import Callable

from munjang.errors import ConfigError
from munjang.tasks.metric_table import METRICS, find_loss, finite_or_none
from munjang.tasks.task import TaskScores
from munjang.training.settings import TrainingSettings
from munjang.training.state import TrainingState, Weights


class CheckpointSelector:
    """Keeps the best weights of a run in its state, and stops a run that no longer improves.

    Args:
        state: the run; counters, best weights and averages are updated in it.
        settings: metric, averaging and patience.
        validate: scores the model of `state` on the validation data.
        progress: share of the run that is done, 0 to 1.
        position: the present step and the length of the run, in words.
    """

    def __init__(
        self,
        state: TrainingState,
        settings: TrainingSettings,
        validate: Callable[[], TaskScores],
        progress: Callable[[], float],
        position: Callable[[], str],
    ) -> None:
        self.state = state
        self.settings = settings
        self.validate = validate
        self.progress = progress
        self.position = position

    def select(self, epochs: float) -> tuple[TaskScores, bool]:
        """Validate the current weights and keep them, or their average, if they are the best.

        Args:
            epochs: epochs done so far, for the history.

        Returns:
            The scores of the current or the averaged weights, whichever are better, and whether
            they are the best so far.

        Raises:
            ConfigError: the run diverged before its first checkpoint.
        """
        weights = self.state.model.state_dict()
        scores = self.validate()
        is_average = False
        if not scores.is_finite:
            self._stop_diverged(scores, epochs)
            return scores, False
        average = self._update_average(scores)
        if average is not None:
            average_scores = self._validate_with(average)
            if average_scores.is_finite and self._rank_key(average_scores) > self._rank_key(scores):
                scores, weights, is_average = average_scores, average, True
        is_best = self._keep_if_best(scores, weights, is_average=is_average)
        self._record(scores, epochs, is_average=is_average, is_best=is_best)
        return scores, is_best

    def _update_average(self, scores: TaskScores) -> Weights | None:
        """Return the average with the current weights in it; None while there is none."""
        state, settings = self.state, self.settings
        if settings.average_best is not None:
            state.keep_snapshot(metric_value(scores, settings.metric), settings.average_best)
            return state.average_snapshots() if len(state.snapshots) > 1 else None
        if settings.average_after is None or self.progress() < settings.average_after:
            return None
        state.add_to_average()
        return state.average if state.counters.average_count > 1 else None

    def _validate_with(self, weights: Weights) -> TaskScores:
        """Return the scores of other weights; the model keeps its own."""
        model = self.state.model
        current = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        model.load_state_dict(weights)
        try:
            return self.validate()
        finally:
            model.load_state_dict(current)

    def _keep_if_best(self, scores: TaskScores, weights: Weights, *, is_average: bool) -> bool:
        counters, key = self.state.counters, self._rank_key(scores)
        is_best = counters.best_value is None or key > (counters.best_value, -counters.best_loss)
        if is_best:
            counters.best_value, counters.best_loss = key[0], -key[1]
            counters.best_step, counters.best_is_average = counters.step, is_average
            counters.validations_since_best = 0
            self.state.keep_as_best(weights)
        else:
            counters.validations_since_best += 1
        patience = self.settings.patience
        counters.is_stopped = patience is not None and counters.validations_since_best >= patience
        return is_best

    def _stop_diverged(self, scores: TaskScores, epochs: float) -> None:
        """Stop a run with non-finite weights; fail if there is no checkpoint before it."""
        counters = self.state.counters
        if counters.best_value is None:
            raise ConfigError(
                f"training.learning_rate: training diverged at {self.position()} (non-finite "
                f"weights), before its first checkpoint; try a value below "
                f"{self.settings.learning_rate:g}"
            )
        counters.is_stopped = counters.has_diverged = True
        self._record(scores, epochs, is_average=False, is_best=False)

    def _record(
        self, scores: TaskScores, epochs: float, *, is_average: bool, is_best: bool
    ) -> None:
        counters = self.state.counters
        metrics = selection_metrics(scores)
        counters.history.append(
            {
                "step": counters.step,
                "epoch": epochs,
                "seconds": round(counters.seconds, 3),
                "train_loss": finite_or_none(counters.loss_sum / max(1, counters.loss_count)),
                **{name: finite_or_none(value) for name, value in metrics.items()},
                "averaged_weights": is_average,
                "best": is_best,
            }
        )
        counters.loss_sum, counters.loss_count = 0.0, 0

    def _rank_key(self, scores: TaskScores) -> tuple[float, float]:
        return rank_key(scores, self.settings.metric)


def rank_key(scores: TaskScores, metric: str) -> tuple[float, float]:
    """Return (metric, -loss), by which validation runs are ranked: higher is better.

    Few rows give few different accuracies, and the first of equal ones would be an early step; the
    loss tells them apart.
    """
    return metric_value(scores, metric), -find_loss(scores.metrics)


def metric_value(scores: TaskScores, metric: str) -> float:
    """Return the metric, with its sign changed where needed so that larger is better.

    An undefined metric, such as the rank correlation of equal answers, ranks last.
    """
    value = scores.metrics[metric]
    if math.isnan(value):
        return -math.inf
    return value if METRICS[metric].larger_is_better else -value


def selection_metrics(scores: TaskScores) -> dict[str, float]:
    """Return the metrics that may select the best checkpoint."""
    return {name: value for name, value in scores.metrics.items() if METRICS[name].can_select}
