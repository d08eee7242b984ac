"""Folders of `munjang export onnx`, which onnxruntime runs without PyTorch."""

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from munjang.decoding.settings import DecodingSettings
from munjang.errors import ConfigError, DataError, FolderError
from munjang.json_files import read_object
from munjang.runners.classes import find_classes, import_classes
from munjang.serving.backend import Answer, Description
from munjang.serving.exported_texts import WRITERS, ExportedTexts
from munjang.serving.skills import (
    ANSWERS,
    CLASSIFIES,
    CONTINUES,
    EMBEDS,
    RANKS_TOKENS,
    TRANSLATES,
    Skill,
)

SETTINGS = "munjang.json"
_CURE = "export the model again"
# Values of the settings that a server reads whatever the task is.
_NEEDED = ("reads", "model", "parameters", "graphs", "sha256")
Values = dict[str, Any]


@dataclass(frozen=True)
class ExportedAnswer:
    """The answer to one row.

    Attributes:
        values: plain JSON values, as those of `munjang predict --json`.
        text: the answer alone.
    """

    values: Values
    text: str

    @property
    def probabilities(self) -> Mapping[str, float] | None:
        """Probability of every label; None without labels."""
        return self.values.get("probabilities")

    @property
    def label(self) -> str | None:
        """The label; None for answers without one."""
        return self.values.get("label")

    @property
    def labels(self) -> Sequence[str]:
        """The labels; empty for answers without them."""
        labels: Sequence[str] = self.values.get("labels", ())
        return labels

    @property
    def truncated(self) -> bool:
        """True if the text was longer than the model reads and its end was ignored."""
        return bool(self.values["truncated"])

    def lines(self, row: int, text: str) -> list[list[str]]:
        """Return the answer alone."""
        return [[self.text]]

    def to_json(self) -> Values:
        """Return plain JSON values."""
        return self.values


@dataclass(frozen=True)
class _Task:
    """A task.

    Attributes:
        skills: skills of its models.
        show: card and values of an answer to the answer alone.
    """

    skills: Collection[Skill] = ()
    show: Callable[[Values, Values], str] = lambda card, values: ""


_TASKS: Mapping[str, _Task] = {
    "classify": _Task((CLASSIFIES,), lambda card, values: str(values["label"])),
    "multilabel": _Task(
        (CLASSIFIES,), lambda card, values: str(card["separator"]).join(values["labels"])
    ),
    "regress": _Task((), lambda card, values: f"{values['value']:.4f}"),
    "similarity": _Task((), lambda card, values: f"{values.get('value', values['cosine']):.4f}"),
    "masked_lm": _Task((RANKS_TOKENS,)),
    "language": _Task((RANKS_TOKENS, CONTINUES)),
    "translate": _Task((TRANSLATES,), lambda card, values: str(values["answer"])),
}


class ExportedModel:
    """A model of an exported folder.

    Args:
        runner: the model, a `munjang.runners.onnx.model.Model`.
        decoding: other settings of decoding than the model's, all of them; None: none.
    """

    def __init__(self, runner: Any, decoding: Values | None = None) -> None:
        self._runner = runner
        self._card: Values = runner.card
        self._task = _TASKS[self._card["task"]]
        self._decoding = decoding

    @cached_property
    def description(self) -> Description:
        """Facts about the model."""
        card = self._card
        embeds = (EMBEDS,) if card.get("poolings") else ()
        return Description(
            task=card["task"],
            input=card["reads"],
            architecture=card["model"],
            parameters=card["parameters"],
            labels=card.get("labels", ()),
            reads_pairs=card["input"]["kind"] == "two_texts",
            most_tokens=card["input"].get("max_length"),
            skills=(ANSWERS, *embeds, *self._task.skills),
        )

    def predict(
        self,
        values: Sequence[Any],
        *,
        abstain: float | None = None,
        alignment: bool = False,
        seed: int = 0,
    ) -> Sequence[Answer]:
        """Return an answer per value.

        Raises:
            DataError: a value cannot be used.
            ConfigError: an exported model does not have the option.
        """
        if abstain is not None or alignment:
            name = "alignment" if alignment else "abstain"
            raise ConfigError(f"{name}: an exported model has none; ask its model folder")
        options = {} if self._decoding is None else {"decoding": self._decoding}
        try:
            answers = self._runner.predict(values, seed=seed, **options)
        except ValueError as error:
            raise DataError(str(error)) from None
        return [ExportedAnswer(each, self._task.show(self._card, each)) for each in answers]

    def embed(self, values: Sequence[str], **options: Any) -> Any:
        """Return a vector per text.

        Raises:
            DataError: a value cannot be used, or the graph has no such vectors.
        """
        try:
            return self._runner.embed(values, **options)
        except ValueError as error:
            raise DataError(str(error)) from None

    def with_decoding(self, changes: Mapping[str, Any]) -> "ExportedModel":
        """Return the model with other settings of decoding.

        Raises:
            ConfigError: a setting is invalid.
        """
        settings = DecodingSettings.parse({**self._card["decoding"], **changes}, where="decoding")
        return ExportedModel(self._runner, settings.model_dump(mode="json"))

    def open_texts(self) -> ExportedTexts:
        """Return an empty collection of texts that are written together."""
        begin = WRITERS[self._card["task"]]
        return ExportedTexts(self._runner, begin, self._decoding or self._card["decoding"])


def open_exported(folder: Path, threads: int) -> ExportedModel:
    """Open the model of an exported folder.

    Args:
        folder: the folder.
        threads: threads of onnxruntime.

    Raises:
        ModuleNotFoundError: a package is missing.
        FolderError: the folder is damaged, or of another format.
    """
    card = _read_settings(folder)
    for name, digest in card["sha256"].items():
        _check_file(folder / Path(name).name, digest)
    import_classes(find_classes(card))
    from munjang.runners.onnx.model import load

    try:
        return ExportedModel(load(folder, threads=threads))
    except Exception as error:  # of onnxruntime and tokenizers, which have many kinds
        reason = " ".join(str(error).split())[:300]
        raise FolderError(f"{folder}: cannot be opened ({reason}); {_CURE}") from None


def _read_settings(folder: Path) -> Values:
    """Return the content of `munjang.json`."""
    card = read_object(folder / SETTINGS, "settings of an exported model", _CURE)
    try:
        find_classes(card)
        is_whole = all(card[name] for name in _NEEDED)
        unsealed = set(card["graphs"].values()) - card["sha256"].keys()
    except (LookupError, TypeError, AttributeError):
        is_whole = False
    if not is_whole:
        raise FolderError(
            f"{folder}: expected a folder of munjang export onnx of this version; {_CURE}"
        )
    if unsealed:
        raise FolderError(f"{folder / SETTINGS}: {min(unsealed)!r:.80} has no hash; {_CURE}")
    return card


def _check_file(path: Path, digest: str) -> None:
    if not path.is_file():
        raise FolderError(f"{path}: this file is missing, or no ordinary one; {_CURE}")
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise FolderError(f"{path}: cannot be read: {error.strerror}; {_CURE}") from None
    if found != digest:
        raise FolderError(
            f"{path}: this file is not the one that was exported (its checksum differs); {_CURE}"
        )
