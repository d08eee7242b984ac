"""The cache of joined rows: padding on the left, and none that is not needed."""

import pytest
import torch

from munjang.layers.key_value_cache import KeyValueCache

pytestmark = pytest.mark.usefixtures("one_thread")


def make_cache(rows: int, width: int, *, beam: int = 1, value: float = 1.0) -> KeyValueCache:
    """A cache of two layers that holds `value` everywhere."""
    tensor = torch.full((rows * beam, 2, width, 3), value)
    return KeyValueCache(rows, beam, width, ((tensor, tensor), (tensor, tensor)))


def test_equal_lengths_need_no_mask() -> None:
    joined = make_cache(2, 3).join([make_cache(1, 3, value=2.0)])
    assert (joined.rows, joined.width, joined.lengths) == (3, 3, None)
    assert joined.visible() is None
    assert joined.positions() is None
    assert joined.layers[1][0][:, 0, 0, 0].tolist() == [1.0, 1.0, 2.0]


def test_shorter_rows_are_padded_on_the_left() -> None:
    joined = make_cache(1, 1, beam=2, value=5.0).join(
        [make_cache(1, 3, beam=2), KeyValueCache(1, 2)]
    )
    assert joined.width == 3
    assert (
        joined.layers[0][0][:, 0, :, 0].tolist()
        == [[0, 0, 5]] * 2 + [[1, 1, 1]] * 2 + [[0, 0, 0]] * 2
    )
    visible = joined.visible()
    assert visible is not None
    assert (
        visible[:, 0, 0].long().tolist()
        == [[0, 0, 1, 1]] * 2 + [[1, 1, 1, 1]] * 2 + [[0, 0, 0, 1]] * 2
    )
    positions = joined.positions()
    assert positions is not None
    assert positions.tolist() == [1, 1, 3, 3, 0, 0]


def test_keep_drops_unused_columns() -> None:
    joined = make_cache(1, 1, value=5.0).join([make_cache(1, 3), make_cache(1, 2, value=7.0)])
    some = joined.keep(torch.tensor([2, 0]))
    assert some.width == 2
    assert some.lengths is not None
    assert some.lengths.tolist() == [2, 1]
    assert some.layers[0][1][:, 0, :, 0].tolist() == [[7, 7], [0, 5]]
    one = joined.keep(torch.tensor([0]))
    assert (one.width, one.lengths) == (1, None)
    assert one.layers[1][0][:, 0, :, 0].tolist() == [[5]]


def test_empty_rows_join() -> None:
    joined = KeyValueCache(2).join([KeyValueCache(1)])
    assert (joined.rows, joined.width, joined.layers, joined.lengths) == (3, 0, (), None)
    mixed = make_cache(1, 2).join([KeyValueCache(1)]).keep(torch.tensor([1]))
    assert (mixed.width, mixed.lengths) == (0, None)
    assert mixed.layers[0][0].shape == (1, 2, 0, 3)


def test_join_of_different_beams_is_refused() -> None:
    with pytest.raises(ValueError, match=r"same beam to join, got beams \[2, 1\]"):
        make_cache(1, 1, beam=2).join([make_cache(1, 1)])
