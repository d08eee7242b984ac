"""The base class of baselines: what they answer to, and how they are saved."""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save_file

from munjang import __version__
from munjang.displayed import Displayed
from munjang.folder.lock import hold_lock
from munjang.folder.manifest import write_atomically, write_manifest, write_whole
from munjang.folder.replacement import replace_model
from munjang.folder.sealed import SealedFolder
from munjang.folder.weights import compare_header, longest_side, read_arrays, read_header
from munjang.registry import TASKS
from munjang.reporting import pluralize

if TYPE_CHECKING:
    from munjang.data.readers.stream_records import Wanted
    from munjang.data.table import Table
    from munjang.folder.weights import Entry
    from munjang.reporting import Report
    from munjang.tasks.task import TaskScores

CONFIG, TERMS, WEIGHTS, CARD = "baseline.json", "terms.json", "model.safetensors", "README.md"

Arrays = Mapping[str, npt.NDArray[Any]]
Strings = Mapping[str, tuple[str, ...]]


class AnyText:
    """The values that a baseline answers, as `munjang.inputs.input.Input` tells them."""

    def wanted_columns(self, named: Mapping[str, str | None]) -> "Wanted":
        """Return the column to look for in a file to predict."""
        from munjang.data.readers.stream_records import wanted_text

        return wanted_text(named, None)

    def group_values(self, texts: Sequence[str]) -> Sequence[Any]:
        """Return the rows that texts on the command line stand for: one each."""
        return texts

    def usable(self, values: Sequence[Any]) -> tuple[list[int], Mapping[str, int]]:
        """Return the places of the values that can be answered: all."""
        return list(range(len(values))), {}


