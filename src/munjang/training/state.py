"""The state of a training run: everything that is needed to resume it."""

from dataclasses import asdict, dataclass, field
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from munjang.layers.parameters import embedding_tables
from munjang.training.layer_rates import LayerRates, join_groups
from munjang.training.optimizers import AdamW, Optimizer, RowAdagrad
from munjang.training.settings import TrainingSettings

Weights = dict[str, Tensor]


@dataclass
class Counters:
    """The numbers of a run, all plain JSON.

    Attributes:
        step: optimizer steps done.
        validations_since_best: validation runs since the best one.
        average_count: number of weights in the running average.
        best_value: best selection metric so far, larger is better; None before the first
            validation run.
        best_loss: loss of that validation run, see `munjang.tasks.metric_table.find_loss`.
        best_step: step of the best checkpoint.
        best_is_average: True if the best checkpoint holds averaged weights.
        snapshot_values: selection metrics of the snapshots, larger is better.
        loss_sum: sum of the training losses since the last validation run.
        loss_count: number of losses in that sum.
        seconds: time spent in training, over all resumed parts of the run.
        validation_seconds: part of it that was spent in validation runs.
        is_stopped: True if no more steps are to be taken.
        has_diverged: True if the run stopped because weights were non-finite.
        history: one record per validation run.
    """

    step: int = 0
    validations_since_best: int = 0
    average_count: int = 0
    best_value: float | None = None
    best_loss: float = 0.0
    best_step: int = 0
    best_is_average: bool = False
    snapshot_values: list[float] = field(default_factory=list)
    loss_sum: float = 0.0
    loss_count: int = 0
    seconds: float = 0.0
    validation_seconds: float = 0.0
    is_stopped: bool = False
    has_diverged: bool = False
    history: list[dict[str, Any]] = field(default_factory=list)


@runtime_checkable
class CarriesState(Protocol):
    """A module that carries tensors from one training batch to the next, e.g. a recurrent state.

    `forward` in training mode reads `carried` and replaces its tensors, detached; it is empty
    before the first batch. The tensors are checkpointed, so that a resumed run continues with them.
    They are no weights: averaging and the best checkpoint leave them alone.

    Attributes:
        carried: tensors [rows, ...] by name, in a plain attribute of the module; the rows are those
            of the last batch.
    """

    carried: dict[str, Tensor]


