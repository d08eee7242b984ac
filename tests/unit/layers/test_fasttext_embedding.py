"""Character n-grams as in fastText, against slow loops over bytes and against gensim."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from munjang.layers.embedding import TokenEmbedding
from munjang.layers.fasttext_embedding import FastTextEmbedding, cut_words
from munjang.layers.fasttext_ngrams import hash_as_fasttext
from munjang.layers.subword_schemes import SUBWORD_SCHEMES
from munjang.layers.subword_table import with_oov_words
from munjang.text.vocabulary import PAD, RESERVED
from tests.unit.text.strategies import hostile_text

pytestmark = pytest.mark.usefixtures("one_thread")

WORDS = ["walk", "walking", "a", "학교", "unreasonableness"]
SIZE = len(RESERVED) + len(WORDS)
ugly_words = st.lists(hostile_text(), max_size=5)


def reference_hash(data: bytes) -> int:
    value = 2166136261
    for byte in data:
        value ^= byte if byte < 128 else byte | 0xFFFFFF00  # a signed byte, made 32 bits wide
        value = value * 16777619 % 2**32
    return value


def reference_rows(word: str, shortest: int, longest: int, buckets: int) -> list[int]:
    letters = f"<{word}>"
    return [
        reference_hash(letters[start : start + n].encode()) % buckets
        for start in range(len(letters))
        for n in range(shortest, longest + 1)
        if start + n <= len(letters)
    ]


def rows_by_word(words: list[str], longest: int, buckets: int) -> list[list[int]]:
    word_of, rows = hash_as_fasttext(words, 3, longest, buckets)
    assert word_of.tolist() == sorted(word_of.tolist())
    return [rows[word_of == place].tolist() for place in range(len(words))]


@given(words=ugly_words, longest=st.integers(3, 8), buckets=st.integers(1, 2**32))
def test_rows_equal_slow_hashes(words: list[str], longest: int, buckets: int) -> None:
    expected = [reference_rows(word, 3, longest, buckets) for word in words]
    assert rows_by_word(words, longest, buckets) == expected


@given(words=ugly_words)
def test_rows_equal_those_of_gensim(words: list[str]) -> None:
    fasttext = pytest.importorskip("gensim.models.fasttext")
    expected = [fasttext.ft_ngram_hashes(word, 3, 6, 2000) for word in words]
    assert rows_by_word(words, 6, 2000) == expected


def make_embedding(units: str = "letters") -> TokenEmbedding:
    torch.manual_seed(0)
    embedding = TokenEmbedding(
        SIZE,
        3,
        subword_ngrams=5,
        subword_buckets=50,
        subword_units=units,
        subword_scheme="fasttext",
    )
    embedding.subwords.fit([*RESERVED, *WORDS])
    return embedding.eval()


@pytest.mark.parametrize("units", ["letters", "jamo"])
def test_unknown_words_are_the_mean_of_their_ngrams(units: str) -> None:
    embedding = make_embedding(units)
    words = ["walked", "학교가", "", "x" * 60]
    found = with_oov_words(embedding, words)
    ids = torch.tensor([[4, SIZE, SIZE + 1, SIZE + 2, SIZE + 3, PAD]])
    with torch.no_grad():
        vectors = found(ids, ids != PAD)[0]
        oov = embedding.weight[1]
        for word, vector in zip(cut_words(words, units), vectors[1:], strict=False):
            rows = reference_rows(word, 3, 5, 50)
            mean = embedding.subwords.weight[[1 + row for row in rows]].sum(0) / max(1, len(rows))
            torch.testing.assert_close(vector, oov + mean)
        assert torch.equal(vectors[0], embedding.weight[4])
        assert not vectors[-1].any()


def test_known_words_need_no_ngrams() -> None:
    embedding = make_embedding()
    ids = torch.tensor([[4, 5, PAD]])
    with torch.no_grad():
        assert torch.equal(embedding(ids, ids != PAD)[0, :2], embedding.weight[4:6])


def test_gradient_reaches_the_ngrams_of_unknown_words() -> None:
    embedding = with_oov_words(make_embedding(), ["walked"])
    ids = torch.tensor([[SIZE, 4]])
    embedding(ids, ids != PAD).sum().backward()
    gradient = embedding.subwords.weight.grad.to_dense()
    assert gradient.any()
    assert not gradient[PAD].any()


@pytest.mark.parametrize("scheme", SUBWORD_SCHEMES)
def test_distinct_ngrams_are_counted(scheme: str) -> None:
    tokens = [*RESERVED, *WORDS]
    grams = [
        {f"<{word}>"[s : s + n] for s in range(len(word)) for n in (3, 4) if s + n <= len(word) + 2}
        for word in WORDS
    ]
    every = [gram for part in grams for gram in part]
    distinct = set(every)
    shared = {gram for gram in distinct if every.count(gram) > 1}
    expected = {"sum": len(shared), "fasttext": len(distinct)}
    assert SUBWORD_SCHEMES[scheme].count_ngrams(tokens, 4, "letters") == expected[scheme]


def test_an_empty_vocabulary_has_no_ngrams() -> None:
    assert FastTextEmbedding.count_ngrams(RESERVED, 5, "jamo") == 0
