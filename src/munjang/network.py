"""The network of a recipe: an architecture, the task's head, its ensemble."""

from typing import Any

from torch import nn

from munjang.layers.tfidf_linear import TfidfLinear
from munjang.models.encoder import EncoderConfig
from munjang.recipe import Recipe
from munjang.tasks.head import Beside, Members
from munjang.tasks.task import SolvesLinearModel, Task


def build_body(recipe: Recipe, size: Any) -> nn.Module:
    """Return a fresh network of an architecture, from torch's generator.

    Args:
        recipe: its section `model`.
        size: of the input: vocabulary size, shape of an image.
    """
    body: nn.Module = recipe.architecture.load()(recipe.model, size)
    return body


def build_network(recipe: Recipe, task: Task, size: Any) -> nn.Module:
    """Return a fresh network with the task's head, from torch's generator.

    In training an ensemble gives a list of the outputs of its members.
    """
    config = recipe.model
    if not isinstance(config, EncoderConfig):
        return task.network(build_body(recipe, size))
    members = [task.network(build_body(recipe, size)) for _ in range(config.members)]
    network = members[0] if len(members) == 1 else Members(members)
    if not config.linear_share:
        return network
    assert isinstance(task, SolvesLinearModel)
    terms = {"ngrams": config.linear_ngrams, "buckets": config.linear_buckets}
    linear = TfidfLinear(size, task.outputs, **terms)
    return Beside(network, linear, config.linear_share)
