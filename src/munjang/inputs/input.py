"""The protocol of an input: how rows are read, encoded and saved."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self

from torch import Tensor, nn

from munjang.config import Settings
from munjang.data.dataset import Dataset
from munjang.data.readers.values import ReadLabels
from munjang.data.table import Table
from munjang.errors import ConfigError
from munjang.folder.sealed import SealedFolder
from munjang.recipe import Recipe
from munjang.reporting import Report, pluralize
from munjang.tasks.task import Bools


class Encoded(Protocol):
    """Rows as a network reads them."""

    @property
    def truncated(self) -> Bools:
        """True for each row that was longer than the model reads, [rows]."""

    def __len__(self) -> int:
        """Return the number of rows."""

    def dataset(self, targets: Any = None) -> Dataset:
        """Return the rows with their targets [rows, ...], or without."""

    def adapt(self, network: nn.Module) -> nn.Module:
        """Return the network that reads these rows, such as with vectors of their OOV words."""


@dataclass(frozen=True)
class Sample:
    """One input of a chosen size, on which the layers of a model are measured.

    Attributes:
        size: of the input: vocabulary size, shape of an image.
        tensors: makes the arguments of the network, on PyTorch's current device.
        shape: as people read it: [time] of a text, [height, width, channels] of an image.
        settings: settings that follow from it, nested as in `config.yaml`.
        on_meta: whether the network runs on the device "meta", without numbers.
    """

    size: Any
    tensors: Callable[[], tuple[Tensor, ...]]
    shape: tuple[int, ...]
    settings: Mapping[str, Any]
    on_meta: bool = False


@dataclass(frozen=True)
class Input:
    """Base of all inputs. An instance is fitted: it holds what was learned from the training part.

    A subclass implements `read`, `fit`, `encode`, `encode_values`, `size` and `load`; the rest has
    defaults.

    Attributes:
        recipe: the settings of the run.
        sections: settings of this input, by their section of `config.yaml`.
        row: what messages call a row.
        noun: what a model card calls the value of a row.
        has_word_vectors: whether the network has an embedding of words.
    """

    recipe: Recipe
    sections: ClassVar[Mapping[str, type[Settings]]]
    row: ClassVar[str] = "row"
    noun: ClassVar[str] = "text"
    has_word_vectors: ClassVar[bool] = False

    @classmethod
    def accepts(cls, data: Any) -> bool:
        """Return whether data can only be of this input; then it need not be named."""
        return False

    @classmethod
    def check_recipe(cls, recipe: Recipe) -> None:
        """Refuse settings that do not go together.

        Raises:
            ValueError: naming the setting.
        """

    @classmethod
    def defaults(cls, given: Mapping[str, Any], rows: Table | None) -> Mapping[str, Any]:
        """Return what suits an architecture and the data, nested as in `config.yaml`.

        Args:
            given: the user's settings, with the names of the model and the task.
            rows: the data; None before it is read.
        """
        return {}

    @classmethod
    def settle(cls, given: dict[str, Any], rows: Table | None) -> dict[str, Any]:
        """Return the user's settings in the form that the sections have; `rows` as in `defaults`."""
        return given

    @classmethod
    def read(
        cls, data: Any, recipe: Recipe, read_labels: ReadLabels | None, report: Report
    ) -> Table:
        """Read rows and report what was read, inferred and skipped.

        Args:
            data: a path, several paths, or values of Python.
            recipe: its section `data` says how.
            read_labels: how the column of the target is read; None where there is none.
            report: takes lines for people.

        Raises:
            DataError: a row cannot be used.
        """
        raise NotImplementedError

    @classmethod
    def trained_reading(cls, recipe: Recipe, data: Any) -> dict[str, Any]:
        """Return how the training data was read, as far as it holds for other data."""
        section: dict[str, Any] = recipe.section("data").model_dump()
        return {k: v for k, v in section.items() if k not in ("validation_split", "skip_bad_rows")}

    @classmethod
    def complete(cls, recipe: Recipe, rows: Table) -> Recipe:
        """Return the recipe with what was inferred while reading: here the names of columns."""
        known = type(recipe.section("data")).model_fields
        names = {f"{role}_column": name for role, name in rows.names.items()}
        found = {key: name for key, name in names.items() if key in known}
        return recipe.with_section("data", **found)

    @classmethod
    def sample(cls, size: Any, vocabulary: int) -> Sample:
        """Return one input of a size, for `munjang shapes`.

        Args:
            size: as a user typed it; None for the default.
            vocabulary: vocabulary size of a text model.

        Raises:
            ConfigError: there is no such size, or none is known of this input.
        """
        raise ConfigError(f"{cls.__name__}: shapes are shown of texts and images")

    @classmethod
    def check_rows(cls, rows: Table, least: int) -> None:
        """Refuse rows from which nothing can be learned, before they are split.

        Args:
            rows: all rows.
            least: number of parts they will be split into.

        Raises:
            DataError: naming the file.
        """

    @classmethod
    def fit(cls, train: Table, recipe: Recipe) -> Self:
        """Return the input for a training part."""
        raise NotImplementedError

    @classmethod
    def load(cls, folder: SealedFolder, recipe: Recipe) -> Self:
        """Return the input that `files` wrote.

        Raises:
            FolderError: the folder lacks a file, or holds something else.
        """
        raise NotImplementedError

    @classmethod
    def file_names(cls, recipe: Recipe) -> tuple[str, ...]:
        """Return the names of the files of `files`."""
        return ()

    def files(self) -> dict[str, Any]:
        """Return what the model folder keeps, as JSON values by file name."""
        return {}

    @property
    def size(self) -> Any:
        """What an architecture is made with: vocabulary size, shape of an image."""
        raise NotImplementedError

    def encode(self, rows: Table) -> Encoded:
        """Return rows as the network reads them, to be judged."""
        raise NotImplementedError

    def encode_values(self, values: Any) -> Encoded:
        """Return values from Python as the network reads them; one alone counts as a list of one.

        Raises:
            DataError: a value cannot be used; its place is named.
        """
        raise NotImplementedError

    def encode_parts(self, parts: Mapping[str, Table]) -> dict[str, tuple[Encoded, Table]]:
        """Encode the training part and the validation part.

        Returns:
            By part, the encoded rows and those rows of the table that they are.
        """
        return {name: (self.encode(part), part) for name, part in parts.items()}

    def usable(self, values: Sequence[Any]) -> tuple[list[int], Mapping[str, int]]:
        """Return the places of the values that can be answered, and counts of the others by reason."""
        return list(range(len(values))), {}

    @property
    def trained_column(self) -> str | None:
        """Name of the column that the values of the training stood in, if it has one."""
        return None

    def prepare_network(
        self, network: nn.Module, encoded: Mapping[str, Encoded], train: Dataset, solve: Any
    ) -> None:
        """Let parts of a fresh network look at the training part, such as tables of n-grams.

        Args:
            network: fresh.
            encoded: the training part and the validation part.
            train: the training part with its targets.
            solve: the task's linear model, see `munjang.tasks.logits.LogitsTask.solve`.
        """

    def fingerprint(self, encoded: Mapping[str, Encoded]) -> Mapping[str, Iterable[Any]]:
        """Return what a checkpoint remembers of the data, as arrays or JSON values by name."""
        return {}

    def facts(self, parts: Mapping[str, Table], encoded: Mapping[str, Encoded]) -> dict[str, Any]:
        """Return what `metrics.json` holds of this input."""
        return {}

    def fact_lines(self, facts: Mapping[str, Any]) -> list[str]:
        """Return the same for people."""
        rows = pluralize(facts["rows"], self.row)
        return [f"{rows} to train on, {facts['valid_rows']:,} to validate on"]

    @property
    def made_of(self) -> str:
        """What the model card says of the input, after the name of the architecture."""
        return ""

    @property
    def ensemble(self) -> str:
        """What the model card says where more than one network gives an answer."""
        return ""

    @property
    def limits(self) -> str:
        """What the model card says on the limits of this input."""
        return ""
