"""The Tokenizer against the legacy one of Keras, over difficult texts and settings."""

import math
import subprocess
import sys
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from munjang.errors import ConfigError, DataError, NotFittedError
from munjang.text.keras import Tokenizer, text_to_word_sequence
from munjang.text.plain.words import KERAS_FILTERS
from tests.unit.text.peer_keras import force_path, legacy
from tests.unit.text.strategies import hostile_text, hostile_texts, with_surrogates

FILTERS = st.sampled_from(
    [KERAS_FILTERS, "", " ", "aAbB", "。\u3000", "iσς", ["!", "?"], "!?é", "\0😀𐐀𐐨"]
)
SPLITS = st.sampled_from(
    [" ", " ", " ", None, "a", "A", "ab", "\u3000", "i", "Σ", "σ", "İ", "-", "😀", "\0"]
)
OOV_TOKENS = st.sampled_from([None, None, "<oov>", "영화", "the", "e", ""])
NUM_WORDS = st.sampled_from([None, None, 0, 1, 2, 3, 5, 8, 1000, -2, 3.5])

arguments = st.fixed_dictionaries(
    {},
    optional={
        "num_words": NUM_WORDS,
        "filters": FILTERS,
        "lower": st.booleans(),
        "split": SPLITS,
        "char_level": st.booleans(),
        "oov_token": OOV_TOKENS,
    },
)
token_lists = st.lists(st.lists(hostile_text(2), max_size=6), max_size=6)
mixed = st.lists(st.one_of(hostile_text(), st.lists(hostile_text(2), max_size=4)), max_size=6)
corpora = st.one_of(hostile_texts(), hostile_texts(), hostile_texts(), token_lists, mixed)


def get_state(tokenizer: Any) -> dict[str, Any]:
    """Return all learned state with its order, but for word_docs, which Keras orders by hash."""
    return {
        "word_counts": list(tokenizer.word_counts.items()),
        "word_docs": dict(tokenizer.word_docs),
        "word_index": list(tokenizer.word_index.items()),
        "index_word": list(tokenizer.index_word.items()),
        "index_docs": dict(tokenizer.index_docs),
        "document_count": tokenizer.document_count,
    }


@settings(max_examples=200)
@given(keywords=arguments, fits=st.lists(corpora, max_size=3), other=corpora, columns=st.booleans())
def test_fit_and_encode_equal_keras(keywords, fits, other, columns):
    theirs, ours = legacy.Tokenizer(**keywords), Tokenizer(**keywords)
    with force_path(columns):
        for texts in fits:
            theirs.fit_on_texts(texts)
            ours.fit_on_texts(texts)
        expected = theirs.texts_to_sequences(other)
        assert ours.texts_to_sequences(other) == expected
        assert list(ours.texts_to_sequences_generator(iter(other))) == expected
        assert ours.texts_to_sequences(tuple(other)) == expected
        if ours.document_count:
            assert ours.texts_to_column(other).to_pylist() == expected
            assert ours.sequences_to_texts(expected) == theirs.sequences_to_texts(expected)
    assert get_state(ours) == get_state(theirs)


@settings(max_examples=150)
@given(
    keywords=arguments, texts=corpora, sequences=st.lists(st.lists(st.integers(-1, 20), max_size=6))
)
def test_decode_equals_keras(keywords, texts, sequences):
    theirs, ours = legacy.Tokenizer(**keywords), Tokenizer(**keywords)
    theirs.fit_on_texts(texts)
    with force_path(columns=True):
        ours.fit_on_texts(texts)
    try:
        expected = theirs.sequences_to_texts(sequences)
    except KeyError:  # Keras when the oov_token is also a word of the text and has lost id 1
        return
    assert ours.sequences_to_texts(sequences) == expected
    assert list(ours.sequences_to_texts_generator(iter(sequences))) == expected


@given(text=hostile_text(), filters=FILTERS, lower=st.booleans(), split=SPLITS)
def test_text_to_word_sequence_equals_keras(text, filters, lower, split):
    expected = legacy.text_to_word_sequence(text, filters=filters, lower=lower, split=split)
    assert text_to_word_sequence(text, filters=filters, lower=lower, split=split) == expected


@given(
    texts=st.lists(st.one_of(hostile_text(), with_surrogates()), max_size=5), columns=st.booleans()
)
def test_lone_surrogates_equal_keras(texts, columns):
    theirs, ours = legacy.Tokenizer(), Tokenizer()
    theirs.fit_on_texts(texts)
    with force_path(columns):
        ours.fit_on_texts(texts)
        assert ours.texts_to_sequences(texts) == theirs.texts_to_sequences(texts)
    assert get_state(ours) == get_state(theirs)


