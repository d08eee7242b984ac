"""Hypotheses picked and rows joined, against loops."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from munjang.layers.beams import join_rows, pick_hypotheses

pytestmark = pytest.mark.usefixtures("one_thread")


def test_pick_hypotheses_equals_loop() -> None:
    hypotheses = torch.randn(3, 4, 2)
    parents = torch.tensor([[0, 0], [3, 1], [2, 3]])
    result = pick_hypotheses(hypotheses, parents)
    for row in range(3):
        for beam in range(2):
            assert torch.equal(result[row, beam], hypotheses[row, int(parents[row, beam])])


@given(
    lengths=st.lists(st.integers(0, 4), min_size=1, max_size=4),
    dim=st.integers(1, 3),
    left=st.booleans(),
)
def test_join_rows_pads_one_side_of_one_dimension(lengths: list[int], dim: int, left: bool) -> None:
    shapes = [[2, 3, 3, 3] for _ in lengths]
    for shape, length in zip(shapes, lengths, strict=True):
        shape[dim] = length
    tensors = [torch.randn(shape) for shape in shapes]
    joined = join_rows(tensors, dim, left=left)
    longest = max(lengths)
    assert joined.shape[0] == 2 * len(lengths)
    assert joined.shape[dim] == longest
    for number, (tensor, length) in enumerate(zip(tensors, lengths, strict=True)):
        rows = joined[2 * number : 2 * number + 2]
        start = longest - length if left else 0
        assert torch.equal(rows.narrow(dim, start, length), tensor)
        assert not rows.narrow(dim, 0 if left else length, longest - length).any()


def test_join_rows_pads_masks_with_false() -> None:
    joined = join_rows([torch.ones(1, 3, dtype=torch.bool), torch.ones(1, 1, dtype=torch.bool)])
    assert joined.tolist() == [[True, True, True], [True, False, False]]
