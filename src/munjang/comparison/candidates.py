"""The compared models: networks by name, each with its own or a given tokenizer, and baselines."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from munjang.comparison.contests import all_contests, contest_of
from munjang.config import suggest_nearest
from munjang.errors import ConfigError


@dataclass(frozen=True)
class Candidate:
    """One row of the comparison.

    Attributes:
        model: Name of an architecture or of a baseline.
        tokenizer: Name of a tokenizer, or None for the one that suits model and script.
        start: Model folder that it begins from; None begins at random.
        digest: Begin of the fingerprint of that folder's weights.
    """

    model: str
    tokenizer: str | None = None
    start: str | None = None
    digest: str = ""

    @property
    def name(self) -> str:
        """The name in the table."""
        if self.start is not None:
            return f"{self.model} from {self.start}"
        return self.model if self.tokenizer is None else f"{self.model} on {self.tokenizer}"

    @property
    def folder(self) -> str:
        """The name as part of a path; other weights to begin from have another one."""
        name = self.name if self.start is None else f"{self.name} {self.digest}"
        return re.sub(r"[^a-z0-9]+", "-", name.lower())

    @property
    def is_baseline(self) -> bool:
        """True if it is fitted without a network, and so without random numbers."""
        return is_baseline(self.model)

    @property
    def is_constant(self) -> bool:
        """True if its answer is the same for every row."""
        return any(self.model in contest.constant for _, contest in all_contests())

    def seeds(self, count: int) -> range:
        """Return the seeds that it runs with: for a baseline one is enough."""
        return range(1 if self.is_baseline else count)


def is_baseline(name: str) -> bool:
    """Return whether that is the name of a baseline, of whatever task."""
    return any(name in contest.baselines for _, contest in all_contests())


def parse_candidates(
    models: str, tokenizers: str | None = None, task: str = "classify"
) -> tuple[Candidate, ...]:
    """Return the candidates that `--models` and `--tokenizers` name, networks first.

    Args:
        models: `all`, or names of architectures and baselines with commas between.
        tokenizers: Names with commas between, to cross with the one network among the models.
        task: The compared task.

    Raises:
        ConfigError: An unknown name, one of another task, none at all, or tokenizers for none or
            several networks.
    """
    known = _known(task)
    names = known if models.strip() == "all" else _names(models)
    for name in names:
        if name not in known:
            raise _unknown(name, task)
    if not names:
        raise ConfigError(f"models: expected at least one; known: all, {', '.join(known)}")
    if tokenizers is None:
        return tuple(Candidate(name) for name in known if name in names)
    if reason := contest_of(task).refused.get("tokenizers"):
        raise ConfigError(f"tokenizers: {reason}; leave them out")
    return _crossed([name for name in known if name in names], _names(tokenizers), known[0])


def _known(task: str) -> tuple[str, ...]:
    contest = contest_of(task)
    return (*contest.networks(), *contest.baselines)


def _options_of(name: str) -> list[str]:
    """Return the options, as typed, that choose a task of which a model can be compared."""
    options: dict[str, str] = {}
    for contest_name, contest in all_contests():
        if name in _known(contest_name):
            other_input = "" if contest_name == contest.task else f" --input {contest.input}"
            # the default input of a task comes first, and needs no option
            options.setdefault(contest.task, f"--task {contest.task}{other_input}")
    return list(options.values())


def _unknown(name: str, task: str) -> ConfigError:
    known = _known(task)
    others = _options_of(name)
    if others:
        return ConfigError(
            f"{name} goes with {' or '.join(others)}; models of {task}: all, {', '.join(known)}"
        )
    return ConfigError(
        f"unknown model '{name}'{suggest_nearest(name, known)}; known: all, {', '.join(known)}"
    )


def _crossed(
    models: Sequence[str], tokenizers: Sequence[str], example: str
) -> tuple[Candidate, ...]:
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
        *(Candidate(networks[0], name) for name in tokenizers),
        *(Candidate(name) for name in models if is_baseline(name)),
    )


def _names(listed: str) -> list[str]:
    """Return names between commas, each once."""
    return list(dict.fromkeys(name.strip() for name in listed.split(",") if name.strip()))
