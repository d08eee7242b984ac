"""N-gram language models."""

from typing import Any, Self


class KneserNey:
    """To be replaced."""

    @classmethod
    def fit(cls, ids: Any, size: int, order: int) -> Self:
        """Fit."""
        raise NotImplementedError

    def log_probabilities(self, ids: Any) -> Any:
        """Score."""
        raise NotImplementedError
