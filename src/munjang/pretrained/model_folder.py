"""Initial weights from a model folder: its encoder, with its tokenizer and its settings."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from munjang.data.table import Table
from munjang.errors import ConfigError
from munjang.folder.load import load
from munjang.folder.save import IMPORTED
from munjang.inputs.input import Encoded, FitsFrom, Input
from munjang.layers.meta import shapes_only
from munjang.layers.parameters import HasLayers
from munjang.model import Model
from munjang.network import build_network
from munjang.pretrained.embedding_folder import (
    OpenEmbedding,
    has_word_vectors_only,
    open_embedding,
)
from munjang.pretrained.following import (
    determined_settings,
    follow,
    free_settings,
    is_continued,
    pooled_parts,
)
from munjang.pretrained.matching import Match, load_matching, match_weights
from munjang.recipe import IN_MEMORY, Recipe
from munjang.reporting import Report, pluralize, stage
from munjang.tasks.heads import find_encoders, find_members, member_weights
from munjang.tasks.task import Task

_ENCODER = "encoder."
# Most names of tensors in `metrics.json`, and in a message.
_MOST_NAMES, _FEW_NAMES = 20, 3

Weights = Mapping[str, Tensor]


def open_model_folder(
    folder: Any, given: Mapping[str, Any]
) -> tuple["OpenModelFolder | OpenEmbedding", dict[str, Any]]:
    """Return the model to begin from, and the settings that follow from it.

    Of word vectors, any encoder of texts takes the embedding.

    Args:
        folder: a model folder, one of Hugging Face transformers, or a loaded model.
        given: the user's settings, nested as in `config.yaml`.

    Raises:
        ConfigError: a setting contradicts the model, or it has no encoder for the input.
        FolderError: the folder cannot be read.
    """
    notes: list[str] = []
    if isinstance(folder, Model):
        model, name = folder, "the given model"
    else:
        name = str(folder)
        if name == IN_MEMORY:
            raise ConfigError(
                f"pretrained.folder: '{IN_MEMORY}' is a model that is in no folder; give it "
                "again, or set pretrained.folder to a folder, or to null"
            )
        with stage("reading the model to begin from"):
            model = read_start(Path(name), notes.append)
    if has_word_vectors_only(model, given):
        return open_embedding(model, name, given)
    return OpenModelFolder(model, name, tuple(notes)), follow(model, name, given)


def open_vector_folder(
    folder: str, given: Mapping[str, Any]
) -> tuple["OpenEmbedding", dict[str, Any]]:
    """Return the word vectors of a model folder, and the settings that follow from them.

    Args:
        folder: a model folder of the task `vectors`.
        given: the user's settings, nested as in `config.yaml`.

    Raises:
        ConfigError: the folder holds another model, or as `open_embedding`.
        FolderError: the folder cannot be read.
    """
    with stage("reading the word vectors to begin from"):
        model = load(folder)
    if not isinstance(model, Model) or not has_word_vectors_only(model, given):
        raise ConfigError(
            f"pretrained.vectors: expected a file of word vectors or a folder of the task vectors, "
            f"got {folder}; to begin from the encoder of a model, give pretrained.folder (--from)"
        )
    return open_embedding(model, folder, given)


def read_start(folder: Path, report: Report) -> Model:
    """Return the model to begin from: of a model folder, or of a folder of Hugging Face.

    Args:
        folder: the folder.
        report: called with lines for people.

    Raises:
        ConfigError: the folder has a baseline, which has no encoder.
        FolderError: the folder cannot be read.
    """
    # imported here, as few trainings need it
    from munjang.pretrained.huggingface import import_checkpoint, is_checkpoint

    if is_checkpoint(folder):
        return import_checkpoint(folder, report=report)
    model = load(folder)
    if not isinstance(model, Model):
        raise ConfigError(
            f"pretrained.folder: {folder} is the baseline {model.name}, which has no encoder"
        )
    return model


@dataclass(frozen=True)
class OpenModelFolder:
    """A model to begin from.

    Attributes:
        model: the model.
        name: its folder, for messages.
        notes: what was said while it was read, for people.
    """

    model: Model
    name: str
    notes: tuple[str, ...] = ()

    def fit_input(self, train: Table, recipe: Recipe) -> Input:
        """Return the input with the tokenizer and the vocabulary of the model."""
        kind = recipe.input_class
        assert issubclass(kind, FitsFrom), "open_model_folder has checked it"
        return kind.fit_from(train, recipe, self.model.input)

    def find(self, recipe: Recipe, fitted: Any, task: Task) -> "InitialEncoder":
        """Return the weights that the network of a run begins with.

        Raises:
            ConfigError: the encoder of the folder lacks a tensor or has it in another shape, or
                has fewer layers than are to be frozen.
        """
        with shapes_only():
            network = build_network(recipe, task, fitted.size)
        first = find_members(network)[0]
        takes_head = is_continued(self.model, task, recipe.task) and self._has_head_of(first)
        members = [_take(member, self.model, takes_head) for member in find_members(self._network)]
        match = match_weights(member_weights(first), members[0])
        if not recipe.pretrained.allow_partial:
            _refuse_partial(match, recipe, self.name)
        frozen = recipe.pretrained.frozen_layers
        for encoder in _encoders(network):
            _layers_to_freeze(encoder, frozen, self.name)
        source = self.model.recipe
        fixed = determined_settings(self.model, recipe.architecture).keys()
        unused = sorted(member_weights(find_members(self._network)[0]).keys() - members[0].keys())
        return InitialEncoder(
            members,
            match,
            unused,
            notes=self.notes,
            name=self.name,
            task=source.task,
            architecture=source.model_name,
            networks=len(find_members(network)),
            frozen_layers=frozen,
            fixed=frozenset(f"model.{key}" for key in fixed - free_settings(self.model)),
        )

    def _has_head_of(self, member: Any) -> bool:
        """Return whether the model's head has the shapes of another; losses differ in outputs."""
        own, other = (
            {n: t.shape for n, t in member_weights(m).items() if not n.startswith(_ENCODER)}
            for m in (find_members(self._network)[0], member)
        )
        return all(own[name] == shape for name, shape in other.items() if name in own)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all weights by name."""
        return _digest([self.model.network.state_dict()])

    @property
    def _network(self) -> nn.Module:
        return self.model.network


def _encoders(network: nn.Module) -> list[Any]:
    """Return the encoders of a network, or the network itself if it has no head."""
    return find_encoders(network) or find_members(network)


def _take(member: Any, model: Model, takes_head: bool) -> dict[str, Tensor]:
    """Return the weights of one head and its encoder that another training can begin with."""
    untrained: tuple[str, ...] = ()
    is_trained_here = IMPORTED not in model.metrics
    if is_trained_here and getattr(member, "reads", "pooled") == "states":
        # modules of the pooled vector were not trained: they are as random as fresh ones
        untrained = _prefixes(model.recipe)
    weights = member_weights(member)
    return {
        name: tensor
        for name, tensor in weights.items()
        if (takes_head or name.startswith(_ENCODER)) and not name.startswith(untrained)
    }


def _prefixes(recipe: Recipe) -> tuple[str, ...]:
    """Return how the names of parts begin that only the pooled vector needs."""
    return tuple(f"{_ENCODER}{part}." for part in pooled_parts(recipe.model))


def _refuse_partial(match: Match, recipe: Recipe, name: str) -> None:
    """Refuse weights that lack a part of the encoder, or have it in another shape.

    Raises:
        ConfigError: naming the first tensors.
    """
    free = _prefixes(recipe)
    wrong = [n for n in match.missing if n.startswith(_ENCODER) and not n.startswith(free)]
    wrong += [n for n, _, _ in match.other_shape if not n.startswith(free)]
    if not wrong:
        return
    more = f" and {len(wrong) - _FEW_NAMES:,} more" if len(wrong) > _FEW_NAMES else ""
    raise ConfigError(
        f"pretrained.folder: {name} lacks {pluralize(len(wrong), 'tensor')} of the encoder, or "
        f"has another shape of it: {', '.join(wrong[:_FEW_NAMES])}{more}; set "
        "pretrained.allow_partial=true to begin with random ones there"
    )


def _layers_to_freeze(
    encoder: nn.Module, layers: int | None, name: str
) -> Sequence[list[nn.Parameter]]:
    """Return the parameters of the embedding and of so many lowest layers.

    Raises:
        ConfigError: the encoder has fewer layers, or does not list them.
    """
    if layers is None:
        return []
    if not isinstance(encoder, HasLayers):
        raise ConfigError(
            f"pretrained.frozen_layers: the encoder of {name} does not list its layers; leave it "
            "out"
        )
    groups = encoder.layer_groups()
    if layers >= len(groups):
        raise ConfigError(
            f"pretrained.frozen_layers: the encoder of {name} has "
            f"{pluralize(len(groups) - 1, 'layer')} above its embedding, got {layers}"
        )
    return groups[: layers + 1]


@dataclass(frozen=True)
class InitialEncoder:
    """Weights of one or more trained networks, as the initial weights of others.

    Attributes:
        members: weights of each network of the folder, by name.
        match: how those of the first one fit the network to train.
        unused: names of weights of the folder that are not among `members`.
        notes: what was said while the folder was read.
        name: the folder, for messages.
        task: task that trained the weights.
        architecture: name of the architecture.
        networks: number of networks to train.
        frozen_layers: layers above the embedding that are not trained; None trains everything.
        fixed: dotted settings that the weights depend on.
    """

    members: Sequence[Weights]
    match: Match
    unused: Sequence[str]
    notes: tuple[str, ...]
    name: str
    task: str
    architecture: str
    networks: int
    frozen_layers: int | None
    fixed: frozenset[str]
    setting: ClassVar[str] = "folder"

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all weights to begin from, by name."""
        return _digest(self.members)

    def apply(self, network: nn.Module) -> None:
        """Write the weights into the network, and mark frozen parameters.

        An ensemble of more networks than the folder has begins from them in turn.
        """
        for number, member in enumerate(find_members(network)):
            load_matching(member_weights(member), self.members[number % len(self.members)])
        for encoder in _encoders(network):
            for group in _layers_to_freeze(encoder, self.frozen_layers, self.name):
                for parameter in group:
                    parameter.requires_grad_(False)

    def facts(self, encoded: Mapping[str, Encoded]) -> dict[str, Any]:
        """Return what `metrics.json` holds of the folder."""
        match = self.match
        left_over = [*match.left_over, *self.unused]
        facts = {
            "source": Path(self.name).name,
            "task": self.task,
            "model": self.architecture,
            "matched": len(match.matched),
            "missing": list(match.missing[:_MOST_NAMES]),
            "left_over": left_over[:_MOST_NAMES],
            "other_shape": [name for name, _, _ in match.other_shape[:_MOST_NAMES]],
            "frozen_layers": self.frozen_layers,
            "fingerprint": self.fingerprint,
        }
        return {"pretrained": facts}

    def fact_lines(self, facts: Mapping[str, Any]) -> list[str]:
        """Return which weights matched, were missing and were left over."""
        each = "" if self.networks == 1 else f", for each of {self.networks} networks"
        match = Match(
            self.match.matched,
            self.match.missing,
            (*self.match.left_over, *self.unused),
            self.match.other_shape,
        )
        lines = [
            *self.notes,
            f"weights: begin from {self.name} ({self.architecture}, task {self.task}){each}",
            *match.lines(),
        ]
        if self.frozen_layers is not None:
            layers = pluralize(self.frozen_layers, "layer")
            above = f" and {layers} above it" if self.frozen_layers else ""
            lines.append(f"weights: frozen are the embedding{above}")
        return lines


def _digest(networks: Sequence[Weights]) -> str:
    digest = hashlib.sha256()
    for weights in networks:
        for name, tensor in sorted(weights.items()):
            digest.update(f"{name} {tuple(tensor.shape)}".encode())
            numbers: Any = tensor.cpu().contiguous().view(-1).view(torch.uint8).numpy()
            digest.update(numbers)
    return digest.hexdigest()
