"""Dropout by bytes: the share, the scale, the seed."""

import math

import pytest
import torch

from munjang.layers.fast.dropout import Dropout

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("share", [0.1, 0.25, 0.3, 0.5, 0.9, 0.97])
def test_rate_and_scale(share: float) -> None:
    torch.manual_seed(1)
    count = 400_003  # no multiple of eight
    dropped = Dropout(share)(torch.ones(count))
    exact = round(share * 256) / 256
    assert abs(exact - share) <= 1 / 512
    kept = dropped != 0
    # six standard deviations of a binomial share
    spread = 6 * math.sqrt(exact * (1 - exact) / count)
    assert abs(float(kept.float().mean()) - (1 - exact)) < spread
    torch.testing.assert_close(dropped[kept], torch.full_like(dropped[kept], 1 / (1 - exact)))


def test_mean_is_kept_and_elements_are_independent() -> None:
    torch.manual_seed(2)
    x = torch.full((1000, 512), 3.0)
    dropped = Dropout(0.5)(x)
    assert float(dropped.mean()) == pytest.approx(3.0, rel=0.01)
    zeros = (dropped == 0).float()
    assert zeros.mean(0).std() < 0.03
    assert zeros.mean(1).std() < 0.04
    for lag in (1, 2, 4, 8):
        both = zeros[:, lag:] * zeros[:, :-lag]
        assert float(both.mean()) == pytest.approx(0.25, abs=0.01)


def test_same_seed_gives_same_mask() -> None:
    x, dropout = torch.randn(7, 13), Dropout(0.4)
    torch.manual_seed(5)
    first, second = dropout(x), dropout(x)
    torch.manual_seed(5)
    assert torch.equal(dropout(x), first)
    assert not torch.equal(first, second)


def test_gradient_uses_same_mask() -> None:
    torch.manual_seed(0)
    x = torch.ones(50, 9, requires_grad=True)
    dropped = Dropout(0.25)(x)
    dropped.sum().backward()
    assert torch.equal(x.grad, dropped.detach())


def test_eval_mode_and_zero_rate_return_input() -> None:
    x = torch.randn(4, 4)
    assert Dropout(0.5).eval()(x) is x
    assert Dropout(0.0)(x) is x


def test_over_time_shares_one_mask_per_row() -> None:
    torch.manual_seed(0)
    x = torch.ones(200, 7, 300)
    dropped = Dropout(0.25, over_time=True)(x)
    assert torch.equal(dropped, dropped[:, :1].expand_as(dropped))
    zeros = (dropped[:, 0] == 0).float()
    assert float(zeros.mean()) == pytest.approx(0.25, abs=0.01)
    assert zeros.mean(0).std() < 0.04, "rows share their mask"
    assert float(dropped.mean()) == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("shape", [(0,), (3, 0), (1,), (2, 3, 5), ()])
def test_any_shape(shape: tuple[int, ...]) -> None:
    assert Dropout(0.5)(torch.ones(shape)).shape == shape


def test_non_contiguous_view() -> None:
    torch.manual_seed(0)
    x = torch.ones(6, 4).T[1:]
    assert set(Dropout(0.5)(x).unique().tolist()) == {0.0, 2.0}


@pytest.mark.parametrize("share", [0.998, 0.9999])
def test_high_rates_keep_some_elements(share: float) -> None:
    torch.manual_seed(0)
    dropped = Dropout(share)(torch.ones(10_000))
    assert dropped.isfinite().all()
    assert dropped.any()


@pytest.mark.parametrize("share", [-0.1, 1.0, 1.5])
def test_invalid_rates_are_refused(share: float) -> None:
    with pytest.raises(ValueError, match="dropout rate"):
        Dropout(share)


def test_bfloat16_is_kept() -> None:
    assert Dropout(0.5)(torch.ones(8, dtype=torch.bfloat16)).dtype == torch.bfloat16
