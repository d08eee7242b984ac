"""Recipes: all settings of a run, from column names to the number of epochs.

Its sections come from the registries: those of the input, that of the model, those of the task,
and `training`. `munjang.defaults` holds what suits an architecture and the data.
"""

from collections.abc import Container, Mapping
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self, cast

from pydantic import Field, SerializeAsAny, create_model, model_validator

from munjang.config import DEEPEST, LONGEST_LABEL, Settings, merge, shown
from munjang.data.table import Table
from munjang.defaults.engines import named_engine_defaults
from munjang.defaults.fine_tuning import fine_tuning_defaults
from munjang.errors import ConfigError
from munjang.names import join_names
from munjang.registry import (
    ARCHITECTURES,
    ENGINES,
    INPUTS,
    TASK_ALIASES,
    TASKS,
    ArchitectureRow,
    InputRow,
    TaskRow,
    inputs_of,
    require_architecture,
)
from munjang.renamed_settings import find_renamed
from munjang.tasks.distillation_settings import DistillationSettings
from munjang.training.settings import TrainingSettings

if TYPE_CHECKING:
    from munjang.inputs.input import Input
    from munjang.tasks.task import Task

Label = Annotated[str, Field(max_length=LONGEST_LABEL)]

_FIRST = ("input", "task", "seed", "labels")
_LAST = ("model",)


# The value of `pretrained.vectors` or `pretrained.folder` for what was given from Python.
IN_MEMORY = "(given from Python)"


class PretrainedSettings(Settings):
    """Pretrained initial weights: word vectors, or a model folder."""

    _OF_VECTORS: ClassVar[frozenset[str]] = frozenset({"vectors", "freeze", "skip_bad_lines"})

    vectors: str | None = Field(
        None,
        description="word vectors: word2vec text or binary, fastText .vec or GloVe text, also "
        "gzipped",
    )
    freeze: bool = Field(False, description="keep embeddings found in the file fixed")
    skip_bad_lines: bool = Field(False, description="skip and count lines that cannot be read")

    folder: str | None = Field(
        None, description="model folder to begin from: its encoder, tokenizer and vocabulary"
    )
    frozen_layers: int | None = Field(
        None,
        ge=0,
        le=DEEPEST,
        description="do not train the embedding and this many lowest layers of the folder's "
        "encoder; 0 = the embedding alone",
    )
    allow_partial: bool = Field(
        False, description="begin at random what the folder lacks or has in another shape"
    )

    def to_dict(self) -> dict[str, Any]:
        """Return the settings of what is given; an empty mapping if all weights are random."""
        of_vectors, of_folder = self._OF_VECTORS, type(self).model_fields.keys() - self._OF_VECTORS
        given = (self.vectors, of_vectors), (self.folder, of_folder)
        values = self.model_dump(mode="json")
        return {
            key: value
            for key, value in values.items()
            if any(source is not None and key in keys for source, keys in given)
        }

    @model_validator(mode="after")
    def _check_folder(self) -> Self:
        if self.folder is None:
            for key in ("frozen_layers", "allow_partial"):
                if getattr(self, key) != type(self).model_fields[key].default:
                    raise ValueError(
                        f"{key}: there is no model folder to begin from; give pretrained.folder "
                        "(--from)"
                    )
        elif self.vectors is not None:
            raise ValueError(
                "vectors: a model folder has an embedding of its own; give pretrained.folder "
                "(--from) or pretrained.vectors (--vectors), not both"
            )
        return self

    @model_validator(mode="after")
    def _check_freeze(self) -> Self:
        if self.freeze and self.vectors is None:
            raise ValueError(
                "freeze: there are no vectors to freeze; give pretrained.vectors (--vectors)"
            )
        return self


