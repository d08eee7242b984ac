"""The spelling of tokens, against slow and obvious Python over their letters."""

import unicodedata
from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from munjang.layers.embedding import TokenEmbedding
from munjang.layers.subword_embedding import MAX_NGRAMS, SubwordEmbedding
from munjang.layers.subword_table import with_oov_words
from munjang.layers.subword_units import cut_jamo
from munjang.text.vocabulary import OOV, PAD, RESERVED
from tests.unit.text.strategies import hostile_text

pytestmark = pytest.mark.usefixtures("one_thread")

WORDS = ["walk", "walking", "talking", "talk", "zebra", "a", "재미있다", "재미있는"]
BUCKETS = 10**6  # so many that the n-grams of a few words do not meet


def fit_embedding(
    words: list[str], longest: int, buckets: int = BUCKETS, dim: int = 2
) -> SubwordEmbedding:
    torch.manual_seed(0)
    spelling = SubwordEmbedding(
        len(RESERVED) + len(words), dim, max_n=longest, buckets=buckets, std=1.0
    )
    spelling.fit([*RESERVED, *words])
    return spelling


def reference_ngrams(word: str, longest: int) -> list[str]:
    """Those of a word between brackets, by where they start and then by length."""
    letters = f"<{word[:MAX_NGRAMS]}>"
    return [
        letters[start : start + n]
        for start in range(len(letters))
        for n in range(3, longest + 1)
        if start + n <= len(letters)
    ]


def reference_shared_ngrams(words: list[str], longest: int) -> list[list[str]]:
    """The n-grams of each word that another word has as well, the first so many."""
    owners = Counter(gram for word in words for gram in set(reference_ngrams(word, longest)))
    return [
        [g for g in reference_ngrams(word, longest) if owners[g] > 1][:MAX_NGRAMS] for word in words
    ]


def assert_same_rows_for_same_ngrams(
    spelling: SubwordEmbedding, words: list[str], longest: int, *, meet: int = 0
) -> None:
    """Hold every n-gram to one row; so many different ones at most share theirs by chance."""
    row_of: dict[str, int] = {}
    for word, grams in enumerate(reference_shared_ngrams(words, longest)):
        result = spelling.ngram_rows[len(RESERVED) + word].tolist()
        assert result[len(grams) :] == [PAD] * (MAX_NGRAMS - len(grams))
        for gram, row in zip(grams, result, strict=False):
            assert row_of.setdefault(gram, row) == row
    assert PAD not in row_of.values()
    assert len(set(row_of.values())) >= len(row_of) - meet


@pytest.mark.parametrize("longest", [3, 5, 8])
def test_words_share_rows_of_shared_ngrams(longest: int) -> None:
    assert_same_rows_for_same_ngrams(fit_embedding(WORDS, longest), WORDS, longest)
    assert reference_shared_ngrams(WORDS, 3)[4] == []  # the only word with these letters


@settings(max_examples=25)
@given(st.lists(hostile_text().filter(bool), min_size=1, max_size=6, unique=True))
def test_hostile_tokens_share_rows_of_shared_ngrams(tokens: list[str]) -> None:
    plain = [t.replace("<", "").replace(">", "") or str(i) for i, t in enumerate(tokens)]
    message = [*dict.fromkeys(plain), *(f"{word}e" for word in dict.fromkeys(plain))]
    message = list(dict.fromkeys(message))
    assert_same_rows_for_same_ngrams(fit_embedding(message, 4), message, 4, meet=1)


def test_vector_is_ngram_sum_divided_by_sqrt_of_count() -> None:
    spelling = fit_embedding(WORDS, 5)
    ids = torch.tensor([[4, 6, 4, PAD], [9, OOV, 11, 8]])
    with torch.no_grad():
        vectors = spelling(ids)
    for row, column in torch.cartesian_prod(torch.arange(2), torch.arange(4)).tolist():
        rows = [n for n in spelling.ngram_rows[ids[row, column]].tolist() if n != PAD]
        expected = sum((spelling.weight[n] for n in rows), torch.zeros(2))
        expected = expected / max(len(rows), 1) ** 0.5
        torch.testing.assert_close(vectors[row, column], expected.detach())
    assert not vectors[0, 3].any()
    assert not vectors[1, 1].any()


def test_gradient_reaches_ngram_rows_only() -> None:
    spelling = fit_embedding(WORDS, 4, buckets=500)
    factors = torch.randn(1, 3, 2)
    ids = torch.tensor([[4, 7, 4]])
    (spelling(ids) * factors).sum().backward()
    assert spelling.weight.grad.is_sparse
    expected = torch.zeros_like(spelling.weight)
    for token, factor in zip(ids[0].tolist(), factors[0], strict=True):
        rows = [n for n in spelling.ngram_rows[token].tolist() if n != PAD]
        for n in rows:
            expected[n] += factor / len(rows) ** 0.5
    torch.testing.assert_close(spelling.weight.grad.to_dense(), expected)
    assert not expected[PAD].any()


def embed_ids(embedding: TokenEmbedding, ids: Tensor) -> Tensor:
    with torch.no_grad():
        return embedding(ids, ids != PAD)


def test_token_embedding_and_bag_add_subword_vectors() -> None:
    torch.manual_seed(0)
    embedding = TokenEmbedding(12, 3, subword_ngrams=4, subword_buckets=100)
    embedding.subwords.fit([*RESERVED, *WORDS])
    ids = torch.tensor([[4, 5, 6], [7, PAD, PAD]])
    with torch.no_grad():
        own = embedding.weight[ids] * (ids != PAD)[..., None]
        torch.testing.assert_close(embed_ids(embedding, ids), own + embedding.subwords(ids))
        bag = embedding.bag(ids, ids != PAD)
    torch.testing.assert_close(bag, embed_ids(embedding, ids).sum(1) / torch.tensor([[3.0], [1.0]]))


