"""Initial word vectors from a folder of the task `vectors`, with its tokenizer and its n-grams."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import nn

from munjang.config import merge
from munjang.data.table import Table
from munjang.errors import ConfigError
from munjang.inputs.input import Encoded, FitsFrom, Input
from munjang.layers.embedding import TokenEmbedding
from munjang.model import Model
from munjang.models.encoder import EncoderConfig
from munjang.pretrained.following import find_difference, refuse
from munjang.recipe import Recipe, named_input, named_task, section_of, with_names
from munjang.registry import require_architecture
from munjang.reporting import pluralize
from munjang.tasks.heads import find_encoders
from munjang.tasks.task import Task
from munjang.text.vocabulary import RESERVED

# Settings of the embedding, which an encoder takes over, and of the tokenizer.
_OF_EMBEDDING = ("dim", "subword_ngrams", "subword_buckets", "subword_units", "subword_scheme")
_OF_TOKENIZER = ("name", "min_frequency", "max_size", "settings")


def has_word_vectors_only(model: Model, given: Mapping[str, Any]) -> bool:
    """Return whether a model is an embedding, and another task than its own is to begin from it."""
    needs = model.recipe.task_row.needs
    return needs == "vectors" and named_task(given).needs != needs


def open_embedding(
    model: Model, name: str, given: Mapping[str, Any]
) -> tuple["OpenEmbedding", dict[str, Any]]:
    """Return the word vectors to begin from, and the settings that follow from them.

    Args:
        model: word vectors.
        name: its folder, for messages.
        given: the user's settings, nested as in `config.yaml`; they name the folder as that of
            word vectors or as that of a model.

    Raises:
        ConfigError: a setting contradicts the word vectors, or the input or the architecture has no
            embedding that they fit.
    """
    folder = section_of(given, "pretrained")
    path = folder.get("folder") or folder.get("vectors")
    kept = {key: value for key, value in folder.items() if key in ("freeze", "skip_bad_lines")}
    for key in folder.keys() - kept.keys() - {"vectors", "folder"}:
        if folder[key]:
            raise ConfigError(
                f"pretrained.{key}: {name} holds word vectors and no other layers; leave it out"
            )
    settings = {**given, "pretrained": {**kept, "vectors": path}}
    kind = named_input(settings)
    input_class: type[Input] = kind.load()
    named = with_names(settings)
    row = require_architecture(str(named["model"]["name"]), kind.name, named_task(settings))
    if not (issubclass(row.config_class(), EncoderConfig) and issubclass(input_class, FitsFrom)):
        raise ConfigError(
            f"pretrained.folder: {name} holds word vectors, which a {row.name} on the input "
            f"{kind.name} cannot begin from; expected an encoder of texts"
        )
    tokenizer = input_class.settings_from(model.input)["tokenizer"]
    own = {
        "tokenizer": {key: tokenizer[key] for key in _OF_TOKENIZER if key in tokenizer},
        "model": {
            key: value
            for key in _OF_EMBEDDING
            if (value := getattr(model.recipe.model, key)) is not None
        },
    }
    refuse(find_difference(own, settings), name)
    return OpenEmbedding(model, name), merge(own, settings)


@dataclass(frozen=True)
class OpenEmbedding:
    """Word vectors to begin from.

    Attributes:
        model: word vectors.
        name: its folder, for messages.
    """

    model: Model
    name: str

    def fit_input(self, train: Table, recipe: Recipe) -> Input:
        """Return the input with the tokenizer and the vocabulary of the word vectors."""
        kind = recipe.input_class
        assert issubclass(kind, FitsFrom), "open_embedding has checked it"
        return kind.fit_from(train, recipe, self.model.input)

    def find(self, recipe: Recipe, fitted: Any, task: Task) -> "InitialEmbedding":
        """Return the word vectors as initial weights of a run."""
        embedding: TokenEmbedding = find_encoders(self.model.network)[0].embedding
        return InitialEmbedding(embedding, self.name, recipe.pretrained.freeze)


@dataclass(frozen=True)
class InitialEmbedding:
    """Word vectors, and rows of character n-grams, as initial rows of an encoder's embedding.

    Attributes:
        embedding: the word vectors.
        name: their folder, for messages.
        frozen: True if those rows are not trained.
    """

    embedding: TokenEmbedding
    name: str
    frozen: bool
    setting: ClassVar[str] = "vectors"
    fixed: ClassVar[frozenset[str]] = frozenset(f"model.{key}" for key in _OF_EMBEDDING)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the rows of words and n-grams."""
        digest = hashlib.sha256()
        for table in (self.embedding, self.embedding.subwords):
            if table is not None:
                digest.update(table.weight.detach().cpu().numpy().astype("<f4").tobytes())
        return digest.hexdigest()

    @torch.no_grad()
    def apply(self, network: nn.Module) -> None:
        """Write the word vectors into the embedding of every encoder."""
        source = self.embedding
        ids = torch.arange(len(RESERVED), source.vocabulary_size)
        rows = source.weight[len(RESERVED) : source.vocabulary_size]
        for encoder in find_encoders(network):
            target: TokenEmbedding = encoder.embedding
            target.load_vectors(ids, rows, frozen=self.frozen)
            if source.subwords is not None and target.subwords is not None:
                target.subwords.weight.copy_(source.subwords.weight)
                target.subwords.weight.requires_grad_(not self.frozen)

    def facts(self, encoded: Mapping[str, Encoded]) -> dict[str, Any]:
        """Return what `metrics.json` holds of the word vectors."""
        facts = {
            "source": Path(self.name).name,
            "kind": "word vectors of a model folder",
            "dim": self.embedding.dim,
            "words": self.embedding.vocabulary_size - len(RESERVED),
            "frozen": self.frozen,
            "fingerprint": self.fingerprint,
        }
        return {"vectors": facts}

    def fact_lines(self, facts: Mapping[str, Any]) -> list[str]:
        """Return the number of word vectors for people."""
        own = facts["vectors"]
        grams = " and their character n-grams" if self.embedding.subwords is not None else ""
        frozen = ", frozen" if self.frozen else ""
        return [
            f"vectors: begin from {pluralize(own['words'], 'word')}{grams} of {own['dim']} numbers "
            f"in {self.name}{frozen}"
        ]
