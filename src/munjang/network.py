"""Networks of recipes: an architecture, the head of the task, and ensembles."""

from typing import Any

from torch import nn

from munjang.layers.tfidf_linear import TfidfLinear
from munjang.models.encoder import EncoderConfig
from munjang.recipe import Recipe
from munjang.tasks.heads import Ensemble, LinearEnsemble
from munjang.tasks.task import Task


def build_body(recipe: Recipe, size: Any) -> nn.Module:
    """Return a fresh network of an architecture, from torch's generator.

    Args:
        recipe: its section `model`.
        size: input size: vocabulary size, or shape of an image.
    """
    body: nn.Module = recipe.architecture.load()(recipe.model, size)
    return body


def _build_wrapped(recipe: Recipe, size: Any) -> nn.Module:
    return recipe.input_class.wrap_network(build_body(recipe, size), recipe)


def build_network(recipe: Recipe, task: Task, size: Any) -> nn.Module:
    """Return a fresh network with the task's head, from torch's generator.

    An ensemble returns a list of the outputs of its networks in training.
    """
    config = recipe.model
    if not isinstance(config, EncoderConfig):
        return task.network(_build_wrapped(recipe, size))
    networks = [task.network(_build_wrapped(recipe, size)) for _ in range(config.ensemble_size)]
    network = networks[0] if len(networks) == 1 else Ensemble(networks)
    if not config.linear_weight:
        return network
    outputs = task.outputs  # type: ignore[attr-defined]
    linear = TfidfLinear(size, outputs, ngrams=config.linear_ngrams, buckets=config.linear_buckets)
    return LinearEnsemble(network, linear, config.linear_weight)
