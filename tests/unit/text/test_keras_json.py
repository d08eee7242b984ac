"""JSON of tokenizers is exchanged with Keras in both directions."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from munjang.errors import DataError
from munjang.text.keras import Tokenizer, tokenizer_from_json
from tests.unit.text.peer_keras import force_path, legacy
from tests.unit.text.strategies import hostile_texts
from tests.unit.text.test_keras import arguments, get_state


@settings(max_examples=100)
@given(keywords=arguments, texts=hostile_texts(), other=hostile_texts(), columns=st.booleans())
def test_json_is_exchanged_with_keras(keywords, texts, other, columns):
    theirs, ours = legacy.Tokenizer(**keywords), Tokenizer(**keywords)
    theirs.fit_on_texts(texts)
    with force_path(columns):
        ours.fit_on_texts(texts)
        from_theirs = tokenizer_from_json(theirs.to_json())
        from_ours = tokenizer_from_json(ours.to_json())
        back_in_keras = legacy.tokenizer_from_json(ours.to_json())
        expected = theirs.texts_to_sequences(other)
        for tokenizer in (from_theirs, from_ours, back_in_keras):
            assert get_state(tokenizer) == get_state(theirs)
            assert tokenizer.texts_to_sequences(other) == expected


@given(keywords=arguments, texts=hostile_texts())
def test_config_equals_keras(keywords, texts):
    theirs, ours = legacy.Tokenizer(**keywords), Tokenizer(**keywords)
    theirs.fit_on_texts(texts)
    ours.fit_on_texts(texts)
    ours.word_docs = {word: ours.word_docs[word] for word in theirs.word_docs}
    ours.index_docs = {number: ours.index_docs[number] for number in theirs.index_docs}
    assert ours.get_config() == theirs.get_config()
    assert ours.to_json(indent=1) == theirs.to_json(indent=1)


def test_min_frequency_round_trip_is_ignored_by_keras():
    ours = Tokenizer(min_frequency=2)
    ours.fit_on_texts(["하나 둘 하나", "셋"])
    written = ours.to_json(ensure_ascii=False)
    assert tokenizer_from_json(written).min_frequency == 2
    theirs = legacy.tokenizer_from_json(written)
    assert theirs.texts_to_sequences(["하나 둘"]) == ours.texts_to_sequences(["하나 둘"]) == [[1]]


def test_loaded_tokenizer_continues_fitting():
    whole, first = Tokenizer(), Tokenizer()
    whole.fit_on_texts(["하나 둘", "둘 셋"])
    first.fit_on_texts(["하나 둘"])
    loaded = tokenizer_from_json(first.to_json())
    loaded.fit_on_texts(["둘 셋"])
    assert get_state(loaded) == get_state(whole)


@pytest.mark.parametrize(
    "wrong", ["", "{", "[]", "{}", '{"config": {}}', '{"config": 3}', "7", "[" * 100_000]
)
def test_invalid_json_is_refused(wrong):
    with pytest.raises(DataError, match="does not describe a Keras tokenizer"):
        tokenizer_from_json(wrong)


def test_non_numeric_ids_are_refused():
    state = json.loads(Tokenizer().to_json())
    state["config"]["index_word"] = '{"one": "하나"}'
    with pytest.raises(DataError, match="does not describe a Keras tokenizer"):
        tokenizer_from_json(json.dumps(state))


def test_unknown_setting_is_refused():
    state = json.loads(Tokenizer().to_json())
    state["config"]["color"] = "red"
    with pytest.raises(DataError, match="color"):
        tokenizer_from_json(json.dumps(state))
