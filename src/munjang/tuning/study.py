"""The study: what Optuna remembers of the trials, and how it chooses the next one.

A trial's choices follow from the seed, the number of trials judged before it and what came of
them, and from nothing else. So a search that was stopped, or killed, goes on as if it never was.
"""

from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from munjang.errors import ConfigError, FolderError
from munjang.tasks.figures import FIGURES
from munjang.tuning.folder import STUDY
from munjang.tuning.results import TrialRow
from munjang.tuning.space import Space, is_finite

_NAME = "munjang"
# A trial that was killed so often is not tried again: it may be what the system killed us for.
_KILLS = 2
# With fewer trials that came to an end, shares of importance would be made of noise.
_FOR_IMPORTANCE = 8


def need_optuna() -> Any:
    """The package optuna.

    Raises:
        ConfigError: it is not installed.
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
        folder: where its file lies.
        metric: that judges.
        seed: of all choices.
        resume: go on with the study that is there.

    Raises:
        FolderError: the file cannot be read.
    """

    def __init__(self, folder: Path, metric: str, seed: int, *, resume: bool) -> None:
        self.optuna = need_optuna()
        self.metric = metric
        self.seed = seed
        path = folder / STUDY
        if resume and not path.exists():
            raise FolderError(
                f"{path}: the trials of this search are gone; --overwrite begins anew"
            )
        try:
            self._study = self.optuna.create_study(
                storage=f"sqlite:///{path.resolve()}",
                study_name=_NAME,
                direction="maximize" if FIGURES[metric].larger_is_better else "minimize",
                pruner=self.optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=2),
                load_if_exists=True,
            )
        except Exception as error:  # whatever SQLAlchemy, its driver or Optuna say of a bad file
            reason = " ".join(str(error).split())[:200]
            raise FolderError(f"{path}: Optuna cannot read it ({reason})") from None
        for trial in self._trials("RUNNING"):  # nobody else runs it: its process was killed
            self._study.tell(trial.number, state=self._state("FAIL"))

    def _state(self, name: str) -> Any:
        return self.optuna.trial.TrialState[name]

    def _trials(self, *states: str) -> list[Any]:
        wanted = tuple(self._state(name) for name in states)
        return list(self._study.get_trials(deepcopy=False, states=wanted))

    def rows(self) -> list[TrialRow]:
        """Every trial that was judged. Those that were broken off count as never begun."""
        judged = [
            trial
            for trial in self._trials("COMPLETE", "PRUNED", "FAIL")
            if "ended" in trial.user_attrs
        ]
        return [_row(trial, number) for number, trial in enumerate(judged, start=1)]

    @property
    def seconds(self) -> float:
        """What the judged trials took, over all sittings."""
        return sum(row.seconds for row in self.rows())

    def next(self, space: Space, defaults: Mapping[str, Any]) -> "Trial":
        """Begin the next trial; the first takes the defaults."""
        number = len(self.rows()) + 1
        if number == 1 and not self._trials("WAITING"):
            self._study.enqueue_trial(dict(defaults))
        # of its own for each trial, so that it knows nothing but what the study knows
        self._study.sampler = self.optuna.samplers.TPESampler(seed=self.seed * 1_000_003 + number)
        trial = self._study.ask()
        settings = {key: part.suggested(key, trial) for key, part in space.items()}
        trial.set_user_attr("place", number)
        return Trial(self, trial, number, settings)

    def kills(self, number: int) -> int:
        """How often the process was killed while it was at a trial."""
        found = self._trials("FAIL")
        known = [t.user_attrs for t in found if t.user_attrs.get("place") == number]
        return sum("ended" not in attrs and "stopped" not in attrs for attrs in known)

    def tell(self, trial: Any, row: TrialRow) -> None:
        """Keep how a trial ended."""
        for name in ("passes", "steps", "seconds", "note", "ended"):
            trial.set_user_attr(name, getattr(row, name))
        state = {"done": "COMPLETE", "pruned": "PRUNED", "failed": "FAIL"}[row.ended]
        value = row.value if row.ended == "done" else None
        self._study.tell(trial, value, state=self._state(state))

    def stop(self, trial: Any) -> None:
        """Keep that a trial was broken off by Ctrl-C."""
        trial.set_user_attr("stopped", True)
        self._study.tell(trial, state=self._state("FAIL"))

    def importance(self) -> dict[str, float]:
        """Share of each setting in how the metric varies, the largest first; sums to 1.

        Functional ANOVA over a random forest: Hutter, Hoos and Leyton-Brown (2014), "An efficient
        approach for assessing hyperparameter importance".
        """
        values = {trial.value for trial in self._trials("COMPLETE")}
        if len(values) < _FOR_IMPORTANCE:
            return {}
        evaluator = self.optuna.importance.FanovaImportanceEvaluator(seed=self.seed)
        shares = self.optuna.importance.get_param_importances(self._study, evaluator=evaluator)
        return {key: float(share) for key, share in shares.items()}


class Trial:
    """A trial that has begun.

    Attributes:
        number: from 1.
        settings: what it chose, by dotted keys.
    """

    def __init__(self, study: Study, trial: Any, number: int, settings: dict[str, Any]) -> None:
        self.number = number
        self.settings = settings
        self._study = study
        self._trial = trial

    @property
    def is_deadly(self) -> bool:
        """Whether the process was killed at it too often."""
        return self._study.kills(self.number) >= _KILLS

    def report(self, value: float, evaluation: int) -> bool:
        """Tell a value on the way. Returns whether the trial fell too far behind.

        Args:
            value: of the metric.
            evaluation: which look at the validation part, from 1.
        """
        if not is_finite(value):
            return False
        self._trial.report(value, evaluation)
        return bool(self._trial.should_prune())

    def end(self, row: TrialRow) -> TrialRow:
        """Keep how it ended."""
        self._study.tell(self._trial, row)
        return row

    def stop(self) -> None:
        """Keep that Ctrl-C broke it off."""
        self._study.stop(self._trial)


def _row(trial: Any, number: int) -> TrialRow:
    kept = trial.user_attrs
    seen: Sequence[int] = sorted(trial.intermediate_values)
    value = trial.value
    if value is None and kept["ended"] == "pruned" and seen:
        value = trial.intermediate_values[seen[-1]]
    return TrialRow(
        number=number,
        ended=kept["ended"],
        value=None if kept["ended"] == "failed" else value,
        settings=dict(trial.params),
        passes=kept.get("passes", 0),
        steps=kept.get("steps", 0),
        seconds=kept.get("seconds", 0.0),
        note=kept.get("note", ""),
    )
