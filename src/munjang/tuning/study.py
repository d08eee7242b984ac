"""The study: Optuna's storage of the trials, and its sampler.

The settings of a trial follow from the seed and the trials that ended before it, and from nothing
else. So a search that was stopped or killed continues as if it had not been.
"""

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from munjang.errors import ConfigError, FolderError
from munjang.tasks.metric_table import METRICS
from munjang.tuning.folder import STUDY
from munjang.tuning.parameters import Space, is_finite
from munjang.tuning.results import TrialRow

_NAME = "munjang"
# Stored with a trial: its number, that Ctrl-C stopped it, or how it ended.
_NUMBER, _STOPPED, _JUDGED = "number", "stopped", "judged"
_KEPT = ("ended", "value", "epochs", "steps", "seconds", "note")
_STATES = {"done": "COMPLETE", "pruned": "PRUNED", "failed": "FAIL"}
# Tenths of its schedule before a trial may be pruned.
_WARM_UP = 5
# A trial that was killed so often is not tried again: it may exhaust the memory.
_KILLS = 2
# With fewer finished trials, the importance would be noise.
_FOR_IMPORTANCE = 6


def need_optuna() -> Any:
    """Return the package optuna.

    Raises:
        ConfigError: It is not installed.
    """
    if find_spec("optuna") is None:
        raise ConfigError(
            'tune needs the package optuna; install it with: pip install "munjang[tune]"'
        )
    optuna: Any = import_module("optuna")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


class Study:
    """Optuna's study in a folder.

    Args:
        folder: Where its file is.
        metric: The metric that decides.
        seed: Seed of the sampler.
        resume: Continue the study that is there.

    Raises:
        FolderError: The file cannot be read.
    """

    def __init__(self, folder: Path, metric: str, seed: int, *, resume: bool) -> None:
        self.optuna = need_optuna()
        self.metric = metric
        self.seed = seed
        self._begun: Any = None
        path = folder / STUDY
        if resume and not path.exists():
            raise FolderError(
                f"{path}: the trials of this search are gone; --overwrite begins again"
            )
        try:
            self._study = self.optuna.create_study(
                storage=f"sqlite:///{path.resolve()}",
                study_name=_NAME,
                direction="maximize" if METRICS[metric].larger_is_better else "minimize",
                pruner=self.optuna.pruners.MedianPruner(
                    n_startup_trials=5, n_warmup_steps=_WARM_UP
                ),
                load_if_exists=True,
            )
        except Exception as error:  # whatever SQLAlchemy, its driver or Optuna raise for a bad file
            reason = " ".join(str(error).split())[:200]
            raise FolderError(f"{path}: Optuna cannot read it ({reason})") from None
        for trial in self._trials("RUNNING"):  # no other process runs it: its own was killed
            judged = trial.user_attrs.get(_JUDGED)
            self._conclude(trial.number, **(judged or {"ended": "failed"}))

    def _state(self, name: str) -> Any:
        return self.optuna.trial.TrialState[name]

    def _trials(self, *states: str) -> list[Any]:
        wanted = tuple(self._state(name) for name in states)
        return list(self._study.get_trials(deepcopy=False, states=wanted))

    def rows(self) -> list[TrialRow]:
        """Return every trial that ended. One that was stopped or killed counts as never begun."""
        ended = self._trials("COMPLETE", "PRUNED", "FAIL")
        judged = [trial for trial in ended if _JUDGED in trial.user_attrs]
        return [_row(trial, number) for number, trial in enumerate(judged, start=1)]

    @property
    def seconds(self) -> float:
        """Seconds of the trials that ended, earlier sessions included."""
        return sum(row.seconds for row in self.rows())

    def next(self, space: Space, defaults: Mapping[str, Any]) -> "Trial":
        """Begin the next trial; the first takes the defaults."""
        number = len(self.rows()) + 1
        if number == 1 and not self._trials("WAITING"):
            self._study.enqueue_trial(dict(defaults))
        # one per trial, so that it depends on nothing but the study
        seed = int(np.random.SeedSequence((self.seed, number)).generate_state(1)[0])
        self._study.sampler = self.optuna.samplers.TPESampler(seed=seed)
        trial = self._begun = self._study.ask()
        settings = {key: part.suggested(key, trial) for key, part in space.items()}
        trial.set_user_attr(_NUMBER, number)
        return Trial(self, trial, number, settings)

    def kills(self, number: int) -> int:
        """Return how often the process was killed during a trial."""
        found = self._trials("FAIL")
        known = [t.user_attrs for t in found if t.user_attrs.get(_NUMBER) == number]
        return sum(not {_JUDGED, _STOPPED} & attrs.keys() for attrs in known)

    def tell(self, trial: Any, row: TrialRow) -> None:
        """Store how a trial ended."""
        kept = {name: getattr(row, name) for name in _KEPT}
        # one attribute, since each is written on its own; after a kill between this and the next
        # line, the resumed search reports the trial to Optuna
        trial.set_user_attr(_JUDGED, kept)
        self._conclude(trial, **kept)
        self._begun = None

    def _conclude(
        self, trial: Any, *, ended: str, value: float | None = None, **others: Any
    ) -> None:
        self._study.tell(
            trial,
            value if ended == "done" else None,
            state=self._state(_STATES[ended]),
            skip_if_finished=True,
        )

    def stop(self) -> None:
        """Store that Ctrl-C stopped the trial in progress, if there is one."""
        if self._begun is None:
            return
        judged = self._begun.user_attrs.get(_JUDGED)
        if judged is None:
            self._begun.set_user_attr(_STOPPED, True)
        self._conclude(self._begun, **(judged or {"ended": "failed"}))

    def importance(self) -> dict[str, float]:
        """Return the share of each setting in the variance of the metric, in descending order.

        Functional ANOVA over a random forest: Hutter, Hoos and Leyton-Brown (2014), "An efficient
        approach for assessing hyperparameter importance".
        """
        values = [trial.value for trial in self._trials("COMPLETE")]
        if len(values) < _FOR_IMPORTANCE or len(set(values)) < 2:
            return {}
        evaluator = self.optuna.importance.FanovaImportanceEvaluator(seed=self.seed)
        shares = self.optuna.importance.get_param_importances(self._study, evaluator=evaluator)
        return {key: float(share) for key, share in shares.items()}


