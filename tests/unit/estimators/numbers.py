"""Estimators of text over numbers written as text, so that scikit-learn's checks can feed them."""

from typing import Any

from sklearn.utils.validation import check_is_fitted, validate_data


class AcceptsNumbers:
    """A mixin that makes texts of numbers.

    The checks know two-dimensional numbers only, and skip an estimator that is for text. Each
    number becomes a syllable for its size, by column, and its digits. What is left to the estimator
    is all that is not about the numbers: labels, parameters, cloning, pickling, repeatability, the
    order and the number of rows. A subclass overrides the method that answers.
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.input_tags.two_d_array = True
        tags.input_tags.one_d_array = False
        tags.input_tags.string = False
        return tags

    def fit(self, X: Any, y: Any) -> Any:  # noqa: N803
        return super().fit(to_words(validate_data(self, X)), y)  # type: ignore[misc]

    def as_texts(self, X: Any) -> list[str]:  # noqa: N803
        check_is_fitted(self, "model_")
        return to_words(validate_data(self, X, reset=False))


def to_words(numbers: Any) -> list[str]:
    def word(column: int, number: float) -> str:
        size = min(45, max(0, round(number) + 20))
        return chr(ord("가") + 50 * column + size) + f"{number:.3f}"[-3:]

    return [" ".join(word(*pair) for pair in enumerate(row)) for row in numbers]