@dataclass
class TrainingState:
    """The model, its optimizers, the best and the averaged weights, and the counters.

    Attributes:
        model: the network that is trained.
        optimizers: they hold all its parameters.
        counters: the numbers of the run.
        best: weights of the best checkpoint.
        average: running mean of weights, where `training.average_after` is set.
        snapshots: weights of the best validation runs, where `training.average_best` is set.
    """

    model: nn.Module
    optimizers: list[Optimizer]
    counters: Counters = field(default_factory=Counters)
    best: Weights = field(default_factory=dict)
    average: Weights = field(default_factory=dict)
    snapshots: list[Weights] = field(default_factory=list)

    def keep_as_best(self, weights: Weights) -> None:
        """Copy `weights` as the best checkpoint."""
        self.best = _copy(weights)

    def add_to_average(self) -> None:
        """Add the model's weights to the running mean (Izmailov et al. 2018)."""
        self.counters.average_count += 1
        for name, tensor in self.model.state_dict().items():
            if name not in self.average:
                self.average[name] = tensor.detach().clone()
            elif tensor.is_floating_point():
                self.average[name].lerp_(tensor, 1 / self.counters.average_count)

    def keep_snapshot(self, value: float, limit: int) -> None:
        """Keep the model's weights if they are among the best so far; the first of equals stays.

        Args:
            value: the selection metric of the weights, larger is better.
            limit: number of snapshots to keep.
        """
        values = self.counters.snapshot_values
        if len(values) == limit:
            worst = min(range(limit), key=lambda k: (values[k], -k))
            if value <= values[worst]:
                return
            del values[worst], self.snapshots[worst]
        values.append(value)
        self.snapshots.append(_copy(self.model.state_dict()))

    def average_snapshots(self) -> Weights:
        """Return the mean of the snapshots; integer tensors are those of the last snapshot."""
        last = self.snapshots[-1]
        return {
            name: _mean([snapshot[name] for snapshot in self.snapshots])
            if tensor.is_floating_point()
            else tensor
            for name, tensor in last.items()
        }

    def tensors(self) -> Weights:
        """Return every tensor of the run by a flat name."""
        named = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        named |= {f"best.{name}": tensor for name, tensor in self.best.items()}
        named |= {f"average.{name}": tensor for name, tensor in self.average.items()}
        for number, snapshot in enumerate(self.snapshots):
            named |= {f"snapshot.{number}.{name}": tensor for name, tensor in snapshot.items()}
        for number, optimizer in enumerate(self.optimizers):
            for position, values in optimizer.state.items():
                named |= {f"optimizer.{number}.{position}.{key}": t for key, t in values.items()}
        for prefix, module in self.carriers():
            named |= {f"{prefix}{key}": tensor for key, tensor in module.carried.items()}
        return {name: tensor.contiguous() for name, tensor in named.items()}

    def numbers(self) -> dict[str, Any]:
        """Return the counters as plain JSON."""
        return asdict(self.counters)

    def restore(self, tensors: Weights, numbers: dict[str, Any]) -> None:
        """Set the state to `tensors` and `numbers`, as the methods of these names gave them."""
        self.counters = Counters(**numbers)
        self.model.load_state_dict(_under(tensors, "model."))
        self.best = _under(tensors, "best.")
        self.average = _under(tensors, "average.")
        kept = range(len(self.counters.snapshot_values))
        self.snapshots = [_under(tensors, f"snapshot.{number}.") for number in kept]
        for number, optimizer in enumerate(self.optimizers):
            optimizer.state.clear()
            for name, tensor in _under(tensors, f"optimizer.{number}.").items():
                position, key = name.split(".")
                optimizer.state.setdefault(int(position), {})[key] = tensor
        for prefix, module in self.carriers():
            module.carried = _under(tensors, prefix)

    def carriers(self) -> list[tuple[str, CarriesState]]:
        """Return the modules that carry state, each with the prefix of its tensors' names."""
        return [
            (f"carried.{name}/", module)
            for name, module in self.model.named_modules()
            if isinstance(module, CarriesState)
        ]


def make_state(model: nn.Module, settings: TrainingSettings) -> TrainingState:
    """Return a fresh state: AdamW for all parameters, or another optimizer for embedding tables.

    Raises:
        ConfigError: learning rates by layer are asked for, and the model does not list its layers.
    """
    tables = embedding_tables(model)
    table_ids = {id(table) for table in tables}
    dense = [p for p in model.parameters() if id(p) not in table_ids]
    betas = (0.9, settings.beta2)
    decay: dict[str, Any] = {
        "weight_decay": settings.weight_decay,
        "undecayed": () if settings.decay_embeddings else tables,
    }
    table_rate = settings.embedding_learning_rate or settings.learning_rate
    rates = LayerRates(model, settings)
    dense_groups = rates.group(dense, settings.learning_rate, settings.head_learning_rate)
    table_groups = rates.group(tables, table_rate)
    if settings.embedding_optimizer == "adagrad":
        optimizers: list[Optimizer] = [
            AdamW(dense_groups, betas=betas, **decay),
            RowAdagrad(table_groups),
        ]
    else:
        groups = join_groups([*dense_groups, *table_groups])
        optimizers = [AdamW(groups, betas=betas, **decay)]
    return TrainingState(model, optimizers)


def _copy(weights: Weights) -> Weights:
    return {name: tensor.detach().clone() for name, tensor in weights.items()}


def _mean(tensors: list[Tensor]) -> Tensor:
    """Return the mean; numbers that are the same everywhere, as frozen ones, stay the same bits."""
    stacked = torch.stack(tensors)
    return torch.where((stacked == stacked[0]).all(0), stacked[0], stacked.mean(0))


def _under(tensors: Weights, prefix: str) -> Weights:
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
