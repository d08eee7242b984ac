"""The base of inputs: how rows are read, encoded and saved."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self, runtime_checkable

from torch import Tensor, nn

from munjang.config import Settings
from munjang.data.dataset import Dataset
from munjang.data.readers.stream_records import Wanted, wanted_text
from munjang.data.readers.values import ReadLabels
from munjang.data.splits import split
from munjang.data.table import Table
from munjang.errors import ConfigError
from munjang.folder.sealed import SealedFolder
from munjang.folder.workspace import Workspace
from munjang.recipe import Recipe
from munjang.reporting import Report, pluralize
from munjang.tasks.task import Encoded as Encoded


@dataclass(frozen=True)
class Sample:
    """One input of a chosen size, for measuring the layers of a model.

    Attributes:
        size: input size: vocabulary size, or shape of an image.
        tensors: makes the arguments of the network on PyTorch's current device.
        shape: shape for people: [time] of a text, [height, width, channels] of an image.
        settings: settings that follow from the size, nested as in `config.yaml`.
        on_meta: True if the network runs on the device "meta", without numbers.
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

    Rows are a `Table`, whose columns are in memory. An input of larger data may return something
    else from `read`; all its methods then take that, and it suits tasks without a target column.

    Attributes:
        recipe: the settings of the run.
        sections: settings of this input, by their section of `config.yaml`.
        row: noun for a row in messages.
        noun: noun for the value of a row in model cards.
        has_word_vectors: True if the network has an embedding of words.
        block_rows: rows of a file that are read and predicted together, if each takes few numbers.
        may_differ: dotted settings that may differ from those of an input that this one takes
            its tokenizer from.
    """

    recipe: Recipe
    sections: ClassVar[Mapping[str, type[Settings]]]
    row: ClassVar[str] = "row"
    noun: ClassVar[str] = "text"
    has_word_vectors: ClassVar[bool] = False
    block_rows: ClassVar[int] = 1024
    may_differ: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def accepts(cls, data: Any, reading: Mapping[str, Any]) -> bool:
        """Return whether data can only be of this input; then it need not be named.

        Args:
            data: as for `read`.
            reading: the user's settings of the section `data`.
        """
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
        """Return the user's settings in the form of the sections; `rows` as in `defaults`."""
        return given

    @classmethod
    def read(
        cls, data: Any, recipe: Recipe, read_labels: ReadLabels | None, report: Report
    ) -> Table:
        """Read rows and report what was read, inferred and skipped.

        Args:
            data: a path, several paths, or values of Python.
            recipe: settings; its section `data` has names of columns.
            read_labels: reader of the target column; None if the input reads it.
            report: called with lines for people.

        Raises:
            DataError: a row cannot be used.
        """
        raise NotImplementedError

    @classmethod
    def read_training(
        cls,
        data: Any,
        recipe: Recipe,
        read_labels: ReadLabels | None,
        report: Report,
        workspace: Workspace,
    ) -> Table:
        """Read the rows to train on, as `read`.

        Args:
            data: as for `read`.
            recipe: as for `read`.
            read_labels: as for `read`.
            report: as for `read`.
            workspace: place for files that are needed until the model is saved.
        """
        return cls.read(data, recipe, read_labels, report)

    @classmethod
    def read_validation(
        cls,
        data: Any,
        recipe: Recipe,
        read_labels: ReadLabels | None,
        report: Report,
        workspace: Workspace,
    ) -> Table:
        """Read the rows to validate on, as `read_training`."""
        return cls.read(data, recipe, read_labels, report)

    @classmethod
    def hold_out(cls, rows: Table, recipe: Recipe) -> dict[str, Table]:
        """Split rows into a training part and a validation part, `train` and `valid`."""
        share, stratify = recipe.section("data").validation_split, recipe.task_class.stratified
        parts = split(rows, valid=share, seed=recipe.seed, stratify=stratify)
        return {"train": rows.take(parts.train), "valid": rows.take(parts.valid)}

    @classmethod
    def reading_settings(cls, recipe: Recipe, data: Any) -> dict[str, Any]:
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
            size: value that the user typed; None for the default.
            vocabulary: vocabulary size of a text model.

        Raises:
            ConfigError: the size is invalid, or the input has no sizes.
        """
        raise ConfigError(f"{cls.__name__}: shapes are available for texts and images")

    @classmethod
    def check_rows(cls, rows: Table, least: int) -> None:
        """Refuse rows from which nothing can be learned, before they are split.

        Args:
            rows: all rows.
            least: number of parts they will be split into.

        Raises:
            DataError: the rows cannot be used; the file is named.
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
        """Input size of an architecture: vocabulary size, or shape of an image."""
        raise NotImplementedError

    def encode(self, rows: Table) -> Encoded:
        """Encode rows for evaluation."""
        raise NotImplementedError

    def encode_values(self, values: Any) -> Encoded:
        """Encode values from Python; a single value counts as a list of one.

        Raises:
            DataError: a value cannot be used; its index is named.
        """
        raise NotImplementedError

    def encode_parts(self, parts: Mapping[str, Table]) -> dict[str, tuple[Encoded, Table]]:
        """Encode the training part and the validation part.

        Returns:
            By part, the encoded rows and the table of those rows.
        """
        return {name: (self.encode(part), part) for name, part in parts.items()}

    def usable(self, values: Sequence[Any]) -> tuple[list[int], Mapping[str, int]]:
        """Return the indices of values that can be used, and counts of the others by reason."""
        return list(range(len(values))), {}

    @property
    def trained_column(self) -> str | None:
        """Name of the column of the training data that held the values, if any."""
        return None

    def wanted_columns(self, named: Mapping[str, str | None]) -> Wanted:
        """Return the columns to look for in a file to predict.

        Args:
            named: the user's names by setting, such as `text_column`; None = not named.

        Raises:
            ConfigError: a name for a column that a row does not have.
        """
        return wanted_text(named, self.trained_column)

    @classmethod
    def group_values(cls, texts: Sequence[str]) -> Sequence[Any]:
        """Return the rows that texts on the command line stand for: one each.

        Raises:
            ConfigError: the last row is incomplete.
        """
        return texts

    @classmethod
    def wrap_network(cls, body: nn.Module, recipe: Recipe) -> nn.Module:
        """Return the architecture as it reads the batches of this input: as it is."""
        return body

    def prepare_network(
        self, network: nn.Module, encoded: Mapping[str, Encoded], train: Dataset, solve: Any
    ) -> None:
        """Prepare parts of a fresh network on the training part, such as tables of n-grams.

        Args:
            network: network with initial weights.
            encoded: the training part and the validation part.
            train: the training part with its targets.
            solve: the task's linear model, see `munjang.tasks.logits.LogitsTask.solve`.
        """

    def index_words(self, network: nn.Module) -> None:
        """Compute what a network knows of the vocabulary, which a small folder does not hold."""

    def fingerprint(self, encoded: Mapping[str, Encoded]) -> Mapping[str, Iterable[Any]]:
        """Return arrays or JSON values by name, by which a checkpoint recognizes the data."""
        return {}

    def facts(self, parts: Mapping[str, Table], encoded: Mapping[str, Encoded]) -> dict[str, Any]:
        """Return the facts of this input for `metrics.json`."""
        return {}

    def fact_lines(self, facts: Mapping[str, Any]) -> list[str]:
        """Return the facts as lines for people."""
        rows = pluralize(facts["rows"], self.row)
        return [f"{rows} to train on, {facts['valid_rows']:,} to validate on"]

    @property
    def made_of(self) -> str:
        """Description of the input in the model card, after the name of the architecture."""
        return ""

    @property
    def ensemble(self) -> str:
        """Description of an ensemble in the model card; "" for a single network."""
        return ""

    @property
    def limits(self) -> str:
        """Limits of this input in the model card."""
        return ""


@runtime_checkable
class FitsFrom(Protocol):
    """An input that can take what another input was fitted with, such as its tokenizer."""

    @classmethod
    def settings_from(cls, other: Input) -> dict[str, Any]:
        """Return the settings that follow from another input, nested as in `config.yaml`.

        Raises:
            ConfigError: the other input is of another kind.
        """

    @classmethod
    def fit_from(cls, train: Table, recipe: Recipe, other: Input) -> Input:
        """Return the input with what `other` was fitted with; `train` is the training part."""
