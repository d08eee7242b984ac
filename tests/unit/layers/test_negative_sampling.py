"""Losses with negative sampling, against loops over all pairs of tokens."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from munjang.layers.fast.token_bands import TokenBands
from munjang.layers.negative_sampling import GROUP, Windows, cbow_loss, count_groups, skipgram_loss

pytestmark = pytest.mark.usefixtures("one_thread")


def reference_neighbors(lines: Tensor, windows: Tensor) -> list[list[int]]:
    """The places in the window of each token, in its line."""
    count = len(lines)
    return [
        [
            other
            for other in range(count)
            if other != place
            and abs(other - place) <= windows[place]
            and lines[other] == lines[place]
        ]
        for place in range(count)
    ]


def reference_skipgram(
    centers: Tensor,
    contexts: Tensor,
    noise: Tensor,
    neighbors: list[list[int]],
    negatives: float,
) -> Tensor:
    loss = (centers.sum() + contexts.sum() + noise.sum()) * 0
    for place, others in enumerate(neighbors):
        for other in others:
            loss = loss - F.logsigmoid(centers[place] @ contexts[other])
            loss = loss - negatives * F.logsigmoid(-(noise[place // GROUP] @ centers[place])).mean()
    return loss


def reference_cbow(
    contexts: Tensor,
    centers: Tensor,
    noise: Tensor,
    neighbors: list[list[int]],
    negatives: float,
) -> Tensor:
    loss = (centers.sum() + contexts.sum() + noise.sum()) * 0
    for place, others in enumerate(neighbors):
        if others:
            mean = contexts[others].mean(0)
            loss = loss - F.logsigmoid(mean @ centers[place])
            loss = loss - negatives * F.logsigmoid(-(noise[place // GROUP] @ mean)).mean()
    return loss


LOSSES = [(skipgram_loss, reference_skipgram), (cbow_loss, reference_cbow)]
cases = st.tuples(
    st.lists(st.integers(1, 40), min_size=1, max_size=5),  # lengths of lines
    st.integers(1, 12),  # the largest window
    st.integers(0, 10**6),  # seed
)


def draw(lengths: list[int], window: int, seed: int) -> tuple[Tensor, Tensor, list[Tensor]]:
    generator = torch.Generator().manual_seed(seed)
    lines = torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths))
    windows = torch.randint(0, window + 1, (len(lines),), generator=generator)
    shapes = [(len(lines), 3), (len(lines), 3), (count_groups(len(lines)), 4, 3)]
    values = [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]
    return lines, windows, values


@given(case=cases)
@settings(max_examples=60)
def test_mask_has_neighbors_in_window_and_line(case: tuple[list[int], int, int]) -> None:
    lines, windows, _ = draw(*case)
    found = Windows.of(lines, windows, case[1])
    places = torch.arange(len(lines))
    bands = found.bands
    own, others = bands.centers(places, -1), bands.neighbors(places, -1)
    pairs = {
        (int(own[block, row]), int(others[block, column]))
        for block, row, column in found.inside.nonzero().tolist()
    }
    expected = reference_neighbors(lines, windows)
    assert pairs == {(place, other) for place, row in enumerate(expected) for other in row}
    assert found.count().tolist() == [len(row) for row in expected]
    assert found.count_windows().tolist() == [
        sum(place in row for row in expected) for place in range(len(lines))
    ]


@given(tokens=st.integers(0, 90), window=st.integers(1, 12))
def test_sum_neighbors_is_the_adjoint_of_neighbors(tokens: int, window: int) -> None:
    bands = TokenBands(tokens, window)
    torch.manual_seed(0)
    values = torch.randn(tokens, 2, dtype=torch.float64)
    parts = torch.randn(bands.blocks, bands.width, 2, dtype=torch.float64)
    left = (bands.neighbors(values) * parts).sum()
    right = (values * bands.sum_neighbors(parts)).sum()
    torch.testing.assert_close(left, right)
    assert torch.equal(bands.flatten(bands.centers(values)), values)


@pytest.mark.parametrize(("loss", "reference"), LOSSES, ids=["skipgram", "cbow"])
@given(case=cases, negatives=st.sampled_from([0.5, 5.0]))
@settings(max_examples=40)
def test_loss_and_gradients_equal_loops(loss, reference, case, negatives) -> None:
    lines, windows, values = draw(*case)
    results = []
    for compute, neighbors in (
        (loss, Windows.of(lines, windows, case[1])),
        (reference, reference_neighbors(lines, windows)),
    ):
        inputs = [value.clone().requires_grad_() for value in values]
        total = compute(*inputs, neighbors, negatives)
        total.backward()
        results.append([total.detach(), *(value.grad for value in inputs)])
    for own, expected in zip(*results, strict=True):
        torch.testing.assert_close(own, expected)


@pytest.mark.parametrize("loss", [skipgram_loss, cbow_loss])
def test_loss_is_the_same_without_gradients(loss) -> None:
    lines, windows, values = draw([30, 7], 5, 1)
    found = Windows.of(lines, windows, 5)
    with torch.no_grad():
        own = loss(*values, found, 5.0)
    with_gradients = loss(*(value.requires_grad_() for value in values), found, 5.0)
    torch.testing.assert_close(own, with_gradients.detach())


@pytest.mark.parametrize("loss", [skipgram_loss, cbow_loss])
def test_large_scores_give_finite_losses(loss) -> None:
    lines, windows, values = draw([20], 5, 2)
    inputs = [(value * 1000).requires_grad_() for value in values]
    total = loss(*inputs, Windows.of(lines, windows, 5), 5.0)
    total.backward()
    assert total.isfinite()
    assert all(value.grad.isfinite().all() for value in inputs)
