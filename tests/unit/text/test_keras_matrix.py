"""texts_to_matrix and sequences_to_matrix against Keras'."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from munjang.errors import ConfigError, DataError, NotFittedError
from munjang.text.keras import Tokenizer
from tests.unit.text.peer_keras import force_path, legacy
from tests.unit.text.strategies import hostile_texts

MODES = ["binary", "count", "freq", "tfidf"]
OOV_TOKENS = st.sampled_from([None, "<oov>", "the"])


@pytest.mark.parametrize("mode", MODES)
@given(
    texts=hostile_texts(),
    other=hostile_texts(),
    num_words=st.sampled_from([None, 0, 1, 2, 5, 300]),
    oov_token=OOV_TOKENS,
    columns=st.booleans(),
)
def test_matrices_of_texts_and_sequences(mode, texts, other, num_words, oov_token, columns):
    theirs = legacy.Tokenizer(num_words, oov_token=oov_token)
    ours = Tokenizer(num_words, oov_token=oov_token)
    texts = ["하나 영화", *texts]
    theirs.fit_on_texts(texts)
    with force_path(columns):
        ours.fit_on_texts(texts)
        np.testing.assert_array_equal(
            ours.texts_to_matrix(other, mode), theirs.texts_to_matrix(other, mode)
        )
        sequences = theirs.texts_to_sequences(other)
        expected = theirs.sequences_to_matrix(sequences, mode)
        np.testing.assert_array_equal(ours.sequences_to_matrix(sequences, mode), expected)
        column = ours.texts_to_column(other)
        np.testing.assert_array_equal(ours.sequences_to_matrix(column, mode), expected)


@pytest.mark.parametrize("mode", MODES)
@given(
    fitted=st.lists(st.lists(st.integers(0, 9), max_size=5), min_size=1, max_size=5),
    sequences=st.lists(st.lists(st.integers(0, 12), max_size=5), max_size=5),
)
def test_matrices_after_fit_on_sequences(mode, fitted, sequences):
    theirs, ours = legacy.Tokenizer(num_words=8), Tokenizer(num_words=8)
    theirs.fit_on_sequences(fitted)
    ours.fit_on_sequences(fitted)
    expected = theirs.sequences_to_matrix(sequences, mode)
    np.testing.assert_array_equal(ours.sequences_to_matrix(sequences, mode), expected)


def test_matrix_before_fit_is_refused():
    ours = Tokenizer()
    with pytest.raises(NotFittedError, match="num_words"):
        ours.sequences_to_matrix([[1]])
    with pytest.raises(NotFittedError, match="tfidf"):
        Tokenizer(num_words=3).sequences_to_matrix([[1]], "tfidf")
    ours.fit_on_texts(["a b"])
    with pytest.raises(ConfigError, match="unknown mode 'onehot'; expected one of binary"):
        ours.texts_to_matrix(["a"], "onehot")
    with pytest.raises(DataError, match="negative"):
        ours.sequences_to_matrix([[-1]])
    with pytest.raises(DataError, match="whole numbers"):
        ours.sequences_to_matrix([[1.5]])
    with pytest.raises(DataError, match="whole numbers"):
        ours.sequences_to_matrix([["a"]])
    with pytest.raises(DataError, match="whole numbers"):
        ours.sequences_to_matrix([[None]])