class Recipe(Settings):
    """All settings of a run, as `config.yaml` holds them.

    Sections of the input and of the task are fields of the subclass that `recipe_class` returns.
    """

    input: str = Field("text", description="how a row is read and encoded")
    task: str = Field("classify", description="what is learned")
    seed: int = Field(0, ge=0, le=2**31 - 1)
    labels: tuple[Label, ...] | None = Field(
        None, description="known classes; those of the data if omitted"
    )
    pretrained: PretrainedSettings = PretrainedSettings()
    distillation: DistillationSettings | None = Field(
        None, description="teachers of a student, which munjang distil trains"
    )
    model: SerializeAsAny[Settings]
    training: TrainingSettings = TrainingSettings()

    @model_validator(mode="before")
    @classmethod
    def _resolve_names(cls, values: Any) -> Any:
        task, kind = named_task(values), named_input(values)
        for other in TASKS.rows:
            if other.name != task.name and values.get(other.name):
                _refuse_renamed(other.name, values[other.name])
                raise ConfigError(f"{other.name}: the task is {task.name}{_own_settings(task)}")
        _refuse_sections_of_others(values, cls.model_fields, kind, task)
        model = values.get("model")
        if isinstance(model, Mapping):
            row = require_architecture(str(model.get("name")), kind.name, task)
            values = {**values, "model": row.config_class().parse(model, where="model")}
        return {**values, "input": kind.name, "task": task.name}

    @model_validator(mode="after")
    def _check_metric(self) -> Self:
        known = self.task_row.metrics
        if self.training.metric not in known:
            either = join_names([f"'{name}'" for name in known], "or")
            raise ConfigError(
                f"training.metric: for {self.task} it should be {either}, got "
                f"'{self.training.metric}'"
            )
        return self

    @model_validator(mode="after")
    def _check_engine(self) -> Self:
        known, name = self.task_row.engines, self.training.engine
        if name not in known:
            either = join_names([f"'{engine}'" for engine in known], "or")
            raise ConfigError(
                f"training.engine: for {self.task} it should be {either}, got '{name[:80]}'"
            )
        if name != known[0]:
            ENGINES.require(name).load().check_recipe(self)
        return self

    @model_validator(mode="after")
    def _check_combination(self) -> Self:
        self.input_class.check_recipe(self)
        self.task_class.check_recipe(self)
        return self

    def section(self, name: str) -> Any:
        """Return the settings of a section of the input or the task."""
        return getattr(self, name)

    def with_section(self, name: str, **values: Any) -> Self:
        """Return a copy with other values in one section, which are not validated again."""
        return self.model_copy(update={name: self.section(name).model_copy(update=values)})

    @property
    def model_name(self) -> str:
        """Name of the architecture."""
        return str(getattr(self.model, "name", ""))

    @property
    def input_row(self) -> InputRow:
        """The row of the input."""
        return INPUTS.require(self.input)

    @property
    def task_row(self) -> TaskRow:
        """The row of the task."""
        return TASKS.require(self.task)

    @property
    def example(self) -> str:
        """A value as it is typed after `munjang predict FOLDER`."""
        return self.task_row.example or self.input_row.example

    @property
    def architecture(self) -> ArchitectureRow:
        """The row of the architecture."""
        return require_architecture(self.model_name, self.input, self.task_row)

    @property
    def input_class(self) -> "type[Input]":
        """The class of the input."""
        return cast("type[Input]", self.input_row.load())

    @property
    def task_class(self) -> "type[Task]":
        """The class of the task."""
        return cast("type[Task]", self.task_row.load())

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, ready for YAML; without pretrained weights, no `pretrained`."""
        values = self.model_dump(mode="json")
        values["pretrained"] = self.pretrained.to_dict()
        if not values["pretrained"]:
            del values["pretrained"]
        if self.distillation is None:
            del values["distillation"]
        if not self.task_class.has_labels:
            del values["labels"]
        own = [name for name in values if name not in Recipe.model_fields]
        order = [*_FIRST, *own, "pretrained", "distillation", *_LAST, "training"]
        return {name: values[name] for name in order if name in values}


def _sections_of(row: InputRow | TaskRow) -> Mapping[str, type[Settings]]:
    return cast(Mapping[str, type[Settings]], row.load().sections)


def _own_settings(task: TaskRow) -> str:
    section = _sections_of(task).get(task.name)
    if section is None or not section.model_fields:
        return ", which has no settings of its own"
    return f", whose settings are {', '.join(f'{task.name}.{key}' for key in section.model_fields)}"


def _refuse_renamed(section: str, values: Any) -> None:
    """Refuse a setting of an old section that has the name of a task now.

    Raises:
        ConfigError: giving its new name.
    """
    found = find_renamed(section, values)
    if found is not None and found[0] != section:
        raise ConfigError("unknown setting '{}': it is named '{}' now".format(*found))


def _refuse_sections_of_others(
    values: Mapping[str, Any], own: Container[str], kind: InputRow, task: TaskRow
) -> None:
    """Refuse a section that another input or task has; it is named.

    Raises:
        ConfigError: naming who has it.
    """
    for name in values:
        if name in own:
            continue
        owners = [f"the input {row.name}" for row in INPUTS.rows if name in _sections_of(row)]
        owners += [f"the task {row.name}" for row in TASKS.rows if name in _sections_of(row)]
        if owners:
            raise ConfigError(
                f"unknown setting '{name}'; it goes with {' or '.join(owners)}, and this is "
                f"{task.name} on the input {kind.name}"
            )


@cache
def recipe_class(input_name: str, task_name: str) -> type[Recipe]:
    """Return the class of recipes for an input and a task, with the sections of both.

    Raises:
        ConfigError: there is no such input or task.
    """
    rows = INPUTS.require(input_name), TASKS.require(task_name)
    sections: dict[str, Any] = {}
    for row in rows:
        for name, kind in _sections_of(row).items():
            sections[name] = (kind, kind())
    return create_model(f"{input_name}_{task_name}_recipe", __base__=Recipe, **sections)


def named_task(values: Mapping[str, Any]) -> TaskRow:
    """Return the task that settings name; classify if they name none.

    Raises:
        ConfigError: there is no such task.
    """
    name = values.get("task") or "classify"
    alias = TASK_ALIASES.get(name) if isinstance(name, str) else None
    return TASKS.require(alias[0] if alias else _name(name, "task"))


def named_input(values: Mapping[str, Any]) -> InputRow:
    """Return the input that settings name: by `input`, by the architecture, or by the task.

    Raises:
        ConfigError: there is no such input, or the task does not work on it.
    """
    task, name = named_task(values), values.get("input")
    alias = TASK_ALIASES.get(values.get("task") or "") if name is None else None
    if alias is not None:
        name = alias[1]
    inputs = inputs_of(task)
    if name is None:
        return _input_of_model(values.get("model"), task, inputs)
    row = INPUTS.require(_name(name, "input"))
    if row not in inputs:
        known = " or ".join(other.name for other in inputs)
        raise ConfigError(f"input: the task {task.name} works on {known}, got '{row.name}'")
    return row


def _input_of_model(model: Any, task: TaskRow, inputs: list[InputRow]) -> InputRow:
    """Return the first input of a task that the named architecture reads."""
    name = model.get("name") if isinstance(model, Mapping) else None
    for row in inputs:
        if any(
            architecture.name == name
            and row.name in architecture.takes
            and task.needs in architecture.gives
            for architecture in ARCHITECTURES.rows
        ):
            return row
    return inputs[0]


def _name(value: object, kind: str) -> str:
    if not isinstance(value, str):
        raise ConfigError(f"{kind}: expected a name, got {shown(value)}")
    return value


def parse_recipe(values: Mapping[str, Any], *, where: str = "config") -> Recipe:
    """Validate nested settings as a recipe.

    Raises:
        ConfigError: an unknown setting, or a value that it cannot take.
    """
    try:
        kind = recipe_class(named_input(values).name, named_task(values).name)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None
    return kind.parse(values, where=where)


def check_given(given: Mapping[str, Any]) -> Recipe:
    """Validate what a user set before any data is read.

    Returns:
        A recipe of those settings, without defaults that depend on the data.

    Raises:
        ConfigError: an unknown setting, or a value that it cannot take.
    """
    named = with_names(given)
    defaults = cast("type[Task]", named_task(named).load()).defaults(named)
    return _build(given, merge(named_engine_defaults(named), defaults), None)


def make_recipe(given: Mapping[str, Any], rows: Table | None = None) -> Recipe:
    """Return the defaults for an architecture on some rows, updated with the user's settings.

    Args:
        given: the user's settings, nested as in `config.yaml`.
        rows: all rows that were read; None for the defaults of unknown data.

    Raises:
        ConfigError: an unknown setting, or a value that it cannot take.
    """
    named = with_names(given)
    task, kind = (row.load() for row in (named_task(named), named_input(named)))
    defaults = merge(kind.defaults(named, rows), task.defaults(named))
    if section_of(named, "pretrained").get("folder") is not None:
        model = merge({"model": section_of(defaults, "model")}, named)
        defaults = merge(defaults, fine_tuning_defaults(model, 0 if rows is None else len(rows)))
    recipe = _build(given, defaults, rows)
    if rows is None:
        return recipe
    return recipe.input_class.complete(recipe, rows)


def _build(given: Mapping[str, Any], defaults: Mapping[str, Any], rows: Table | None) -> Recipe:
    named = with_names(given)
    metric = {"training": {"metric": named_task(named).metrics[0]}}
    settings = named_input(named).load().settle(named, rows)
    defaults = _with_one_size(defaults, section_of(given, "training"))
    return parse_recipe(merge(merge(metric, defaults), settings))


def _with_one_size(defaults: Mapping[str, Any], given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the defaults without a batch size, if the user gives one in the other unit."""
    sizes = ("batch_size", "batch_tokens")
    named = [key for key in sizes if given.get(key) is not None]
    if len(named) != 1:
        return defaults
    return merge(defaults, {"training": {key: None for key in sizes if key not in named}})


def with_names(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings that name input, task and architecture: those given, or the defaults.

    Raises:
        ConfigError: a section is no mapping, or a name is in no registry.
    """
    task, kind = named_task(given), named_input(given)
    model = section_of(given, "model", "dim: 64")
    section_of(given, "training", "epochs: 3")
    names = {"input": kind.name, "task": task.name}
    return {**given, **names, "model": {"name": task.default_model or kind.default_model, **model}}


def section_of(given: Mapping[str, Any], name: str, example: str = "key: value") -> dict[str, Any]:
    """Return a section of nested settings; an empty one if it is omitted.

    Raises:
        ConfigError: the section is no mapping.
    """
    section = given.get(name)
    if section is None:
        return {}
    if not isinstance(section, Mapping):
        raise ConfigError(f"{name}: expected settings such as '{example}', got {shown(section)}")
    return dict(section)
