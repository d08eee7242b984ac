"""Base of tasks that predict tokens of the vocabulary, such as masked ones or the next one."""

from dataclasses import dataclass, field, replace
from typing import Any, Self

from munjang.errors import DataError
from munjang.tasks.unlabeled import UnlabeledTask
from munjang.text.masks import find_predictable
from munjang.text.tokenizer import Tokenizer
from munjang.text.vocabulary import Vocabulary


@dataclass(frozen=True)
class TokenTask(UnlabeledTask):
    """A task whose targets are tokens of the texts.

    Attributes:
        tokenizer: fitted tokenizer; None before the input is fitted.
    """

    tokenizer: Tokenizer | None = field(default=None, kw_only=True)

    def with_input(self, fitted: Any) -> Self:
        """Return the task with the tokenizer of the input.

        Raises:
            DataError: its vocabulary has no token that could be predicted.
        """
        tokenizer: Tokenizer = fitted.tokenizer
        if not find_predictable(tokenizer.vocabulary).any():
            raise DataError(
                "the vocabulary has no token to predict: none is frequent enough; give more texts, "
                "or lower tokenizer.min_frequency"
            )
        return replace(self, tokenizer=tokenizer)

    @property
    def fitted_tokenizer(self) -> Tokenizer:
        """The tokenizer of the fitted input."""
        assert self.tokenizer is not None, "the input is not fitted"
        return self.tokenizer

    @property
    def vocabulary(self) -> Vocabulary:
        """The vocabulary of the fitted input."""
        return self.fitted_tokenizer.vocabulary
