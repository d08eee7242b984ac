"""A model's network as it was before the first step of its training."""

from torch import nn

from munjang.layers.randomness import seed_initialization
from munjang.model import Model
from munjang.network import build_network


def redraw_network(model: Model) -> nn.Module:
    """Return a network with the initial weights of a model's training, in evaluation mode.

    They follow from the recipe and its seed. What was counted in the training texts, such as which
    n-grams have a row, is that of the trained network. Pretrained weights, which a model folder
    does not keep, are not restored: their places have random weights.

    Args:
        model: a trained model.
    """
    with seed_initialization(model.recipe.seed):
        network = build_network(model.recipe, model.task, model.input.size)
    counted = {name: buffer for name, buffer in model.network.named_buffers() if buffer is not None}
    saved = network.state_dict().keys() & counted.keys()
    network.load_state_dict({name: counted[name] for name in saved}, strict=False)
    return network.eval()


def is_pretrained(model: Model) -> bool:
    """Return whether a model's training began from other weights than random ones."""
    return bool(model.recipe.pretrained.to_dict())
