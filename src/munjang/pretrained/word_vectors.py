"""Pretrained word vectors: settings that follow from them, coverage, and initial weights."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import nn

from munjang.config import merge
from munjang.data.table import Table
from munjang.data.vectors import VectorSource, WordVectors, find_vectors, open_vectors
from munjang.errors import ConfigError
from munjang.inputs.input import Encoded, Input
from munjang.inputs.text import EncodedText
from munjang.recipe import IN_MEMORY, Recipe, named_input, section_of
from munjang.reporting import stage
from munjang.tasks.heads import find_encoders
from munjang.tasks.task import Task
from munjang.text.columns import TokenColumn
from munjang.text.vocabulary import RESERVED


def open_word_vectors(
    vectors: Any, given: Mapping[str, Any]
) -> tuple["OpenVectors", dict[str, Any]]:
    """Return the vectors, whose header was read, and the settings that follow from them.

    Word vectors determine `model.dim`, and the default tokenizer is `words`.

    Args:
        vectors: a path or an object.
        given: the user's settings, nested as in `config.yaml`.

    Raises:
        ConfigError: the input has no words, `given` has another `model.dim`, or names vectors that
            were not given.
        DataError: as `munjang.data.vectors.open_vectors`.
    """
    kind = named_input(given)
    if not kind.load().has_word_vectors:
        raise ConfigError(f"vectors: word vectors go with the input text; the input is {kind.name}")
    if isinstance(vectors, str) and vectors == IN_MEMORY:
        raise ConfigError(
            f"pretrained.vectors: '{IN_MEMORY}' are vectors that are in no file; give them "
            "again, or set pretrained.vectors to a file, or to null"
        )
    source = open_vectors(vectors)
    dim = section_of(given, "model").get("dim", source.dim)
    if str(dim) != str(source.dim):
        raise ConfigError(
            f"model.dim: the vectors of {source.name} have {source.dim} numbers and model.dim is "
            f"{dim}; leave model.dim out, or give vectors of {dim}"
        )
    # word vectors make subword vectors and a minimum frequency needless, and subword vectors would
    # change frozen ones
    words = {"tokenizer": {"name": "words", "min_frequency": 1}, "model": {"subword_ngrams": 0}}
    settings = merge(words, given)
    return OpenVectors(source), merge(settings, {"model": {"dim": source.dim}})


@dataclass(frozen=True)
class OpenVectors:
    """Word vectors whose header was read.

    Attributes:
        source: the file, or the object from Python.
    """

    source: VectorSource

    def fit_input(self, train: Table, recipe: Recipe) -> Input:
        """Return the input, fitted on the training part."""
        return recipe.input_class.fit(train, recipe)

    def find(self, recipe: Recipe, fitted: Any, task: Task) -> "InitialVectors":
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
    setting: ClassVar[str] = "vectors"
    fixed: ClassVar[frozenset[str]] = frozenset({"model.dim"})

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
        facts = {
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
        return {"vectors": facts}

    def fact_lines(self, facts: Mapping[str, Any]) -> list[str]:
        """Return how much of the vocabulary and of the tokens has a vector."""
        found, facts = self.found, facts["vectors"]
        without = facts["types"] - facts["types_found"]
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
