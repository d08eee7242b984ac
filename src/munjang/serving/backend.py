"""Protocols of models as the server uses them: a model folder, or an exported folder."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

from munjang.serving.skills import Skill
from munjang.text.plain.growing import Part


class Answer(Protocol):
    """The answer to one row, with `probabilities`, `label` or `labels` where it has them."""

    @property
    def truncated(self) -> bool:
        """True if the text was longer than the model reads and its end was ignored."""

    def lines(self, row: int, text: str) -> list[list[str]]:
        """Return the columns of each line of `munjang predict` for a row and its text."""

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""


class GrowingTexts(Protocol):
    """Texts that a model writes together."""

    def join(self, value: str, *, length: int, seed: int, stop: Sequence[str]) -> int:
        """Begin a text, whose first token comes with the next step, and return its key."""

    def cancel(self, keys: Iterable[int]) -> None:
        """Remove texts."""

    def step(self) -> dict[int, Part]:
        """Add one token to each text, and return what that added, by key."""


@dataclass(frozen=True)
class Description:
    """Facts about a model.

    Attributes:
        task: name of its task.
        input: name of its input.
        architecture: name of its architecture.
        parameters: number of parameters.
        labels: names of its labels; empty if there are none.
        reads_pairs: whether a row is two texts.
        most_tokens: most tokens of a text that it reads; None without a limit.
        skills: what it can do.
    """

    task: str
    input: str
    architecture: str
    parameters: int
    labels: Sequence[str]
    reads_pairs: bool
    most_tokens: int | None
    skills: Collection[Skill]


class Backend(Protocol):
    """A model. Each of the protocols below is that of a skill."""

    @property
    def description(self) -> Description:
        """Facts about it."""

    def predict(self, values: Sequence[Any], **options: Any) -> Sequence[Answer]:
        """Return an answer per value.

        Args:
            values: texts, or pairs of them.
            options: as those of `munjang.model.Model.predict`.

        Raises:
            DataError: a value cannot be used.
            ConfigError: an option that the model does not have.
        """


class Embeds(Protocol):
    """A model with vectors of texts."""

    def embed(self, values: Sequence[str], **options: Any) -> Any:
        """Return a vector per text, as `munjang.model.Model.embed`."""


class HasWords(Protocol):
    """A model with vectors of words."""

    def neighbors(self, words: Sequence[str], *, k: int) -> Sequence[Sequence[Any]]:
        """Return the `k` words nearest to each word, with their cosines as `score`.

        Raises:
            DataError: a word has no vector.
        """


class Explains(Protocol):
    """A model whose answers can be explained."""

    def why(self, value: Any, **options: Any) -> Any:
        """Return how much each word gives to the answer, as `munjang.model.Model.why`."""


class Writes(Protocol):
    """A model that writes texts."""

    def with_decoding(self, changes: Mapping[str, Any]) -> Self:
        """Return the model with other settings of decoding.

        Raises:
            ConfigError: a setting is invalid.
        """

    def open_texts(self) -> GrowingTexts:
        """Return an empty collection of texts that are written together.

        Raises:
            ConfigError: its texts cannot be written token by token.
        """
