"""Who takes part: networks by name, each with its own or a given tokenizer, and the baselines."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from munjang.baselines import BASELINES
from munjang.config import nearest
from munjang.errors import ConfigError


@dataclass(frozen=True)
class Entrant:
    """One row of the comparison.

    Attributes:
        model: name of an architecture or of a baseline.
        tokenizer: name of a tokenizer, or None for the one that suits model and script.
    """

    model: str
    tokenizer: str | None = None

    @property
    def name(self) -> str:
        """What it is called in the table."""
        return self.model if self.tokenizer is None else f"{self.model} on {self.tokenizer}"

    @property
    def folder(self) -> str:
        """The name as part of a path."""
        return re.sub(r"[^a-z0-9]+", "-", self.name)

    @property
    def is_baseline(self) -> bool:
        """Whether it is fitted without a network, and so without chance."""
        return self.model in BASELINES

    def seeds(self, count: int) -> range:
        """The seeds it runs with: no chance is in a baseline, so one tells all."""
        return range(1 if self.is_baseline else count)


def parse_entrants(models: str, tokenizers: str | None = None) -> tuple[Entrant, ...]:
    """The entrants that `--models` and `--tokenizers` name, networks first.

    Args:
        models: `all`, or names of architectures and baselines with commas between.
        tokenizers: names with commas between, to cross with the one network among the models.

    Raises:
        ConfigError: an unknown name, none at all, or tokenizers for none or several networks.
    """
    # the process of a baseline, which imports this module, needs no network
    from munjang.models.registry import ARCHITECTURES

    known = (*ARCHITECTURES, *BASELINES)
    asked = known if models.strip() == "all" else _names(models)
    for name in asked:
        if name not in known:
            raise ConfigError(
                f"unknown model '{name}'{nearest(name, known)}; known: all, {', '.join(known)}"
            )
    if not asked:
        raise ConfigError(f"models: expected at least one; known: all, {', '.join(known)}")
    if tokenizers is None:
        return tuple(Entrant(name) for name in known if name in asked)
    return _crossed(asked, _names(tokenizers))


def _crossed(models: Sequence[str], tokenizers: Sequence[str]) -> tuple[Entrant, ...]:
    from munjang.text.registry import tokenizer_class

    networks = [name for name in models if name not in BASELINES]
    if len(networks) != 1:
        raise ConfigError(
            f"tokenizers are crossed with one network, and {len(networks)} are asked for; "
            "name it, such as --models cnn or --models cnn,nbsvm"
        )
    if not tokenizers:
        raise ConfigError("tokenizers: expected at least one name, such as words,jamo")
    for name in tokenizers:
        tokenizer_class(name)
    return (
        *(Entrant(networks[0], name) for name in tokenizers),
        *(Entrant(name) for name in BASELINES if name in models),
    )


def _names(listed: str) -> list[str]:
    """Names between commas, each once."""
    return list(dict.fromkeys(name.strip() for name in listed.split(",") if name.strip()))
