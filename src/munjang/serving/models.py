"""The models of a server, by name."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from munjang.errors import ConfigError, FolderError
from munjang.serving.backend import Backend, Description
from munjang.serving.kinds import find_folder_kind
from munjang.serving.request_errors import invalid, not_found
from munjang.serving.skills import ANSWERS, Skill

# Estimated tokens of a text of a model without a limit.
_LONGEST = 1024
# Tokens beside those of a text: GO and EOS, [CLS] and [SEP].
_MARKS = 2


@dataclass(frozen=True, eq=False)
class ServedModel:
    """A model and its name. A new version of the model is another object.

    Attributes:
        name: by which requests ask for it.
        folder: its folder.
        backend: the model.
        sha256: hash of the folder's file with the hashes of all others.
    """

    name: str
    folder: Path
    backend: Backend
    sha256: str

    @property
    def description(self) -> Description:
        """Facts about the model."""
        return self.backend.description

    def estimate_tokens(self, value: Any) -> int:
        """Return an estimate of the tokens of a value: a text, or two."""
        if isinstance(value, str):
            return min(len(value), _LONGEST, self.description.most_tokens or _LONGEST) + _MARKS
        return sum(map(self.estimate_tokens, value))

    def to_json(self) -> dict[str, Any]:
        """Return what GET /models tells of the model."""
        facts = self.description
        return {
            "name": self.name,
            "task": facts.task,
            "input": facts.input,
            "architecture": facts.architecture,
            "parameters": facts.parameters,
            "labels": list(facts.labels),
            "skills": [skill.name for skill in facts.skills],
            "sha256": self.sha256,
        }


class ModelStore:
    """All models of a server.

    Args:
        models: the models; the first one that can answers requests that name none.
        threads: threads of a model.
    """

    def __init__(self, models: Sequence[ServedModel], threads: int = 1) -> None:
        self._models = {served.name: served for served in models}
        self._threads = threads

    @property
    def names(self) -> list[str]:
        """Names of all models, the default one first."""
        return list(self._models)

    @property
    def all(self) -> list[ServedModel]:
        """All models, the default one first."""
        return list(self._models.values())

    @property
    def hashes(self) -> dict[str, str]:
        """Hash of each model by name."""
        return {name: served.sha256 for name, served in self._models.items()}

    def find(self, name: str | None, skill: Skill = ANSWERS) -> ServedModel:
        """Return a model by name; None: the first one that has the skill.

        Raises:
            RequestError: there is no such model, or it lacks the skill.
        """
        if name is not None and name not in self._models:
            raise not_found(f"model: expected one of {', '.join(self.names)}, got {name!r}"[:500])
        asked = self.all if name is None else [self._models[name]]
        served = next((each for each in asked if skill in each.description.skills), None)
        if served is None:
            tasks = ", ".join(f"{each.name} ({each.description.task})" for each in asked)
            raise invalid(f"model: expected one {skill.about}; got {tasks}"[:500])
        return served

    def reload(self, name: str) -> bool:
        """Load a model again if its folder has changed, and return whether it had.

        Requests that wait or run keep the model that they began with.

        Raises:
            FolderError: the folder cannot be loaded; the old model stays.
        """
        before = self._models[name]
        if _hash_seal(before.folder) == before.sha256:
            return False
        self._models[name] = open_model(before.folder, name, self._threads)
        return True


def open_models(folders: Sequence[str | Path], threads: int = 1) -> ModelStore:
    """Load the models of some folders; a folder may be given as NAME=FOLDER.

    Args:
        folders: model folders or exported ones.
        threads: threads of a model.

    Raises:
        ConfigError: two models of one name, or a model that cannot be served.
        FolderError: a folder that cannot be loaded.
    """
    models: dict[str, ServedModel] = {}
    for given in folders:
        name, folder = _split_name(str(given))
        if name in models:
            raise ConfigError(
                f"two models have the name {name!r}: {models[name].folder} and {folder}; name "
                "one, as in NAME=FOLDER"
            )
        models[name] = open_model(folder, name, threads)
    return ModelStore(list(models.values()), threads)


def open_model(folder: Path, name: str, threads: int) -> ServedModel:
    """Load a model to serve.

    Raises:
        ConfigError: a model that cannot be served.
        FolderError: a folder that cannot be loaded.
    """
    sha256 = _hash_seal(folder)
    return ServedModel(name, folder, find_folder_kind(folder).open(folder, threads), sha256)


def _split_name(given: str) -> tuple[str, Path]:
    """Return name and folder of FOLDER or NAME=FOLDER."""
    found = re.fullmatch(r"([A-Za-z0-9][A-Za-z0-9._-]{0,99})=(.+)", given)
    if found and not Path(given).exists():
        return found[1], Path(found[2])
    folder = Path(given)
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", folder.resolve().name)[:100].strip("-.")
    return name or "model", folder


def _hash_seal(folder: Path) -> str:
    seal = find_folder_kind(folder).seal(folder)
    try:
        return hashlib.sha256(seal.read_bytes()).hexdigest()
    except OSError as error:
        raise FolderError(f"{seal}: cannot be read: {error.strerror}") from None