class Baseline(Displayed, ABC):
    """A fitted baseline: lists of strings, plain arrays, and a few settings.

    It answers as a trained model does, and its folder is sealed and loaded as one.

    Attributes:
        kind: distinguishes the subclasses in `baseline.json`.
        input_name: name of the input that it reads.
        string_files: the file of each list of strings, with the name of its attribute.
        array_names: the attributes that are saved as arrays.
        summaries: a line about each baseline of this kind, by name.
        name: a key of `summaries`.
        task_name: name of the task that it answers.
    """

    kind: ClassVar[str]
    input_name: ClassVar[str] = "text"
    string_files: ClassVar[Mapping[str, str]]
    array_names: ClassVar[tuple[str, ...]]
    summaries: ClassVar[Mapping[str, str]]
    drawings: ClassVar[str] = "munjang.report.models:BASELINE"
    name: str
    task_name: str

    def summary(self) -> str:
        """Return name, task and size."""
        numbers = pluralize(self.parameters, "parameter")
        return f"{self.name}, {self.task_name} on {self.input_name}, {numbers}"

    @property
    @abstractmethod
    def parameters(self) -> int:
        """Number of fitted numbers."""

    @abstractmethod
    def predict(self, texts: str | Iterable[str]) -> list[Any]:
        """Return an answer per text; one string counts as a list of one.

        Raises:
            DataError: a text is None or not a string; its row is named.
        """

    @abstractmethod
    def score(self, table: "Table") -> "TaskScores":
        """Return the scores of the answers to the rows of a table with targets."""

    @abstractmethod
    def config(self) -> dict[str, Any]:
        """Return the values of `baseline.json`, besides the kind."""

    @classmethod
    @abstractmethod
    def read_config(cls, path: Path, config: dict[str, Any]) -> dict[str, Any]:
        """Check the values of `baseline.json`, and return them as arguments of the class.

        Raises:
            FolderError: a value is missing, unknown or of another type.
        """

    @classmethod
    @abstractmethod
    def expected_arrays(
        cls, config: Mapping[str, Any], strings: Strings, header: "Mapping[str, Entry]"
    ) -> dict[str, Any]:
        """Return dtype and shape of each array."""

    @classmethod
    def most_strings(cls, header: "Mapping[str, Entry]") -> int:
        """Return the length of the longest array, which no list of strings exceeds."""
        return longest_side(header)

    @classmethod
    @abstractmethod
    def check_strings(cls, folder: Path, config: Mapping[str, Any], strings: Strings) -> None:
        """Refuse lists of strings that do not belong to this baseline.

        Raises:
            FolderError: naming the file.
        """

    @classmethod
    def check_arrays(cls, path: Path, strings: Strings, arrays: Arrays) -> None:
        """Refuse values of arrays that lead out of other arrays; most have none.

        Raises:
            FolderError: naming the array.
        """
        return

    @property
    def input(self) -> "AnyText":
        """Values that it can answer: any text."""
        return AnyText()

    def evaluate(
        self, data: Any, reading: "Mapping[str, Any] | None" = None, report: "Report | None" = None
    ) -> "TaskScores":
        """Return the scores of the answers to data, as `munjang.model.Model.evaluate` does.

        Args:
            data: as for a training.
            reading: settings of the section `data`; no column is known of the training.
            report: takes lines for people.

        Raises:
            DataError: a row cannot be used, or its label was never seen in training.
        """
        from munjang.recipe import check_given
        from munjang.reporting import discard, pluralize, stage

        recipe = check_given(
            {"input": self.input_name, "task": self.task_name, "data": dict(reading or {})}
        )
        table = recipe.input_class.read(
            data, recipe, recipe.task_class.reader(recipe), report or discard
        )
        with stage(f"scoring {pluralize(len(table), 'answer')}"):
            return self.score(table)

    def card(self) -> str:
        """Return the text of the model card."""
        classes, example = self._card_of_classes(), TASKS.require(self.task_name).example
        example = example or '"a text"'
        return f"""# A baseline made with munjang {__version__}

`{self.name}`: {self.summaries[self.name]}. {self.parameters:,} numbers.
{classes}
    import munjang
    munjang.load("path/to/this/folder").predict([{example}])

or `munjang predict path/to/this/folder {example}`.
"""

    def _card_of_classes(self) -> str:
        return ""

    @classmethod
    def files(cls) -> tuple[str, ...]:
        """Return the names of the files in its folder."""
        return (CONFIG, *cls.string_files, WEIGHTS, CARD)

    def save(self, folder: str | Path) -> Path:
        """Write the baseline into a folder, sealed with checksums, without pickle.

        An earlier model in the folder stays until this one is complete.

        Raises:
            FolderError: another process writes there.
        """
        values = {CONFIG: {"kind": self.kind, **self.config()}}
        values |= {file: getattr(self, name) for file, name in self.string_files.items()}
        arrays = {name: getattr(self, name) for name in self.array_names}
        return write_baseline(Path(folder), values, arrays, self.card())

    @classmethod
    def read(cls, sealed: SealedFolder, config: dict[str, Any]) -> Self:
        """Return the baseline in an opened folder.

        Args:
            sealed: the folder; its manifest was read.
            config: the values of `baseline.json`, besides the kind.

        Raises:
            FolderError: a file is missing, altered, or does not fit the others.
        """
        sealed.expect(cls.files())
        arguments = cls.read_config(sealed.path / CONFIG, config)
        with sealed.open(WEIGHTS) as file:
            header = read_header(file)
            longest = cls.most_strings(header)
            strings = {
                name: sealed.read_strings(text_file, longest, unique=text_file == TERMS)
                for text_file, name in cls.string_files.items()
            }
            cls.check_strings(sealed.path, arguments, strings)
            compare_header(file.path, header, cls.expected_arrays(arguments, strings, header))
            arrays: dict[str, Any] = read_arrays(file, header)
            cls.check_arrays(file.path, strings, arrays)
        sealed.check(CARD)
        return cls(**arguments, **strings, **arrays)


def write_baseline(folder: Path, values: Mapping[str, Any], arrays: Arrays, card: str) -> Path:
    """Write the files of a baseline into a folder, sealed with checksums.

    Args:
        folder: made if it does not exist; an earlier model in it stays until this one is complete.
        values: of each JSON file.
        arrays: of the weights.
        card: text of the model card.

    Raises:
        FolderError: another process writes there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with hold_lock(folder), replace_model(folder) as place:
        for file, value in values.items():
            write_atomically(place / file, json.dumps(value, ensure_ascii=False) + "\n")
        with write_whole(place / WEIGHTS) as partial:
            save_file({n: np.ascontiguousarray(array) for n, array in arrays.items()}, partial)
        write_atomically(place / CARD, card)
        write_manifest(place, (*values, WEIGHTS, CARD), __version__)
    return folder
