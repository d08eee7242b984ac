"""Pretrained word vectors: settings that follow from them, coverage, and initial weights."""

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn

from munjang.config import merge
from munjang.data.vectors import VectorSource, WordVectors, find_vectors, open_vectors
from munjang.errors import ConfigError
from munjang.inputs.input import Encoded
from munjang.inputs.text import EncodedText, TextInput
from munjang.recipe import PretrainedSettings, Recipe, named_input, section_of
from munjang.reporting import stage
from munjang.tasks.heads import find_encoders
from munjang.text.columns import TokenColumn
from munjang.text.vocabulary import RESERVED

# The value of `pretrained.vectors` for vectors that were given from Python.
IN_MEMORY = "(given from Python)"


class Pretrained(Protocol):
    """Pretrained weights of a run, once the data is known."""

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the weights."""

    def apply(self, network: nn.Module) -> None:
        """Write the weights into a fresh network."""

    def facts(self, encoded: Mapping[str, Encoded]) -> dict[str, Any]:
        """Return facts for `metrics.json`."""

    def fact_lines(self, facts: Mapping[str, Any]) -> list[str]:
        """Return the facts as lines for people."""


class PretrainedSource(Protocol):
    """Source of pretrained weights, before the data is known."""

    def find(self, recipe: Recipe, fitted: Any) -> Pretrained:
        """Return the initial weights of a run; `fitted` is its input."""


def open_pretrained(
    vectors: Any, given: Mapping[str, Any]
) -> tuple[PretrainedSource | None, dict[str, Any]]:
    """Return the source of pretrained weights, if any, and the settings that follow from it.

    Word vectors determine `model.dim`, and the default tokenizer is `words`.

    Args:
        vectors: a path or an object; those that `given` names if None.
        given: the user's settings, nested as in `config.yaml`.

    Raises:
        ConfigError: the input has no words, `given` has another `model.dim`, or names vectors that
            were not given.
        DataError: as `munjang.data.vectors.open_vectors`.
    """
    settings = dict(given)
    if vectors is not None:
        file = str(vectors) if isinstance(vectors, str | PathLike) else IN_MEMORY
        settings = merge(settings, {"pretrained": {"vectors": file}})
    pretrained = PretrainedSettings.parse(section_of(settings, "pretrained"), where="pretrained")
    if pretrained.vectors is None:
        return None, settings
    kind = named_input(settings)
    if not kind.load().has_word_vectors:
        raise ConfigError(f"vectors: word vectors go with the input text; the input is {kind.name}")
    if vectors is None and pretrained.vectors == IN_MEMORY:
        raise ConfigError(
            f"pretrained.vectors: '{IN_MEMORY}' are vectors that are in no file; give them "
            "again, or set pretrained.vectors to a file, or to null"
        )
    source = open_vectors(pretrained.vectors if vectors is None else vectors)
    dim = section_of(settings, "model").get("dim", source.dim)
    if str(dim) != str(source.dim):
        raise ConfigError(
            f"model.dim: the vectors of {source.name} have {source.dim} numbers and model.dim is "
            f"{dim}; leave model.dim out, or give vectors of {dim}"
        )
    # word vectors make subword vectors and a minimum frequency needless, and subword vectors would
    # change frozen ones
    words = {"tokenizer": {"name": "words", "min_frequency": 1}, "model": {"subword_ngrams": 0}}
    settings = merge(words, settings)
    return OpenVectors(source), merge(settings, {"model": {"dim": source.dim}})


@dataclass(frozen=True)
class OpenVectors:
    """Word vectors whose header was read.

    Attributes:
        source: the file, or the object from Python.
    """

    source: VectorSource

    def find(self, recipe: Recipe, fitted: TextInput) -> "InitialVectors":
        """Read the vectors of the vocabulary.

        Raises:
            DataError: as `munjang.data.vectors.find_vectors`.
        """
        settings, vocabulary = recipe.pretrained, fitted.tokenizer.vocabulary
        with stage("reading vectors"):
            found = find_vectors(self.source, vocabulary, skip_bad_lines=settings.skip_bad_lines)
        return InitialVectors(found, vocabulary.size - len(RESERVED), settings.freeze)


@dataclass(frozen=True)
class InitialVectors:
    """Word vectors as initial rows of the embedding.

    Attributes:
        found: the vectors of the vocabulary.
        types: distinct tokens of the vocabulary, the reserved ones not counted.
        frozen: True if those rows are not trained.
    """

    found: WordVectors
    types: int
    frozen: bool

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the vectors."""
        return self.found.fingerprint

    def apply(self, network: nn.Module) -> None:
        """Write the vectors into the embedding of every encoder."""
        ids, rows = (torch.from_numpy(a) for a in (self.found.ids, self.found.vectors))
        for encoder in find_encoders(network):
            encoder.embedding.load_vectors(ids, rows, frozen=self.frozen)

    def facts(self, encoded: Mapping[str, Encoded]) -> dict[str, Any]:
        """Return what `metrics.json` holds of the vectors; shares are from 0 to 1."""
        found = self.found
        train, valid = (_column(encoded[name]) for name in ("train", "valid"))
        return {
            "source": Path(found.source).name,
            "kind": found.kind,
            "dim": found.dim,
            "words": found.words,
            "header_count": found.header_count,
            "types": self.types,
            "types_found": len(found.ids),
            "lowered": found.lowered,
            "tokens_found": found.share_of_tokens(train),
            "valid_tokens_found": found.share_of_tokens(valid),
            "repeated": found.repeated,
            "skipped": found.skipped,
            "frozen": self.frozen,
            "fingerprint": found.fingerprint,
        }

    def fact_lines(self, facts: Mapping[str, Any]) -> list[str]:
        """Return how much of the vocabulary and of the tokens has a vector."""
        found, without = self.found, facts["types"] - facts["types_found"]
        lines = [
            f"vectors: {found.words:,} words of {found.dim} numbers in {found.source} "
            f"({found.kind})",
            f"vectors: {facts['types_found']:,} of {facts['types']:,} types found one "
            f"({facts['types_found'] / facts['types']:.1%}), with them "
            f"{facts['tokens_found']:.1%} of the tokens to train on and "
            f"{facts['valid_tokens_found']:.1%} of those to validate on; "
            f"{without:,} types begin at random",
        ]
        if found.header_count is not None and found.header_count != found.words:
            lines.append(
                f"vectors: the header promises {found.header_count:,} words, "
                f"{found.words:,} were there"
            )
        for count, text in (
            (found.lowered, "types took the vector of their lower-cased form"),
            (found.repeated, "words stood there again; the first of each counts"),
            (found.skipped, "lines could not be read and were skipped"),
        ):
            if count:
                lines.append(f"vectors: {count:,} {text}")
        return lines


def _column(part: Encoded) -> TokenColumn:
    assert isinstance(part, EncodedText)
    return part.column
