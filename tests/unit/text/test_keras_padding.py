"""pad_sequences against Keras' own."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from munjang.errors import ConfigError, DataError
from munjang.text.columns import token_column
from munjang.text.keras import pad_sequences
from tests.unit.text import peer_keras
from tests.unit.text.strategies import hostile_text

SIDES = st.sampled_from(["pre", "post"])
INTEGERS = st.integers(-(2**40), 2**40)
SMALL = st.integers(-5, 300)
keywords = st.fixed_dictionaries(
    {},
    optional={"maxlen": st.sampled_from([None, 1, 2, 5]), "padding": SIDES, "truncating": SIDES},
)


def make_rows(elements):
    return st.lists(st.lists(elements, max_size=6), min_size=1, max_size=6)


def assert_same_as_keras(sequences, **arguments):
    """Check that both give the same array or the same kind of error."""
    expected, error = call_or_error(peer_keras.pad_sequences, sequences, **arguments)
    padded, refused = call_or_error(pad_sequences, sequences, **arguments)
    if error is not None:
        kind = ValueError if isinstance(error, UnicodeError) else type(error)
        assert isinstance(refused, kind)
        return
    assert refused is None
    assert padded.dtype == expected.dtype
    np.testing.assert_array_equal(padded, expected, strict=True)


def call_or_error(function, sequences, **arguments):
    try:
        return function(sequences, **arguments), None
    except Exception as error:
        return None, error


@settings(max_examples=200)
@given(
    rows=st.one_of(
        make_rows(SMALL), make_rows(INTEGERS), make_rows(st.floats(-9, 9)), make_rows(st.booleans())
    ),
    arguments=keywords,
    dtype=st.sampled_from(["int32", "int64", "uint8", "float32", "float64", "object", "bool"]),
    value=st.sampled_from([0.0, 0, -1, 7, 0.5, True]),
)
def test_numbers(rows, arguments, dtype, value):
    assert_same_as_keras(rows, dtype=dtype, value=value, **arguments)


@given(rows=make_rows(SMALL), arguments=keywords)
def test_defaults_and_other_forms(rows, arguments):
    assert_same_as_keras(rows, **arguments)
    assert_same_as_keras(tuple(map(tuple, rows)), **arguments)
    assert_same_as_keras([np.array(row, dtype=np.int64) for row in rows], **arguments)
    flat = [number for row in rows for number in row]
    column = token_column(flat, np.cumsum([0, *map(len, rows)]))
    expected = peer_keras.pad_sequences(rows, **arguments)
    np.testing.assert_array_equal(pad_sequences(column, **arguments), expected)


@given(
    rows=make_rows(hostile_text(3)),
    arguments=keywords,
    dtype=st.sampled_from([object, "object", "U3", str, "S", "int32"]),
    value=st.sampled_from(["", "<pad>", 0.0]),
)
def test_strings(rows, arguments, dtype, value):
    assert_same_as_keras(rows, dtype=dtype, value=value, **arguments)


@given(
    rows=make_rows(st.one_of(st.lists(SMALL, min_size=2, max_size=2), st.lists(SMALL, max_size=3))),
    arguments=keywords,
)
def test_vectors(rows, arguments):
    assert_same_as_keras(rows, **arguments)


@pytest.mark.parametrize("truncating", ["pre", "post"])
@pytest.mark.parametrize("padding", ["pre", "post"])
@pytest.mark.parametrize("rows", [[[1, 2]], [[]], [[], [1]]], ids=repr)
@pytest.mark.parametrize("maxlen", [0, -1, 1.5, "3"])
def test_sequences_without_len(rows, maxlen, padding, truncating):
    assert_same_as_keras(rows, maxlen=maxlen, padding=padding, truncating=truncating)


UNPADDABLE = [
    ([], {}),
    ([1, 2], {}),
    ([[1], None], {}),
    (5, {}),
    pytest.param(iter([[1]]), {}, id="iterator"),
    ([[1, 2]], {"padding": "left"}),
    ([[1, 2]], {"truncating": "left"}),
    ([[1, 2]], {"value": "pad"}),
    ([[None]], {}),
    ([[1], ["x"]], {}),
    ([[1], [2**40]], {}),
    ([[[1, 2]], [[1, 2, 3]]], {}),
]


@pytest.mark.parametrize(("sequences", "arguments"), UNPADDABLE, ids=repr)
def test_unpaddable_sequences_are_refused_in_one_line(sequences, arguments):
    with pytest.raises((ConfigError, DataError)) as refused:
        pad_sequences(sequences, **arguments)
    assert "\n" not in str(refused.value)
    assert_same_as_keras(sequences, **arguments)


def test_empty_list_with_maxlen():
    assert pad_sequences([], maxlen=3).shape == (0, 3)
