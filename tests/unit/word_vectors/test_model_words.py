"""Tokens of trained models as words with vectors."""

import numpy as np
import pytest

from munjang.errors import DataError
from munjang.word_vectors.model_words import words_of_model
from tests.unit.explain.models import small_language_model

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("name", ["lstm", "transformer"])
def test_word_of_several_tokens_of_a_language_model_is_their_mean(name: str) -> None:
    words = words_of_model(small_language_model(name), "model")
    first, second = words.words[2], words.words[3]
    mean = words.vectors[2:4].mean(0)
    np.testing.assert_allclose(words.require(first + second), mean, rtol=1e-6, atol=1e-7)
    with pytest.raises(DataError, match="expected one of its"):
        words.require("🎉")