@given(texts=hostile_texts(), columns=st.booleans())
def test_any_iterable_of_texts(texts, columns):
    theirs = legacy.Tokenizer()
    theirs.fit_on_texts(texts)
    forms = [texts, tuple(texts), iter(texts), (text for text in texts), np.array(texts, object)]
    forms += [pl.Series(texts, dtype=pl.String), pl.Series(texts, dtype=pl.String).to_arrow()]
    if texts and not any(text.endswith("\0") for text in texts):  # NumPy's own strings cut these
        forms.append(np.array(texts))
    for form in forms:
        ours = Tokenizer()
        with force_path(columns):
            ours.fit_on_texts(form)
        assert get_state(ours) == get_state(theirs)


@given(texts=hostile_texts(), columns=st.booleans())
def test_analyzer(texts, columns):
    analyzer = list[str]
    theirs, ours = legacy.Tokenizer(analyzer=analyzer), Tokenizer(analyzer=analyzer)
    theirs.fit_on_texts(texts)
    with force_path(columns):
        ours.fit_on_texts(texts)
        assert ours.texts_to_sequences(texts) == theirs.texts_to_sequences(texts)
    assert get_state(ours) == get_state(theirs)


@given(
    sequences=st.lists(st.lists(st.integers(0, 9), max_size=5), max_size=5),
    texts=hostile_texts(),
    columns=st.booleans(),
)
def test_fit_on_sequences_before_and_after_texts(sequences, texts, columns):
    theirs, ours = legacy.Tokenizer(), Tokenizer()
    for tokenizer in (theirs, ours):
        with force_path(columns):
            tokenizer.fit_on_sequences(sequences)
            tokenizer.fit_on_texts(texts)
            tokenizer.fit_on_sequences(sequences)
    assert get_state(ours) == get_state(theirs)


@given(texts=hostile_texts(), columns=st.booleans(), read_first=st.booleans())
def test_dictionaries_may_be_modified(texts, columns, read_first):
    theirs, ours = legacy.Tokenizer(oov_token="<oov>"), Tokenizer(oov_token="<oov>")
    for tokenizer in (theirs, ours):
        with force_path(columns):
            tokenizer.fit_on_texts(texts)
            if read_first:
                tokenizer.texts_to_sequences(texts)
            tokenizer.word_index["<pad>"] = 0
            tokenizer.word_index = {w: i for w, i in tokenizer.word_index.items() if i != 2}
            tokenizer.word_index["새말"] = 7
            tokenizer.num_words = 6
    with force_path(columns):
        more = [*texts, "새말 <pad>"]
        assert ours.texts_to_sequences(more) == theirs.texts_to_sequences(more)


def test_padding_token_differs_from_oov_token():
    theirs, ours = legacy.Tokenizer(), Tokenizer()
    for tokenizer in (theirs, ours):
        tokenizer.fit_on_texts(["하나 둘"])
        tokenizer.index_word[0] = "<pad>"
        assert tokenizer.sequences_to_texts([[0, 1, 9]]) == ["<pad> 하나"]


def test_non_string_words_equal_keras():
    texts = [[1, 2, 1], [2, None, "a"], ["a", ("b", 1)]]
    theirs, ours = legacy.Tokenizer(lower=False), Tokenizer(lower=False)
    for tokenizer in (theirs, ours):
        tokenizer.fit_on_texts(texts)
    with force_path(columns=True):
        assert ours.texts_to_sequences(texts) == theirs.texts_to_sequences(texts)
    assert get_state(ours) == get_state(theirs)


def test_deprecated_arguments():
    with pytest.warns(UserWarning, match="num_words"):
        assert Tokenizer(nb_words=5).num_words == 5
    assert Tokenizer(document_count=3).document_count == 3
    with pytest.raises(TypeError, match="color"):
        Tokenizer(color="red")


BAD_TEXTS = [[None], ["fine", None], [3], [b"bytes"], [["a", None]], [("a", "b")], [float("nan")]]


@pytest.mark.parametrize("texts", BAD_TEXTS, ids=repr)
@pytest.mark.parametrize("method", ["fit_on_texts", "texts_to_sequences"])
@pytest.mark.parametrize("columns", [False, True])
def test_none_is_refused_with_its_row(texts, method, columns):
    theirs, ours = legacy.Tokenizer(), Tokenizer()
    with pytest.raises((AttributeError, TypeError)) as expected:
        getattr(theirs, method)(texts)
    with (
        force_path(columns),
        pytest.raises(DataError, match=f"row {len(texts)}: expected") as refused,
    ):
        getattr(ours, method)(texts)
    assert isinstance(refused.value, expected.type)
    assert "\n" not in str(refused.value)


def test_refused_text_leaves_state_unchanged():
    ours = Tokenizer()
    ours.fit_on_texts(["하나 둘"])
    before = get_state(ours)
    with pytest.raises(DataError):
        ours.fit_on_texts(["셋", None])
    assert get_state(ours) == before


