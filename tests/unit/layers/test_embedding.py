"""Hashed n-grams and row-sparse sums, against slow and obvious Python."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from munjang.layers.embedding import TokenEmbedding
from munjang.layers.fast.sparse_rows import bags_of_rows, bags_of_rows_by_numpy, sum_rows
from munjang.layers.hashing import hash_ngrams
from munjang.layers.masking import masked_mean
from munjang.text.vocabulary import OOV, PAD
from munjang.training.kernels import coalesce_rows
from tests.synthetic import pad_rows

pytestmark = pytest.mark.usefixtures("one_thread")

rows_of_ids = st.lists(st.lists(st.integers(1, 40), max_size=7), min_size=1, max_size=5)
wide_ids = st.lists(st.integers(0, 2**31 - 1), min_size=1, max_size=8)


def wrap_int64(number: int) -> int:
    """As a signed 64-bit integer."""
    return (number + 2**63) % 2**64 - 2**63


def reference_bucket(gram: list[int], buckets: int) -> int:
    """The bucket of one n-gram: a polynomial of its ids, multiplied and cut to 31 middle bits."""
    rolling = gram[0]
    for token in gram[1:]:
        rolling = wrap_int64(rolling * 1000003 + token)
    mixed = (wrap_int64(rolling * -7046029254386353131) >> 20) & 0x7FFFFFFF
    return mixed % buckets


@settings(max_examples=80)
@given(
    rows=st.lists(wide_ids, min_size=1, max_size=4),
    longest=st.integers(2, 8),
    buckets=st.integers(1, 2**20),
    extra=st.integers(0, 3),
)
def test_hash_ngrams_equals_loop(
    rows: list[list[int]], longest: int, buckets: int, extra: int
) -> None:
    ids, mask = pad_rows(rows, extra=extra, filler=17)
    actual = hash_ngrams(ids, mask.sum(1), longest, buckets)
    assert actual.shape == (*ids.shape, longest - 1)
    for index, row in enumerate(rows):
        for start in range(ids.shape[1]):
            for n in range(2, longest + 1):
                inside = start + n <= len(row)
                expected = reference_bucket(row[start : start + n], buckets) if inside else -1
                assert int(actual[index, start, n - 2]) == expected


def test_hashes_of_neighboring_ids_are_spread() -> None:
    pairs = torch.cartesian_prod(torch.arange(4, 104), torch.arange(4, 104))
    result = hash_ngrams(pairs, torch.full((len(pairs),), 2), 2, 2**16)[:, 0, 0]
    # 10,000 balls in 65,536 bins hit about 9,280 different ones
    assert len(result.unique()) > 9_000


@settings(max_examples=60)
@given(
    rows=rows_of_ids,
    ngrams=st.integers(1, 4),
    extra=st.integers(0, 3),
    filler=st.integers(0, 40),
)
def test_vector_is_sum_of_token_row_and_ngram_rows(
    rows: list[list[int]], ngrams: int, extra: int, filler: int
) -> None:
    torch.manual_seed(0)
    embedding = TokenEmbedding(41, 3, ngrams=ngrams, buckets=50)
    weight = embedding.weight.detach()
    ids, mask = pad_rows(rows, extra=extra, filler=filler)
    expected = torch.zeros(*ids.shape, 3)
    for index, row in enumerate(rows):
        for start, token in enumerate(row):
            expected[index, start] += weight[token]
            for n in range(2, ngrams + 1):
                if start + n <= len(row):
                    expected[index, start] += weight[
                        41 + reference_bucket(row[start : start + n], 50)
                    ]
    torch.testing.assert_close(embedding(ids, mask), expected)
    torch.testing.assert_close(embedding.bag(ids, mask), masked_mean(expected, mask))


@pytest.mark.parametrize("ngrams", [1, 3])
def test_bag_and_forward_have_same_gradient(ngrams: int) -> None:
    torch.manual_seed(0)
    embedding = TokenEmbedding(20, 4, ngrams=ngrams, buckets=30)
    ids, mask = pad_rows([[1, 2, 3, 2, 1], [], [5], [7, 7, 7]], extra=2)
    gradients = []
    for reduce in (
        lambda: embedding.bag(ids, mask),
        lambda: masked_mean(embedding(ids, mask), mask),
    ):
        embedding.weight.grad = None
        reduce().square().sum().backward()
        assert embedding.weight.grad is not None
        gradients.append(embedding.weight.grad.to_dense())
    torch.testing.assert_close(gradients[0], gradients[1])


@settings(max_examples=60)
@given(
    ids=st.integers(1, 4).flatmap(
        lambda wide: st.lists(
            st.lists(st.integers(0, 9), min_size=wide, max_size=wide), min_size=1, max_size=6
        )
    )
)
def test_bags_of_each_row_equal_loop(ids: list[list[int]]) -> None:
    bags = torch.tensor(ids)
    expected: dict[int, list[int]] = {}
    for bag, row in enumerate(ids):
        for number in row:
            if number != PAD:
                expected.setdefault(number, []).append(bag)
    # numbers of 32 bits, and of 64
    for table in (1000, 2**40):
        for find in (bags_of_rows_by_numpy, bags_of_rows):
            rows, starts, actual = find(bags, table)
            assert rows.tolist() == sorted(expected)
            parts = torch.tensor_split(actual, starts[1:]) if len(starts) else []
            assert [part.tolist() for part in parts] == [expected[n] for n in sorted(expected)]


@settings(max_examples=60)
@given(
    ids=st.integers(1, 4).flatmap(
        lambda wide: st.lists(
            st.lists(st.integers(0, 9), min_size=wide, max_size=wide), min_size=1, max_size=6
        )
    )
)
def test_sum_rows_equals_dense_lookup(ids: list[list[int]]) -> None:
    torch.manual_seed(len(ids))
    weight = torch.randn(10, 3)
    weight[0] = 0.0
    bags = torch.tensor(ids)
    ours, dense = (weight.clone().requires_grad_() for _ in range(2))
    actual, expected = sum_rows(ours, bags), dense[bags].sum(1)
    torch.testing.assert_close(actual, expected)
    factors = torch.randn_like(actual)
    (actual * factors).sum().backward()
    (expected * factors).sum().backward()
    assert ours.grad is not None
    assert dense.grad is not None
    assert ours.grad.is_sparse
    dense.grad[0] = 0.0  # PAD never learns
    torch.testing.assert_close(ours.grad.to_dense(), dense.grad)


def test_sparse_gradient_has_sorted_unique_rows() -> None:
    weight = torch.randn(10, 2, requires_grad=True)
    sum_rows(weight, torch.tensor([[7, 2, 7], [0, 2, 0], [9, 0, 0]])).sum().backward()
    assert weight.grad is not None
    assert weight.grad._indices().tolist() == [[2, 7, 9]]
    assert weight.grad._values().tolist() == [[2.0, 2.0], [2.0, 2.0], [1.0, 1.0]]


def test_gradient_equals_finite_differences() -> None:
    torch.manual_seed(0)
    weight = torch.randn(6, 2, dtype=torch.float64)
    weight[0] = 0.0
    bags = torch.tensor([[1, 3, 3], [5, 0, 1], [0, 0, 0]])

    def loss(table: torch.Tensor) -> torch.Tensor:
        return sum_rows(table, bags).sin().sum()

    table = weight.clone().requires_grad_()
    loss(table).backward()
    assert table.grad is not None
    gradient = table.grad.to_dense()
    for row in range(1, 6):
        for column in range(2):
            step = torch.zeros_like(weight)
            step[row, column] = 1e-6
            slope = (loss(weight + step) - loss(weight - step)) / 2e-6
            assert float(gradient[row, column]) == pytest.approx(float(slope), abs=1e-6)


def test_padding_touches_no_row() -> None:
    embedding = TokenEmbedding(5, 2, ngrams=2, buckets=4)
    embedding(*pad_rows([[], []])).sum().backward()
    assert embedding.weight.grad is not None
    assert not embedding.weight.grad.to_dense().any()


def test_token_dropout_replaces_tokens_by_oov_in_training_only() -> None:
    torch.manual_seed(0)
    embedding = TokenEmbedding(50, 2, ngrams=3, buckets=90, token_dropout=0.3)
    ids, mask = pad_rows([[7] * 400] * 5 + [[7] * 10])
    whole = embedding.eval().rows(embedding.visible_ids(ids, mask), mask)
    thinned = embedding.train().rows(embedding.visible_ids(ids, mask), mask)
    dropped = thinned[..., 0] == OOV
    assert float(dropped.sum() / mask.sum()) == pytest.approx(0.3, abs=0.05)
    assert not dropped[~mask].any()
    assert not thinned[~mask].any()
    seen = ids.masked_fill(dropped, OOV)
    torch.testing.assert_close(thinned, embedding.eval().rows(seen, mask))
    torch.testing.assert_close(whole, embedding.rows(embedding.visible_ids(ids, mask), mask))


def test_rare_ngrams_have_no_row() -> None:
    embedding = TokenEmbedding(50, 2, ngrams=2, buckets=90, ngram_min_frequency=2)
    ids, mask = pad_rows([[5, 6, 7], [5, 6], [8, 9]])
    embedding.count_ngrams([(ids[:2], mask[:2].sum(1)), (ids[2:], mask[2:].sum(1))])
    rows = embedding.rows(embedding.visible_ids(ids, mask), mask)[..., 1]
    assert (rows != PAD).tolist() == [[True, False, False], [True, False, False], [False] * 3]
    assert rows[0, 0] == rows[1, 0] >= 50


def test_bag_is_sum_divided_by_sqrt_of_tokens() -> None:
    embedding = TokenEmbedding(50, 4, ngrams=3, buckets=90)
    ids, mask = pad_rows([[5, 6, 7, 8], [9], []])
    summed = embedding(ids, mask).sum(1)
    lengths = torch.tensor([[4.0], [1.0], [1.0]])
    torch.testing.assert_close(embedding.bag(ids, mask), summed / lengths)
    torch.testing.assert_close(embedding.bag(ids, mask, "sqrtn"), summed / lengths.sqrt())


def test_initial_weights_are_small_with_zero_padding() -> None:
    torch.manual_seed(0)
    weight = TokenEmbedding(2000, 16).weight.detach()
    assert not weight[0].any()
    assert float(weight[1:].std()) == pytest.approx(0.1, rel=0.05)


@settings(max_examples=60)
@given(
    bags=st.lists(st.lists(st.integers(0, 9), min_size=3, max_size=3), min_size=1, max_size=6),
    frozen=st.sets(st.integers(1, 9)),
)
def test_frozen_rows_get_no_gradient(bags: list[list[int]], frozen: set[int]) -> None:
    torch.manual_seed(len(bags))
    weight = torch.randn(10, 3)
    weight[PAD] = 0.0
    learns = torch.tensor([row not in frozen for row in range(10)])
    some, whole = (weight.clone().requires_grad_() for _ in range(2))
    ids = torch.tensor(bags)
    for table, which in ((some, learns), (whole, None)):
        sums = sum_rows(table, ids, which)
        torch.testing.assert_close(sums, weight[ids].sum(1))
        (sums**2).sum().backward()
    assert some.grad is not None
    assert whole.grad is not None
    assert not set(some.grad._indices()[0].tolist()) & frozen
    assert torch.equal(some.grad.to_dense(), whole.grad.to_dense() * learns[:, None])


@pytest.mark.parametrize("ngrams", [1, 3])
def test_gradient_of_tied_weight_adds_to_that_of_lookups(ngrams: int) -> None:
    torch.manual_seed(0)
    embedding = TokenEmbedding(7, 3, ngrams=ngrams, buckets=50)
    ids, mask = pad_rows([[1, 2, 1], [6, 5]])
    states = torch.randn(4, 3)
    loss = (embedding(ids, mask) ** 2).sum() + (states @ embedding.tied_weight().T).exp().sum()
    loss.backward()
    table = embedding.weight.detach().clone().requires_grad_()
    vectors = table[embedding.rows(ids, mask)].sum(2)
    ((vectors**2).sum() + (states @ table[:7].T).exp().sum()).backward()
    assert table.grad is not None
    expected = table.grad.clone()
    expected[PAD] = 0.0
    gradient = embedding.weight.grad
    assert gradient is not None
    torch.testing.assert_close(gradient.to_dense(), expected)
    # without n-grams most rows of the table are those of the output layer
    assert gradient.is_sparse == (ngrams > 1)


def test_gradient_of_tied_weight_leaves_out_ngrams_of_other_batches() -> None:
    embedding = TokenEmbedding(7, 3, ngrams=2, buckets=10_000)
    ids, mask = pad_rows([[1, 2], [2, 1]])
    (embedding(ids, mask).sum() + embedding.tied_weight().sum()).backward()
    assert embedding.weight.grad is not None
    rows, _ = torch.sort(coalesce_rows(embedding.weight.grad).indices()[0])
    pairs = embedding.rows(ids, mask)[:, 0, 1].sort().values
    assert rows.tolist() == [1, 2, 3, 4, 5, 6, *pairs.tolist()]
