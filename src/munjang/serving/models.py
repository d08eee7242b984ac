"""The models of a server, by name."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from munjang.errors import ConfigError, FolderError
from munjang.serving.backend import Backend, Description
from munjang.serving.kinds import FolderKind, find_folder_kind, is_model
from munjang.serving.limits import Limits
from munjang.serving.request_errors import RequestError, invalid, not_found
from munjang.serving.runs.folder import RunsFolder, kind_of
from munjang.serving.skills import ANSWERS, Skill

# Estimated tokens of a text of a model without a limit.
_LONGEST = 1024
# Most entries of a folder among which a subfolder is looked for.
_MOST_ENTRIES = 10_000
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
        runs: a folder of runs, whose finished models are served as well.
        most_runs: most models of that folder.
    """

    def __init__(
        self,
        models: Sequence[ServedModel],
        threads: int = 1,
        runs: RunsFolder | None = None,
        most_runs: int = Limits().models,
    ) -> None:
        self.runs = runs
        self.refusals: dict[str, str] = {}  # why a finished model of a run is not served
        self._models = {served.name: served for served in models}
        self._threads = threads
        self._most = len(models) + most_runs

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
        if not self._models:
            raise not_found("no model is served yet; see /runs")
        if name is not None and name not in self._models:
            raise not_found(f"model: expected one of {', '.join(self.names)}, got {name!r}"[:500])
        asked = self.all if name is None else [self._models[name]]
        served = next((each for each in asked if skill in each.description.skills), None)
        if served is None:
            tasks = ", ".join(f"{each.name} ({each.description.task})" for each in asked)
            raise invalid(f"model: expected one {skill.about}; got {tasks}"[:500])
        return served

    def serves(self, name: str) -> bool:
        """Return whether the model of a run is served by the name of the run."""
        served = self._models.get(name)
        return (
            served is not None and self.runs is not None and self.runs.is_run(name, served.folder)
        )

    def reload(self, name: str) -> bool:
        """Load a model if it is new or its folder has changed, and return whether it was loaded.

        Requests that wait or run keep the model that they began with.

        Raises:
            RequestError: there is no such model.
            FolderError: the folder cannot be loaded; the old model stays.
            ConfigError: the model cannot be served.
        """
        before = self._models.get(name)
        if before is None:
            self._add(name)
            return True
        if _hash_seal(before.folder, _find_kind(before.folder)) == before.sha256:
            return False
        self._models[name] = open_model(before.folder, name, self._threads)
        return True

    def _add(self, name: str) -> None:
        """Load the finished model of a run."""
        folder = None if self.runs is None else self.runs.model_folder(name)
        if folder is None:
            self.find(name)
            raise not_found(f"no model {name[:100]!r}")
        try:
            if len(self._models) >= self._most:
                raise ConfigError(
                    "as many models as limits.models allows are served already; restart with "
                    "--set limits.models=N"
                )
            self._models[name] = open_model(folder, name, self._threads)
        except (ConfigError, FolderError) as error:
            self.refusals[name] = str(error)
            raise
        self.refusals.pop(name, None)

    def reload_all(self) -> list[tuple[str, str]]:
        """Load all models that are new or have changed; return those that cannot be, and why."""
        new = [] if self.runs is None else self.runs.model_names()
        problems = []
        for name in dict.fromkeys((*self._models, *new)):
            try:
                self.reload(name)
            except (ConfigError, FolderError) as error:
                problems.append((name, str(error)))
            except RequestError as error:  # the folder is gone
                problems.append((name, error.message))
        return problems


def open_models(
    folders: Sequence[str | Path], threads: int = 1, most_runs: int = Limits().models
) -> ModelStore:
    """Load the models of some folders.

    Args:
        folders: model folders or exported ones, each as FOLDER or NAME=FOLDER; one of them may be a
            folder of runs, whose models are loaded as far as they can be served.
        threads: threads of a model.
        most_runs: most models of that folder.

    Raises:
        ConfigError: two models of one name, a model that cannot be served, or two folders of runs.
        FolderError: a folder that cannot be loaded.
    """
    models: dict[str, ServedModel] = {}
    runs: RunsFolder | None = None
    for given in folders:
        name, folder = _split_name(str(given))
        if _holds_runs(folder):
            if runs is not None:
                raise ConfigError(
                    f"expected one folder of runs, got two: {runs.path} and {folder}; start a "
                    "server for each"
                )
            runs = RunsFolder(folder)
            continue
        if name in models:
            raise ConfigError(
                f"two models have the name {name!r}: {models[name].folder} and {folder}; name "
                "one, as in NAME=FOLDER"
            )
        models[name] = open_model(folder, name, threads)
    store = ModelStore(list(models.values()), threads, runs, most_runs)
    if runs is not None:
        store.reload_all()
    return store


def _holds_runs(folder: Path) -> bool:
    """Return whether a folder can only be one of runs: no model and no run, and it has subfolders.

    An empty one counts too: its runs are yet to come.
    """
    if not folder.is_dir() or is_model(folder) or kind_of(folder) is not None:
        return False
    try:
        are_folders = [path.is_dir() for path in islice(folder.iterdir(), _MOST_ENTRIES)]
    except OSError:
        return False
    return any(are_folders) or not are_folders


def open_model(folder: Path, name: str, threads: int) -> ServedModel:
    """Load a model to serve.

    Raises:
        ConfigError: a model that cannot be served.
        FolderError: a folder that cannot be loaded.
    """
    kind = _find_kind(folder)
    sha256 = _hash_seal(folder, kind)
    return ServedModel(name, folder, kind.open(folder, threads), sha256)


def _find_kind(folder: Path) -> FolderKind:
    """Return the kind of a folder.

    Raises:
        FolderError: it is of none; of a run without a model the folder to serve is named.
    """
    try:
        return find_folder_kind(folder)
    except FolderError as error:
        if not folder.is_dir() or kind_of(folder) is None:
            raise
        hint = f"to watch this run, serve the folder that it is in: {folder.parent}"
        raise FolderError(f"{error}; {hint}") from None


def _split_name(given: str) -> tuple[str, Path]:
    """Return name and folder of FOLDER or NAME=FOLDER."""
    found = re.fullmatch(r"([A-Za-z0-9][A-Za-z0-9._-]{0,99})=(.+)", given)
    if found and not Path(given).exists():
        return found[1], Path(found[2])
    folder = Path(given)
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", folder.resolve().name)[:100].strip("-.")
    return name or "model", folder


def _hash_seal(folder: Path, kind: FolderKind) -> str:
    seal = kind.seal(folder)
    try:
        return hashlib.sha256(seal.read_bytes()).hexdigest()
    except OSError as error:
        raise FolderError(f"{seal}: cannot be read: {error.strerror}") from None
