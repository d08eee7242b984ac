"""Who takes part: networks by name, each with its own or a given tokenizer, and the baselines."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from munjang.baselines import BASELINES, PAIR_BASELINES, READ_NO_TEXT
from munjang.config import nearest
from munjang.errors import ConfigError

ComparedTask = Literal["classify", "translate"]

_BASELINES: Mapping[ComparedTask, Mapping[str, str]] = {
    "classify": BASELINES,
    "translate": PAIR_BASELINES,
}


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
        return is_baseline(self.model)

    @property
    def reads_text(self) -> bool:
        """Whether its answers depend on the text at all."""
        return self.model not in READ_NO_TEXT

    def seeds(self, count: int) -> range:
        """The seeds it runs with: no chance is in a baseline, so one tells all."""
        return range(1 if self.is_baseline else count)


def is_baseline(name: str) -> bool:
    """Whether that is the name of a baseline, of whatever task."""
    return any(name in rows for rows in _BASELINES.values())


def parse_entrants(
    models: str, tokenizers: str | None = None, task: ComparedTask = "classify"
) -> tuple[Entrant, ...]:
    """The entrants that `--models` and `--tokenizers` name, networks first.

    Args:
        models: `all`, or names of architectures and baselines with commas between.
        tokenizers: names with commas between, to cross with the one network among the models.
        task: what they are to learn.

    Raises:
        ConfigError: an unknown name, one of another task, none at all, or tokenizers for none or
            several networks.
    """
    known = _known(task)
    asked = known if models.strip() == "all" else _names(models)
    for name in asked:
        if name not in known:
            raise _unknown(name, task)
    if not asked:
        raise ConfigError(f"models: expected at least one; known: all, {', '.join(known)}")
    if tokenizers is None:
        return tuple(Entrant(name) for name in known if name in asked)
    return _crossed([name for name in known if name in asked], _names(tokenizers), known[0])


def _known(task: ComparedTask) -> tuple[str, ...]:
    # the process of a baseline, which imports this module, needs no network
    from munjang.models.registry import ARCHITECTURES, PAIR_ARCHITECTURES

    networks = {"classify": ARCHITECTURES, "translate": PAIR_ARCHITECTURES}
    return (*networks[task], *_BASELINES[task])


def _unknown(name: str, task: ComparedTask) -> ConfigError:
    known = _known(task)
    for other in _BASELINES:
        if name in _known(other):
            return ConfigError(
                f"{name} goes with --task {other}; with {task} go all, {', '.join(known)}"
            )
    return ConfigError(
        f"unknown model '{name}'{nearest(name, known)}; known: all, {', '.join(known)}"
    )


def _crossed(models: Sequence[str], tokenizers: Sequence[str], example: str) -> tuple[Entrant, ...]:
    from munjang.text.registry import tokenizer_class

    networks = [name for name in models if not is_baseline(name)]
    if len(networks) != 1:
        raise ConfigError(
            f"tokenizers are crossed with one network, and {len(networks)} are asked for; "
            f"name it, such as --models {example}, with baselines beside it or not"
        )
    if not tokenizers:
        raise ConfigError("tokenizers: expected at least one name, such as words,jamo")
    for name in tokenizers:
        tokenizer_class(name)
    return (
        *(Entrant(networks[0], name) for name in tokenizers),
        *(Entrant(name) for name in models if is_baseline(name)),
    )


def _names(listed: str) -> list[str]:
    """Names between commas, each once."""
    return list(dict.fromkeys(name.strip() for name in listed.split(",") if name.strip()))
