import pytest
import torch

from munjang.layers.fast.convolution import Convolutions, concatenate_maps
from munjang.layers.fast.unpadded_maps import has_much_padding, unpadded_maps
from munjang.layers.masking import mask_from_lengths
from munjang.layers.pooling import Pooling
from munjang.models.cnn import Cnn, CnnConfig

LENGTHS = ([3], [1, 9], [0, 5, 0], [0, 0], [7, 2, 12, 1, 30], [2] * 40 + [90])


@pytest.mark.parametrize("widths", [(1,), (3, 4, 5), (2, 7)])
@pytest.mark.parametrize("lengths", LENGTHS)
def test_equal_to_padded_maps_at_every_real_place(widths, lengths):
    torch.manual_seed(1)
    convolutions = Convolutions(6, 4, widths)
    mask = mask_from_lengths(torch.tensor(lengths), max(1, *lengths))
    states = torch.randn(*mask.shape, 6) * mask[..., None]
    with torch.no_grad():
        padded = concatenate_maps(convolutions.layers(), states)
        maps, bounds = unpadded_maps(convolutions.layers(), states, mask)
    for row, (start, end) in enumerate(bounds):
        assert end - start == lengths[row]
        torch.testing.assert_close(maps[start:end], padded[row, : end - start])


@pytest.mark.parametrize("pooling", ["max", "mean", "first", "max+mean", "first+max"])
def test_rows_are_pooled_as_padded_ones(pooling):
    torch.manual_seed(2)
    lengths = [4, 0, 1, 9]
    mask = mask_from_lengths(torch.tensor(lengths), 9)
    states = torch.randn(4, 9, 5)
    pool = Pooling(pooling, 5)
    expected, _ = pool(states, mask)
    ends = torch.tensor(lengths).cumsum(0).tolist()
    bounds = list(zip([0, *ends[:-1]], ends, strict=True))
    torch.testing.assert_close(pool.pool_rows(states[mask], bounds), expected)


@pytest.mark.parametrize("settings", [{}, {"pooling": "max+mean", "bag_dim": 3}, {"filters": 2}])
def test_answers_of_cnn_do_not_depend_on_their_neighbours(settings):
    torch.manual_seed(3)
    network = Cnn(CnnConfig(dim=8, ngrams=2, **settings), vocabulary_size=50).eval()
    lengths = torch.tensor([5, 40, 1, 0, 7, 2])
    mask = mask_from_lengths(lengths, 40)
    ids = torch.randint(4, 50, mask.shape) * mask
    assert has_much_padding(mask)
    with torch.no_grad():
        together = network(ids, mask)
        for row, length in enumerate(lengths.clamp(min=1).tolist()):
            part = slice(row, row + 1), slice(0, length)
            alone = network(ids[part], mask[part])
            torch.testing.assert_close(together.pooled[row], alone.pooled[0], atol=1e-6, rtol=1e-5)
    assert together.states is None
    assert network.states(ids, mask).shape == (6, 40, network.states_dim)
