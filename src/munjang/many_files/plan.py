"""Request for many files, and the manifest that keeps it in the folder of the answers."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from munjang import __version__
from munjang.config import shown
from munjang.errors import ConfigError, FolderError
from munjang.folder.manifest import write_atomically
from munjang.json_files import read_object
from munjang.many_files.inputs import InputFile
from munjang.many_files.layout import MANIFEST, check_names, file_folder

FORMAT = 1
_WHAT, _CURE = "manifest of answers", "--overwrite begins anew"


@dataclass(frozen=True)
class Plan:
    """Everything that the answers follow from.

    Attributes:
        work: name of the kind of work, of `munjang.many_files.works`.
        model: fingerprint of the model.
        folder: absolute path of the model folder.
        options: options of the work.
        rows_per_part: number of rows of a file per part.
        inputs: the files.
    """

    work: str
    model: str
    folder: str
    options: Mapping[str, Any]
    rows_per_part: int
    inputs: tuple[InputFile, ...]

    @property
    def suffix(self) -> str:
        """Suffix of the parts."""
        return f".{self.options['format']}"

    @property
    def skips(self) -> bool:
        """True if bad rows are skipped."""
        return bool(self.options["skip_bad_rows"])

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Return the plan of JSON values that `to_json` made.

        Raises:
            TypeError, KeyError: the values are of another form.
        """
        names = ("work", "model", "folder", "options", "rows_per_part")
        inputs = tuple(InputFile(**file) for file in values["inputs"])
        return cls(**{name: values[name] for name in names}, inputs=inputs)

    def check(self) -> None:
        """Refuse what cannot be written.

        Raises:
            ConfigError: a file has a name that is taken.
        """
        check_names(file.name for file in self.inputs)


def round_up(rows: int, block_rows: int) -> int:
    """Return the number of rows per part: as many as asked for, in whole blocks.

    Raises:
        ConfigError: the number is below 1.
    """
    if rows < 1:
        raise ConfigError(f"rows_per_part: expected 1 or more, got {shown(rows)}")
    return -(-rows // block_rows) * block_rows


def write_plan(out: Path, plan: Plan, done: Mapping[str, Any] | None = None) -> None:
    """Write the manifest.

    Args:
        out: folder of the answers.
        plan: what is asked.
        done: summary, once everything is done.
    """
    values = {"format": FORMAT, "munjang": __version__, **plan.to_json()}
    if done is not None:
        values["done"] = dict(done)
    write_atomically(out / MANIFEST, json.dumps(values, ensure_ascii=False, indent=1) + "\n")


def read_plan(out: Path) -> tuple[Plan, dict[str, Any] | None]:
    """Return the plan of a folder of answers, and its summary if everything is done.

    Raises:
        FolderError: the folder holds no answers, or its manifest is damaged or of another version.
    """
    path = out / MANIFEST
    if not path.exists():
        raise FolderError(f"{out}: holds no answers of munjang predict or munjang embed with --out")
    values = read_object(path, _WHAT, _CURE)
    if values.get("format") != FORMAT:
        raise FolderError(
            f"{path}: format {shown(values.get('format'))} of answers, and this munjang reads "
            f"{FORMAT}; use the version that wrote it, or {_CURE}"
        )
    try:
        plan, done = Plan.from_json(values), values.get("done")
        well_formed = _is_well_formed(plan) and isinstance(done, dict | None)
    except (KeyError, TypeError) as error:
        raise FolderError(f"{path}: this is no {_WHAT} ({error}); {_CURE}") from None
    if not well_formed:
        raise FolderError(f"{path}: the {_WHAT} is damaged; {_CURE}")
    for file in plan.inputs:
        file_folder(out, file.name)
    return plan, done


def _is_well_formed(plan: Plan) -> bool:
    texts = (plan.work, plan.model, plan.folder, *(file.path for file in plan.inputs))
    numbers = (plan.rows_per_part, *(file.bytes for file in plan.inputs))
    names = [file.name for file in plan.inputs]
    return (
        all(type(text) is str for text in (*texts, *names))
        and all(type(number) is int for number in numbers)
        and plan.rows_per_part > 0
        and isinstance(plan.options, dict)
        and len(set(names)) == len(names)
    )


def refuse_other(out: Path, before: Plan, now: Plan) -> None:
    """Refuse to resume answers that would not be those of the command.

    A file that was changed may be answered anew once its own answers are deleted. Bad rows may be
    skipped from now on: parts that are done had none.

    Raises:
        FolderError: what differs is named.
    """
    difference = _difference(before, now) or _different_file(out, before.inputs, now.inputs)
    if difference is not None:
        raise FolderError(f"{out}: cannot be resumed: {difference}; or --overwrite begins anew")


def _difference(before: Plan, now: Plan) -> str | None:
    """Return the first difference for a message; None if the answers are the same."""
    if before.work != now.work:
        return f"these are results of munjang {before.work}, not of munjang {now.work}"
    if before.model != now.model:
        return f"the model in {now.folder} is not the one that these answers are of"
    if before.rows_per_part != now.rows_per_part:
        return f"its parts have {before.rows_per_part:,} rows, not {now.rows_per_part:,}"
    for name in dict.fromkeys((*now.options, *before.options)):
        old, new = before.options.get(name), now.options.get(name)
        if old != new and (name, new) != ("skip_bad_rows", True):
            return f"the option {name} was {shown(old)}, and is {shown(new)}; give the same"
    return None


def _different_file(out: Path, before: Sequence[InputFile], now: Sequence[InputFile]) -> str | None:
    old, new = ({file.path: file for file in files} for files in (before, now))
    for path, file in {**old, **new}.items():
        if path not in old:
            return f"{file.shown} is not among the files before; give the same"
        if path not in new:
            return f"{file.shown} is missing among the files; give the same"
        if old[path] != file and (folder := file_folder(out, old[path].name)).exists():
            return f"{file.shown} has changed; delete {folder} to answer this file anew"
    return None if list(old) == list(new) else "the files are in another order; give the same"
