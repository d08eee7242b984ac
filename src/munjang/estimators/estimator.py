"""What every estimator over texts shares: its parameters, its folder, and how it travels."""

from pathlib import Path
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from munjang.estimators.given import Settings
from munjang.estimators.packing import pack, unpack
from munjang.folder.layout import open_for_training


class TextEstimator(BaseEstimator):  # type: ignore[misc]
    """Parameters as scikit-learn wants them, one column of strings for `X`, a model that is saved.

    Those that inherit from it describe the parameters and train `model_`.
    """

    def __init__(
        self,
        model: str | None = None,
        *,
        tokenizer: str | None = None,
        valid: Any = None,
        settings: Settings = None,
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.valid = valid
        self.settings = settings
        self.random_state = random_state
        self.verbose = verbose

    def __sklearn_tags__(self) -> Any:
        """Say that `X` is one column of strings, and that there is a `y`."""
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.target_tags.required = True
        return tags

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
        """Plain data: the model as the bytes of its folder's files, so that no object of torch or
        of a tokenizer is pickled.
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