BAD_SETTINGS = [
    {"split": ""},
    {"split": 5},
    {"split": b" "},
    {"filters": None},
    {"filters": 3},
    {"filters": ["ab"]},
    {"filters": [1.5]},
]


@pytest.mark.parametrize("keywords", BAD_SETTINGS, ids=repr)
@pytest.mark.parametrize("columns", [False, True])
def test_invalid_settings_raise_types_of_keras(keywords, columns):
    with pytest.raises((TypeError, ValueError)) as expected:
        legacy.Tokenizer(**keywords).fit_on_texts(["a!b"])
    with force_path(columns), pytest.raises(ConfigError) as refused:
        Tokenizer(**keywords).fit_on_texts(["a!b"])
    assert isinstance(refused.value, expected.type)


@pytest.mark.parametrize("texts", [None, 5])
def test_non_collections_are_refused(texts):
    with pytest.raises(TypeError):
        legacy.Tokenizer().fit_on_texts(texts)
    with pytest.raises(DataError, match="list of texts") as refused:
        Tokenizer().fit_on_texts(texts)
    assert isinstance(refused.value, TypeError)


def test_single_string_warns_as_characters():
    theirs, ours = legacy.Tokenizer(), Tokenizer()
    theirs.fit_on_texts("ab a")
    with pytest.warns(UserWarning, match="each character counts as a text"):
        ours.fit_on_texts("ab a")
    assert get_state(ours) == get_state(theirs)


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "2", None])
def test_min_frequency_must_be_a_count(wrong):
    with pytest.raises(ConfigError, match="min_frequency"):
        Tokenizer(min_frequency=wrong)


def test_num_words_must_be_a_number():
    with pytest.raises(ConfigError, match="num_words"):
        Tokenizer(num_words="many")


@given(texts=hostile_texts(), limit=st.integers(1, 4), oov=OOV_TOKENS, columns=st.booleans())
def test_min_frequency_keeps_counts_and_drops_ids(texts, limit, oov, columns):
    everything, ours = Tokenizer(oov_token=oov), Tokenizer(oov_token=oov, min_frequency=limit)
    with force_path(columns):
        for tokenizer in (everything, ours):
            tokenizer.fit_on_texts(texts[:4])
            tokenizer.fit_on_texts(texts[4:])
    assert ours.word_counts == everything.word_counts
    kept = {word for word, count in everything.word_counts.items() if count >= limit}
    assert set(ours.word_index) - {oov} == kept - {oov}
    assert set(ours.index_docs) == {ours.word_index[word] for word in kept}
    with force_path(columns):
        pairs = zip(
            ours.texts_to_sequences(texts), everything.texts_to_sequences(texts), strict=True
        )
        for mine, whole in pairs:
            words = [everything.index_word[number] for number in whole]
            assert mine == [
                ours.word_index[word] if word in kept else ours.word_index[oov]
                for word in words
                if word in kept or oov is not None
            ]


@settings(max_examples=100)
@given(keywords=arguments, texts=hostile_texts(), columns=st.booleans())
def test_vocab_size_is_embedding_rows(keywords, texts, columns):
    ours = Tokenizer(**keywords)
    with force_path(columns):
        ours.fit_on_texts([*texts, ""])
        ids = [number for row in ours.texts_to_sequences([*texts, "모르는말"]) for number in row]
    assert ours.vocab_size > max(ids, default=0)
    if not ours.num_words and ours.word_index:
        assert ours.vocab_size == max(ours.word_index.values()) + 1
    if ours.num_words and ours.num_words > 2 and ours.oov_token not in ours.word_counts:
        assert ours.vocab_size <= math.ceil(ours.num_words)


@pytest.mark.parametrize("oov_token", [None, "<oov>"])
@pytest.mark.parametrize("use", ["vocab_size", "texts_to_column", "coverage"])
def test_use_before_fit_raises_not_fitted_error(oov_token, use):
    ours = Tokenizer(oov_token=oov_token)
    with pytest.raises(NotFittedError, match="fit_on_texts"):
        {
            "vocab_size": lambda: ours.vocab_size,
            "texts_to_column": lambda: ours.texts_to_column(["a"]),
            "coverage": ours.coverage,
        }[use]()


def test_import_loads_neither_keras_nor_torch():
    code = (
        "import sys, munjang.text.keras as k; t = k.Tokenizer(); t.fit_on_texts(['a b'] * 99999); "
        "k.pad_sequences(t.texts_to_sequences(['a b'])); t.texts_to_matrix(['a'], 'tfidf'); "
        "sys.exit(any(m.split('.')[0] in ('keras', 'torch', 'tensorflow') for m in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
