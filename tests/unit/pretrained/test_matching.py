"""Weights by name into a network: matched, missing, left over, of another shape."""

import torch
from torch import nn

from munjang.pretrained.matching import load_matching, match_weights


def make_network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))


def test_equal_networks_match_completely():
    one, two = make_network(), make_network()
    nn.init.ones_(one[0].weight)
    match = load_matching(two.state_dict(), one.state_dict())
    assert match.is_whole
    assert match.lines() == ["weights: 7 of 7 tensors matched"]
    assert torch.equal(two[0].weight, one[0].weight)


def test_unmatched_weights_are_named_and_unchanged():
    target = make_network()
    before = {name: tensor.clone() for name, tensor in target.state_dict().items()}
    weights = {
        "0.weight": torch.full((2, 3), 7.0),
        "0.bias": torch.zeros(5),
        "head.weight": torch.zeros(1),
    }
    match = load_matching(target.state_dict(), weights)
    assert match.matched == ("0.weight",)
    assert match.left_over == ("head.weight",)
    assert match.other_shape == (("0.bias", (5,), (2,)),)
    assert set(match.missing) == set(before) - {"0.weight", "0.bias"}
    assert not match.is_whole
    assert torch.equal(target[0].weight, weights["0.weight"])
    for name in (*match.missing, "0.bias"):
        assert torch.equal(target.state_dict()[name], before[name])
    lines = match.lines(most=2)
    assert lines[0] == "weights: 1 of 7 tensors matched"
    assert any("0.bias 5 for 2" in line for line in lines)
    assert any("... (3 more)" in line for line in lines)


def test_match_weights_changes_nothing():
    target = make_network()
    before = {name: tensor.clone() for name, tensor in target.state_dict().items()}
    match_weights(target.state_dict(), {"0.weight": torch.zeros(2, 3)})
    assert all(torch.equal(before[name], t) for name, t in target.state_dict().items())
