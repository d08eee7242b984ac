"""The base of all estimators: parameters, training, the model folder and pickling."""

from numbers import Real
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from munjang.api import train
from munjang.config import merge
from munjang.errors import ConfigError, DataError
from munjang.estimators.arguments import Settings, merge_parameter, read_settings, to_seed
from munjang.estimators.packing import pack, unpack
from munjang.estimators.rows import read_images, read_texts
from munjang.estimators.targets import Targets
from munjang.folder.layout import open_for_training
from munjang.forked import require_polars
from munjang.progress.showing import show_progress

_FIXED = {
    "task": "it is that of the estimator",
    "input": "it is that of the estimator",
    "seed": "give random_state instead, as in random_state=3",
    "labels": "they are those of y",
}


class Estimator(BaseEstimator):  # type: ignore[misc]
    """Base of all estimators. A subclass names its task, input and targets, and answers.

    Attributes:
        model_: the trained `munjang.model.Model`.
        scores_: scores on the validation part.
    """

    _task: ClassVar[str]
    _input: ClassVar[str]
    _rows: ClassVar[str]  # what messages call the entries of X
    _targets_class: ClassVar[type[Targets]]
    _targets: Any

    def __init__(
        self,
        model: str | None = None,
        *,
        valid: Any = None,
        settings: Settings = None,
        random_state: Any = None,
        verbose: bool = False,
        progress: bool = True,
    ) -> None:
        self.model = model
        self.valid = valid
        self.settings = settings
        self.random_state = random_state
        self.verbose = verbose
        self.progress = progress

    def __sklearn_tags__(self) -> Any:
        """Return scikit-learn's tags: `y` is required."""
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags

    @staticmethod
    def _read_rows(X: Any) -> Any:  # noqa: N803
        """Return `X` as munjang trains on it.

        Raises:
            DataError: it cannot be used.
        """
        raise NotImplementedError

    def fit(self, X: Any, y: Any) -> Self:  # noqa: N803
        """Train on `X` and `y`.

        Raises:
            ValueError: `X`, `y` or a setting cannot be used (`MunjangError` is one).
        """
        require_polars("A training")
        rows, targets = self._read(X, y)
        conversion = self._targets_class.fit(targets)
        settings, valid = self._read_valid(self._settings(), conversion)
        # of many fits, as in a grid search, no bars stay behind
        with show_progress(self.progress, is_transient=True) as display:
            trained = train(
                (rows, conversion.encode(targets)),
                task=self._task,
                input=self._input,
                valid=valid,
                config=merge(settings, conversion.settings),
                seed=to_seed(self.random_state),
                report=print if self.verbose else None,
                on_step=display.beside(None),
                progress=False,
            )
        self._targets, self.model_, self.scores_ = conversion, trained.model, trained.scores
        return self

    def save(self, folder: str | Path, *, overwrite: bool = False) -> Path:
        """Write the model folder, for `munjang.load` and the command line.

        Labels are strings there: 1 is "1".

        Raises:
            FolderError: something stands there already, or another process writes there.
        """
        check_is_fitted(self, "model_")
        with open_for_training(folder, overwrite=overwrite) as place:
            self.model_.save(place)
        return Path(folder)

    def __getstate__(self) -> dict[str, Any]:
        """Return plain data: the model as the bytes of its folder's files.

        No object of torch or of a tokenizer is pickled.
        """
        state: dict[str, Any] = dict(super().__getstate__())
        if "model_" in state:
            state["model_"] = pack(state["model_"])
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Load the model from the bytes of its files."""
        state = dict(state)
        if "model_" in state:
            state["model_"] = unpack(state["model_"])
        super().__setstate__(state)

    def _read(self, X: Any, y: Any) -> tuple[Any, Any]:  # noqa: N803
        """Return `X` and `y` in one form and of one length."""
        rows = self._read_rows(X)
        targets = self._read_targets(y)
        check_consistent_length(rows, targets)
        return rows, targets

    def _read_targets(self, y: Any) -> Any:
        if y is None:
            raise DataError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y "
                "is None."
            )
        return self._targets_class.read(y)

    def _settings(self) -> dict[str, Any]:
        """Return all settings, nested, with those that are parameters."""
        settings = read_settings(self.settings)
        for key, why in _FIXED.items():
            if key in settings:
                raise ConfigError(f"settings: {key} cannot be set here: {why}")
        return merge_parameter(settings, "model.name", self.model, parameter="model")

    def _read_valid(
        self, settings: dict[str, Any], conversion: Targets
    ) -> tuple[dict[str, Any], Any]:
        """Return settings and validation data, of which `valid` gives one."""
        if self.valid is None:
            return settings, None
        if isinstance(self.valid, Real):
            share = float(self.valid)
            key = "data.validation_split"
            return merge_parameter(settings, key, share, parameter="valid"), None
        if not isinstance(self.valid, tuple) or len(self.valid) != 2:
            raise ConfigError(
                f"valid: expected a share of the rows such as 0.1, or a pair ({self._rows}, "
                f"{conversion.noun}), got {type(self.valid).__name__}"
            )
        try:
            rows, targets = self._read(*self.valid)
            return settings, (rows, conversion.encode(targets))
        except ValueError as error:
            raise DataError(f"valid: {error}") from None

    def _answers(self, X: Any) -> Any:  # noqa: N803
        """Return the model's answer per row."""
        check_is_fitted(self, "model_")
        return self.model_.predict(self._read_rows(X))


class TextEstimator(Estimator):
    """Base of estimators whose `X` is one column of strings."""

    _input = "text"
    _rows = "texts"

    def __init__(
        self,
        model: str | None = None,
        *,
        tokenizer: str | None = None,
        valid: Any = None,
        settings: Settings = None,
        random_state: Any = None,
        verbose: bool = False,
        progress: bool = True,
    ) -> None:
        super().__init__(
            model,
            valid=valid,
            settings=settings,
            random_state=random_state,
            verbose=verbose,
            progress=progress,
        )
        self.tokenizer = tokenizer

    def __sklearn_tags__(self) -> Any:
        """Return scikit-learn's tags: `X` is one column of strings."""
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        return tags

    @staticmethod
    def _read_rows(X: Any) -> Any:  # noqa: N803
        return read_texts(X)

    def _settings(self) -> dict[str, Any]:
        return merge_parameter(
            super()._settings(), "tokenizer.name", self.tokenizer, parameter="tokenizer"
        )


class ImageEstimator(Estimator):
    """Base of estimators whose `X` are images."""

    _input = "image"
    _rows = "images"

    def __sklearn_tags__(self) -> Any:
        """Return scikit-learn's tags: `X` are paths, or arrays [rows, height, width]."""
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags

    @staticmethod
    def _read_rows(X: Any) -> Any:  # noqa: N803
        return read_images(X)


class LabelProbabilities:
    """A mixin of estimators with labels: `classes_`, and their probabilities."""

    model_: Any
    _targets: Any
    _read_rows: Any

    @property
    def classes_(self) -> npt.NDArray[Any]:
        """The labels, sorted; of an indicator matrix its columns [labels]."""
        if not hasattr(self, "_targets"):
            raise AttributeError(f"{type(self).__name__} has no classes_ before fit")
        classes: npt.NDArray[Any] = self._targets.classes
        return classes

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:  # noqa: N803
        """Return probabilities [rows, labels], columns in the order of `classes_`."""
        check_is_fitted(self, "model_")
        columns = [self.model_.labels.index(name) for name in self._targets.names]
        return np.asarray(self.model_.predict_proba(self._read_rows(X))[:, columns])
