"""Learning rates by layer: lower layers of an encoder learn more slowly, the head at its own rate.

Howard and Ruder (2018), "Universal language model fine-tuning for text classification", call it
discriminative fine-tuning: what lower layers learned is general, and should change least.
"""

from collections.abc import Iterable

from torch import nn

from munjang.errors import ConfigError
from munjang.layers.parameters import HasLayers
from munjang.training.optimizers import ParameterGroup
from munjang.training.settings import TrainingSettings


class LayerRates:
    """The factor of the learning rate of each parameter.

    A parameter of layer l of n has the factor decay^(n - l); the embedding is layer 0.

    Args:
        model: its encoders list their layers (`munjang.layers.parameters.HasLayers`).
        settings: `layer_decay` and `head_learning_rate`.

    Raises:
        ConfigError: one of them is set, and no encoder lists its layers.
    """

    def __init__(self, model: nn.Module, settings: TrainingSettings) -> None:
        self.factors: dict[int, float] = {}
        encoders = [module for module in model.modules() if isinstance(module, HasLayers)]
        for encoder in encoders:
            groups = encoder.layer_groups()
            for height, parameters in enumerate(reversed(groups)):
                for parameter in parameters:
                    self.factors[id(parameter)] = settings.layer_decay**height
        is_set = settings.layer_decay != 1 or settings.head_learning_rate is not None
        if is_set and not encoders:
            key = "layer_decay" if settings.layer_decay != 1 else "head_learning_rate"
            raise ConfigError(
                f"training.{key}: this model has no encoder that lists its layers; leave it out"
            )

    def group(
        self, parameters: Iterable[nn.Parameter], rate: float, head_rate: float | None = None
    ) -> list[ParameterGroup]:
        """Return the parameters in groups of one learning rate each, in their order.

        Args:
            parameters: the parameters.
            rate: peak learning rate of the highest layer.
            head_rate: that of parameters that are in no layer; None for `rate`.
        """
        top = rate if head_rate is None else head_rate
        groups = []
        for parameter in parameters:
            factor = self.factors.get(id(parameter))
            groups.append(ParameterGroup([parameter], top if factor is None else rate * factor))
        return join_groups(groups)


def join_groups(groups: Iterable[ParameterGroup]) -> list[ParameterGroup]:
    """Return one group per learning rate, in the order in which the rates first occur."""
    joined: dict[float, list[nn.Parameter]] = {}
    for group in groups:
        joined.setdefault(group.lr, []).extend(group.parameters)
    return [ParameterGroup(parameters, rate) for rate, parameters in joined.items()]
