"""Pretrained vectors in a training: what they decide, and how much of the text they know."""

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from munjang.config import merge
from munjang.data.encode import EncodedTexts
from munjang.data.vectors import VectorSource, WordVectors, find_vectors, open_vectors
from munjang.errors import ConfigError
from munjang.recipe import VectorSettings
from munjang.reporting import stage
from munjang.text.tokenizer import Tokenizer
from munjang.text.vocabulary import RESERVED

# What `vectors.file` says of vectors that were given from Python.
IN_MEMORY = "(given from Python)"


def with_vectors(
    vectors: Any, given: Mapping[str, Any]
) -> tuple[VectorSource | None, dict[str, Any]]:
    """The source of the vectors, if there are any, and the settings that follow from it.

    The vectors decide `model.dim`. They are those of words, so `words` is the tokenizer unless
    another one is named.

    Args:
        vectors: a path or an object; those that `given` names when None.
        given: the user's settings, nested as in `config.yaml`.

    Raises:
        ConfigError: `given` has another `model.dim`, or names vectors that were not given.
        DataError: as `munjang.data.vectors.open_vectors`.
    """
    settled = dict(given)
    if vectors is not None:
        file = str(vectors) if isinstance(vectors, str | PathLike) else IN_MEMORY
        settled = merge(settled, {"vectors": {"file": file}})
    asked = VectorSettings.parse(_section(settled, "vectors"), where="vectors")
    if asked.file is None:
        return None, settled
    if vectors is None and asked.file == IN_MEMORY:
        raise ConfigError(
            f"vectors.file: '{IN_MEMORY}' are vectors that no file holds; give them again, or set "
            "vectors.file to a file, or to null"
        )
    source = open_vectors(asked.file if vectors is None else vectors)
    dim = _section(settled, "model").get("dim", source.dim)
    if str(dim) != str(source.dim):
        raise ConfigError(
            f"model.dim: the vectors of {source.name} have {source.dim} numbers and model.dim is "
            f"{dim}; leave model.dim out, or give vectors of {dim}"
        )
    # vectors of words know what letters would tell, also of a word seen once; and frozen ones must
    # not move by letters
    words = {"tokenizer": {"name": "words", "min_frequency": 1}, "model": {"spelling": 0}}
    settled = merge(words, settled)
    return source, merge(settled, {"model": {"dim": source.dim}})


def _section(settings: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = settings.get(name) or {}
    if not isinstance(section, Mapping):
        raise ConfigError(f"{name}: expected settings as 'key: value', got {section!r}")
    return section


def find(source: VectorSource, settings: VectorSettings, tokenizer: Tokenizer) -> WordVectors:
    """The vectors of the tokenizer's vocabulary.

    Raises:
        DataError: as `munjang.data.vectors.find_vectors`.
    """
    with stage("reading vectors"):
        return find_vectors(source, tokenizer.vocabulary, skip_bad_lines=settings.skip_bad_lines)


def coverage(
    found: WordVectors,
    tokenizer: Tokenizer,
    parts: Mapping[str, EncodedTexts],
    settings: VectorSettings,
) -> dict[str, Any]:
    """What `metrics.json` holds of the vectors; shares are from 0 to 1."""
    types = tokenizer.vocabulary.size - len(RESERVED)
    return {
        "source": Path(found.source).name,
        "kind": found.kind,
        "dim": found.dim,
        "words": found.words,
        "promised": found.promised,
        "types": types,
        "types_found": len(found.ids),
        "lowered": found.lowered,
        "tokens_found": found.share_of_tokens(parts["train"].column),
        "valid_tokens_found": found.share_of_tokens(parts["valid"].column),
        "repeated": found.repeated,
        "skipped": found.skipped,
        "frozen": settings.freeze,
        "fingerprint": found.fingerprint,
    }


def coverage_lines(found: WordVectors | None, facts: Mapping[str, Any]) -> list[str]:
    """The same for people."""
    if found is None:
        return []
    told = facts["vectors"]
    without = told["types"] - told["types_found"]
    lines = [
        f"vectors: {found.words:,} words of {found.dim} numbers in {found.source} ({found.kind})",
        f"vectors: {told['types_found']:,} of {told['types']:,} types found one "
        f"({told['types_found'] / told['types']:.1%}), with them {told['tokens_found']:.1%} of the "
        f"tokens to train on and {told['valid_tokens_found']:.1%} of those to validate on; "
        f"{without:,} types begin at random",
    ]
    if found.promised is not None and found.promised != found.words:
        lines.append(
            f"vectors: the header promises {found.promised:,} words, {found.words:,} were there"
        )
    for count, what in (
        (found.lowered, "types took the vector of their lower-cased form"),
        (found.repeated, "words stood there again; the first of each counts"),
        (found.skipped, "lines could not be read and were skipped"),
    ):
        if count:
            lines.append(f"vectors: {count:,} {what}")
    return lines
