"""Parameters of a network: their number, which are embedding tables, and which layer has them."""

from typing import ClassVar, Protocol, runtime_checkable

from torch import nn


@runtime_checkable
class HasEmbeddingTables(Protocol):
    """A module that names its parameters of which each row is the vector of one id.

    `training.embedding_optimizer` and `training.embedding_learning_rate` apply to them.

    Attributes:
        embedding_tables: attribute names; an attribute that is None is passed over.
    """

    embedding_tables: ClassVar[tuple[str, ...]]


@runtime_checkable
class HasLayers(Protocol):
    """An encoder that lists its layers, so that learning rates and freezing can depend on them.

    `training.layer_decay` and `pretrained.frozen_layers` apply to them. Parameters that are in no
    layer, such as those of pooling, count to the head.
    """

    def layer_groups(self) -> list[list[nn.Parameter]]:
        """Return the parameters of each layer from input to output, the embedding first."""


def parameters_of(*parts: nn.Module | nn.Parameter | None) -> list[nn.Parameter]:
    """Return the parameters of modules, and single parameters, in order; None has none."""
    parameters: list[nn.Parameter] = []
    for part in parts:
        if isinstance(part, nn.Module):
            parameters += part.parameters()
        elif part is not None:
            parameters.append(part)
    return parameters


def embedding_tables(network: nn.Module) -> list[nn.Parameter]:
    """Return the embedding tables of a network, each once, in the order of its modules.

    They are the tables that modules name (`HasEmbeddingTables`), and the weights of
    `torch.nn.Embedding`.
    """
    tables: dict[int, nn.Parameter] = {}
    for module in network.modules():
        names: tuple[str, ...] = ()
        if isinstance(module, HasEmbeddingTables):
            names = module.embedding_tables
        elif isinstance(module, nn.Embedding):
            names = ("weight",)
        for name in names:
            table = getattr(module, name)
            if table is not None:
                tables.setdefault(id(table), table)
    return list(tables.values())


def count_parameters(network: nn.Module) -> int:
    """Return how many numbers the parameters of a network hold, shared ones counted once."""
    return sum(parameter.numel() for parameter in network.parameters())