class Trial:
    """A trial that has begun.

    Attributes:
        number: From 1.
        settings: Its settings, by dotted keys.
    """

    def __init__(self, study: Study, trial: Any, number: int, settings: dict[str, Any]) -> None:
        self.number = number
        self.settings = settings
        self._study = study
        self._trial = trial
        self._reported: set[int] = set()

    @property
    def is_deadly(self) -> bool:
        """True if the process was killed too often during this trial."""
        return self._study.kills(self.number) >= _KILLS

    def report(self, value: float, done: float) -> bool:
        """Report a validation result, and return whether the trial should be pruned.

        It is compared with trials at the same share of their own schedule: after equally many
        epochs, a short training has annealed its learning rate, and a long one has just warmed up.

        Args:
            value: The metric.
            done: Share of the trial's steps, from 0 to 1.
        """
        tenth = int(10 * done + 1e-9)
        if not is_finite(value) or tenth in self._reported:
            return False
        self._reported.add(tenth)
        self._trial.report(value, tenth)
        return bool(self._trial.should_prune())

    def end(self, row: TrialRow) -> None:
        """Store how it ended."""
        self._study.tell(self._trial, row)


def _row(trial: Any, number: int) -> TrialRow:
    judged = trial.user_attrs[_JUDGED]
    # by name, since a study of another version may store others
    kept = {name: judged[name] for name in _KEPT if name in judged}
    return TrialRow(number=number, settings=dict(trial.params), **{"value": trial.value, **kept})