def test_dropped_token_is_embedded_as_oov_word() -> None:
    torch.manual_seed(0)
    embedding = TokenEmbedding(12, 3, subword_ngrams=4, subword_buckets=100, token_dropout=0.5)
    embedding.subwords.fit([*RESERVED, *WORDS])
    embedding.subwords.set_oov_words([WORDS[0]])
    unknown = embed_ids(embedding.eval(), torch.tensor([[12]]))[0]
    known = embed_ids(embedding, torch.tensor([[4]]))[0]
    result = embed_ids(embedding.train(), torch.full((1, 400), 4))[0]
    dropped = torch.isclose(result, unknown).all(-1)
    assert 100 < int(dropped.sum()) < 300
    torch.testing.assert_close(result[~dropped], known.expand_as(result[~dropped]))


def reference_oov_ngrams(word: str, words: list[str], longest: int) -> list[str]:
    """The n-grams of a word out of vocabulary that two words of it have."""
    owners = Counter(gram for known in words for gram in set(reference_ngrams(known, longest)))
    return [g for g in reference_ngrams(word, longest) if owners[g] > 1][:MAX_NGRAMS]


@pytest.mark.parametrize("longest", [3, 5])
def test_oov_words_use_rows_of_known_ngrams(longest: int) -> None:
    spelling = fit_embedding(WORDS, longest)
    row_of: dict[str, int] = {}
    for word, grams in enumerate(reference_shared_ngrams(WORDS, longest)):
        row_of |= dict(zip(grams, spelling.ngram_rows[len(RESERVED) + word].tolist(), strict=False))
    others = ["walks", "stalking", "재미없다", "재미있었던", "quiz", "\U0001f600", "walk" * 30]
    spelling.set_oov_words(others)
    size = len(RESERVED) + len(WORDS)
    with torch.no_grad():
        vectors = spelling(torch.tensor([[size + n for n in range(len(others))]]))[0]
    for word, vector in zip(others, vectors, strict=True):
        rows = [row_of[gram] for gram in reference_oov_ngrams(word, WORDS, longest)]
        expected = sum((spelling.weight[n] for n in rows), torch.zeros(2))
        torch.testing.assert_close(vector, expected.detach() / max(len(rows), 1) ** 0.5)
    assert not vectors[4].any()
    assert vectors[0].any()


def test_with_oov_words_shares_weights() -> None:
    torch.manual_seed(0)
    embedding = TokenEmbedding(12, 3, ngrams=2, buckets=50, subword_ngrams=4, subword_buckets=100)
    embedding.subwords.fit([*RESERVED, *WORDS])
    network = torch.nn.Sequential(embedding)
    first = with_oov_words(network, ["walks", "talks"])
    second = with_oov_words(network, ["quiz"])
    assert with_oov_words(network, []) is network
    ids = torch.tensor([[12]])
    result = [embed_ids(copy[0], ids) for copy in (first, second)]
    assert not torch.equal(*result)
    torch.testing.assert_close(result[1], embedding.weight[OOV].expand(1, 1, 3).detach())
    assert len(network[0].subwords.oov_ngram_rows) == 0
    assert first[0].weight is embedding.weight
    assert first[0].subwords.weight is embedding.subwords.weight


def test_token_ngrams_treat_oov_words_alike() -> None:
    torch.manual_seed(0)
    embedding = TokenEmbedding(12, 3, ngrams=3, buckets=50)
    ids, other = torch.tensor([[4, 12, 5]]), torch.tensor([[4, 900, 5]])
    oov = torch.tensor([[4, OOV, 5]])
    for result in (ids, other):
        torch.testing.assert_close(embed_ids(embedding, result), embed_ids(embedding, oov))


def test_ngram_rows_are_saved_in_state_dict() -> None:
    learned, fresh = (
        fit_embedding(WORDS, 4),
        SubwordEmbedding(12, 2, max_n=4, buckets=BUCKETS, std=1.0),
    )
    fresh.load_state_dict(learned.state_dict())
    ids = torch.arange(12)[None]
    with torch.no_grad():
        torch.testing.assert_close(fresh(ids), learned(ids), rtol=0, atol=0)


def test_jamo_of_a_syllable_are_three_units() -> None:
    def reference(token: str) -> list[int]:
        points = []
        for letter in token:
            jamo = unicodedata.normalize("NFD", letter) if "가" <= letter <= "힣" else letter
            has_no_final = "가" <= letter <= "힣" and len(jamo) == 2
            points += [*map(ord, jamo), *([0x11A7] if has_no_final else [])]
        return points

    assert cut_jamo("간다a") == [0x1100, 0x1161, 0x11AB, 0x1103, 0x1161, 0x11A7, ord("a")]
    for word in ("가힣", "재미있다", "ㄱ 가1", ""):
        assert cut_jamo(word) == reference(word)


def test_jamo_ngrams_relate_forms_of_a_verb() -> None:
    words = ["가다", "가고", "서울"]
    for units, is_related in (("letters", False), ("jamo", True)):
        spelling = SubwordEmbedding(
            len(RESERVED) + 3, 2, max_n=5, buckets=BUCKETS, std=1.0, units=units
        )
        spelling.fit([*RESERVED, *words])
        first, second = (set(spelling.ngram_rows[len(RESERVED) + n].tolist()) for n in (0, 1))
        assert bool(first & second - {PAD}) == is_related
