"""The study: Optuna's storage of the trials, and its sampler.

The settings of trial n of a search that tries K at once follow from the seed and from trials 1 to
n - K, and from nothing else, such as which of the others has ended already. So a search that was
stopped or killed continues as if it had not been, and is the same on one machine and on several.
"""

from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from munjang.errors import ConfigError, FolderError
from munjang.tasks.metric_table import METRICS
from munjang.tuning.folder import STUDY
from munjang.tuning.parameters import Space
from munjang.tuning.pruning import Medians, Trial
from munjang.tuning.results import TrialRow

_NAME = "munjang"
# Stored with a trial: its number, that Ctrl-C stopped it, or how it ended.
_NUMBER, _STOPPED, _JUDGED = "number", "stopped", "judged"
_KEPT = ("ended", "value", "epochs", "steps", "seconds", "note")
_STATES = {"done": "COMPLETE", "pruned": "PRUNED", "failed": "FAIL"}
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
        self._begun: dict[int, Any] = {}  # trials of Optuna by number
        self._known = self._in_memory()
        self._count_known = 0
        path = folder / STUDY
        if resume and not path.exists():
            raise FolderError(
                f"{path}: the trials of this search are gone; --overwrite begins again"
            )
        try:
            self._study = self.optuna.create_study(
                storage=f"sqlite:///{path.resolve()}",
                study_name=_NAME,
                direction=self._direction,
                sampler=self.optuna.samplers.RandomSampler(seed=seed),  # it is never asked
                load_if_exists=True,
            )
        except Exception as error:  # whatever SQLAlchemy, its driver or Optuna raise for a bad file
            reason = " ".join(str(error).split())[:200]
            raise FolderError(f"{path}: Optuna cannot read it ({reason})") from None
        for trial in self._trials("RUNNING"):  # no other process runs it: its own was killed
            judged = trial.user_attrs.get(_JUDGED)
            self._conclude(trial.number, **(judged or {"ended": "failed"}))

    @property
    def _larger_is_better(self) -> bool:
        return METRICS[self.metric].larger_is_better

    @property
    def _direction(self) -> str:
        return "maximize" if self._larger_is_better else "minimize"

    def _in_memory(self) -> Any:
        """Return an empty study for the sampler."""
        return self.optuna.create_study(direction=self._direction)

    def _state(self, name: str) -> Any:
        return self.optuna.trial.TrialState[name]

    def _trials(self, *states: str) -> list[Any]:
        wanted = tuple(self._state(name) for name in states)
        return list(self._study.get_trials(deepcopy=False, states=wanted))

    def _judged(self) -> list[Any]:
        """Return every trial that ended, in order; not one that was stopped or killed."""
        ended = self._trials("COMPLETE", "PRUNED", "FAIL")
        return [trial for trial in ended if _JUDGED in trial.user_attrs]

    def rows(self) -> list[TrialRow]:
        """Return the row of every trial that ended."""
        return [_row(trial, number) for number, trial in enumerate(self._judged(), start=1)]

    @property
    def seconds(self) -> float:
        """Seconds of the trials that ended, earlier sessions included."""
        return sum(row.seconds for row in self.rows())

    def begin(self, number: int, known: int, space: Space, defaults: Mapping[str, Any]) -> Trial:
        """Begin a trial; the first one takes the defaults.

        Args:
            number: Its number, from 1.
            known: How many trials it knows: the first ones, which have ended. Never fewer than
                those of the trial before it.
            space: The search space.
            defaults: The first trial's values.
        """
        judged = self._judged()[:known]
        sampled = self._sample(number, judged, space, defaults)
        self._begun[number] = self._store(number, sampled)
        finished = [t.intermediate_values for t in judged if t.state == self._state("COMPLETE")]
        medians = Medians.of(finished, larger_is_better=self._larger_is_better)
        return Trial(number, {key: sampled.params[key] for key in space}, medians)

    def _store(self, number: int, sampled: Any) -> Any:
        """Store a trial that begins, in one transaction, and return it."""
        self._study.add_trial(
            self.optuna.trial.create_trial(
                state=self._state("RUNNING"),
                params=sampled.params,
                distributions=sampled.distributions,
                user_attrs={_NUMBER: number},
            )
        )
        stored = max(self._trials("RUNNING"), key=lambda trial: int(trial.number))
        return self.optuna.trial.Trial(self._study, stored._trial_id)

    def _sample(
        self, number: int, judged: Sequence[Any], space: Space, defaults: Mapping[str, Any]
    ) -> Any:
        """Return a trial with the settings of one that knows others.

        They are sampled in a study of their own, in memory: the one in the folder knows, after a
        kill, trials that ended later than this one began.
        """
        for trial in judged[self._count_known :]:
            self._known.add_trial(trial)
        self._count_known = max(self._count_known, len(judged))
        if number == 1:
            self._known.enqueue_trial(dict(defaults))
        # one per trial, so that it depends on nothing but the study
        seed = int(np.random.SeedSequence((self.seed, number)).generate_state(1)[0])
        self._known.sampler = self.optuna.samplers.TPESampler(seed=seed)
        trial = self._known.ask()
        for key, part in space.items():
            part.suggested(key, trial)
        self._known.tell(trial, state=self._state("FAIL"))  # which the sampler leaves out
        return trial

    def is_deadly(self, number: int) -> bool:
        """Return whether this process was killed too often during a trial."""
        found = self._trials("FAIL")
        known = [t.user_attrs for t in found if t.user_attrs.get(_NUMBER) == number]
        return sum(not {_JUDGED, _STOPPED} & attrs.keys() for attrs in known) >= _KILLS

    def tell(self, trial: Trial, row: TrialRow) -> None:
        """Store how a trial ended."""
        begun = self._begun[trial.number]
        for tenth, value in trial.reports.items():
            begun.report(value, tenth)
        kept = {name: getattr(row, name) for name in _KEPT}
        # one attribute, since each is written on its own; after a kill between this and the next
        # line, the resumed search reports the trial to Optuna
        begun.set_user_attr(_JUDGED, kept)
        self._conclude(begun, **kept)
        del self._begun[trial.number]

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
        """Store that Ctrl-C stopped the trials in progress."""
        for trial in self._begun.values():
            judged = trial.user_attrs.get(_JUDGED)
            if judged is None:
                trial.set_user_attr(_STOPPED, True)
            self._conclude(trial, **(judged or {"ended": "failed"}))

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


def _row(trial: Any, number: int) -> TrialRow:
    judged = trial.user_attrs[_JUDGED]
    # by name, since a study of another version may store others
    kept = {name: judged[name] for name in _KEPT if name in judged}
    return TrialRow(number=number, settings=dict(trial.params), **{"value": trial.value, **kept})
