"""The three registries: every row loads, names are told apart, entry points add rows."""

import sys
from importlib.metadata import EntryPoint

import pytest

from munjang.config import Settings
from munjang.errors import ConfigError
from munjang.recipe import (
    check_given,
    make_recipe,
    named_input,
    named_task,
    parse_recipe,
    recipe_class,
)
from munjang.registry import (
    ARCHITECTURES,
    INPUTS,
    TASKS,
    ArchitectureRow,
    InputRow,
    Registry,
    TaskRow,
    find_architectures,
    import_place,
    inputs_of,
    require_architecture,
)
from munjang.tasks.metric_table import METRICS

PAIRS = [(kind.name, task.name) for task in TASKS.rows for kind in inputs_of(task)]


@pytest.mark.parametrize("row", [*INPUTS.rows, *TASKS.rows], ids=lambda row: row.name)
def test_registry_rows_name_classes_with_settings(row):
    sections = row.load().sections
    assert sections
    assert all(issubclass(kind, Settings) for kind in sections.values())
    assert row.summary


@pytest.mark.parametrize("row", TASKS.rows, ids=lambda row: row.name)
def test_first_section_of_task_has_its_name(row):
    assert next(iter(row.load().sections)) == row.name


@pytest.mark.parametrize("row", TASKS.rows, ids=lambda row: row.name)
def test_task_metrics_may_select_a_checkpoint(row):
    assert all(METRICS[name].can_select for name in row.metrics)


@pytest.mark.parametrize("row", ARCHITECTURES.rows, ids=lambda row: f"{row.name}-{row.takes[0]}")
def test_architectures_name_themselves_in_their_settings(row):
    assert row.config_class()().name == row.name
    assert row.load().__module__ == row.place.partition(":")[0]
    assert all(INPUTS.find(name) for name in row.takes)


@pytest.mark.parametrize(("kind", "task"), PAIRS)
def test_every_input_of_a_task_has_default_model(kind, task):
    row = TASKS.require(task)
    default = row.default_model or INPUTS.require(kind).default_model
    assert default in [one.name for one in find_architectures(kind, row.needs)]
    recipe = check_given({"input": kind, "task": task})
    assert (recipe.input, recipe.task, recipe.model_name) == (kind, task, default)
    assert type(recipe) is recipe_class(kind, task)


@pytest.mark.parametrize(
    ("registry", "wrong", "right"),
    [
        (INPUTS, "imge", "image"),
        (TASKS, "clasify", "classify"),
        (ARCHITECTURES, "transfomer", "transformer"),
    ],
)
def test_unknown_name_suggests_nearest_and_lists_all(registry, wrong, right):
    with pytest.raises(ConfigError) as error:
        registry.require(wrong)
    assert f"did you mean '{right}'?" in str(error.value)
    assert all(name in str(error.value) for name in registry.names)


@pytest.mark.parametrize(
    ("model", "kind", "task", "message"),
    [
        ("image_cnn", "text", "classify", "reads the input image"),
        ("lstm", "image", "classify", "takes image_cnn"),
        ("seq2seq", "text", "regress", "goes with --task translate"),
        ("transformer", "image", "classify", "--task classify .*or translate; "),
        ("mean", "parallel", "translate", "takes seq2seq, attentive, transformer"),
    ],
)
def test_architecture_of_another_input_is_refused_with_alternatives(model, kind, task, message):
    with pytest.raises(ConfigError, match=message):
        require_architecture(model, kind, TASKS.require(task))


@pytest.mark.parametrize(
    ("settings", "kind", "task"),
    [
        ({}, "text", "classify"),
        ({"task": "translate"}, "parallel", "translate"),
        ({"task": "images"}, "image", "classify"),
        ({"input": "image"}, "image", "classify"),
        ({"model": {"name": "image_cnn"}}, "image", "classify"),
        ({"task": "translate", "model": {"name": "transformer"}}, "parallel", "translate"),
        ({"model": {"name": "transformer"}}, "text", "classify"),
    ],
)
def test_input_and_task_are_inferred_from_names(settings, kind, task):
    assert (named_input(settings).name, named_task(settings).name) == (kind, task)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"task": "regress", "input": "image"},
            "the task regress works on text or two_texts, got 'image'",
        ),
        ({"task": ["classify"]}, "task: expected a name"),
        ({"input": 3}, "input: expected a name"),
        ({"model": "cnn"}, "model: expected settings such as"),
        ({"classify": {"loss": "focal"}, "task": "regress"}, "classify: the task is regress"),
        ({"task": "translate", "labels": ["a", "b"]}, "labels: the task translate has no labels"),
        ({"training": {"metric": "mae"}}, "for classify it should be"),
        (
            {"tokenizer": {"name": "words"}, "input": "image"},
            "unknown setting 'tokenizer'; it goes with the input text or the input two_texts or "
            "the input lines or the input stream or the input parallel, and this is classify "
            "on the input image",
        ),
        (
            {"decoding": {"beam": 3}},
            "unknown setting 'decoding'; it goes with the task language or",
        ),
    ],
)
def test_incompatible_settings_are_refused_in_one_line(settings, message):
    with pytest.raises(ConfigError) as error:
        check_given(settings)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("kind", "task"), PAIRS)
def test_recipe_has_settings_and_metric_of_its_task(kind, task):
    row = TASKS.require(task)
    own = row.load().sections
    recipe = make_recipe({"input": kind, "task": task})
    best = "log_loss" if kind == "image" else row.metrics[0]
    assert recipe.training.metric == best
    assert recipe.section(task) == own[task]()
    assert recipe_class(kind, task).model_fields[task].annotation is own[task]
    assert set(recipe.to_dict()) & set(TASKS.names) == {task}
    assert parse_recipe(recipe.to_dict()) == recipe


def test_image_recipe_takes_image_size():
    recipe = make_recipe({"input": "image", "image": {"size": "7x9", "mode": "gray"}})
    assert recipe.input_class(recipe).size == (1, 7, 9)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"classify": {"loss": "mse"}},
            "classify.loss: mean_squared_error does not fit the task classify, which takes auto, "
            "binary_crossentropy, categorical_crossentropy, sparse_categorical_crossentropy, focal",
        ),
        (
            {"task": "regress", "regress": {"loss": "focal"}},
            "regress.loss: focal does not fit the task regress, which takes mean_squared_error, "
            "mean_absolute_error, huber, log_cosh, poisson",
        ),
        ({"task": "regress", "regress": {"loss": "hubr"}}, "did you mean 'huber'?"),
        ({"task": "regress", "regress": {"loss": 3}}, "regress.loss: input should be"),
        (
            {"task": "regress", "classify": {"loss": "focal"}},
            "classify: the task is regress, whose settings are regress.loss",
        ),
        ({"regress": {"loss": "mse"}}, "regress: the task is classify"),
        (
            {"task": "regress", "training": {"metric": "accuracy"}},
            "training.metric: for regress it should be 'mae', 'rmse', 'spearman' or 'r2', got",
        ),
    ],
)
def test_incompatible_parts_are_refused_with_alternatives(
    settings: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        make_recipe({"model": {"name": "cnn"}, **settings})
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_short_loss_names_are_those_of_keras() -> None:
    recipe = make_recipe({"task": "regress", "regress": {"loss": "mae"}})
    assert recipe.regress.loss == "mean_absolute_error"


ADDED = """
from munjang.registry import ArchitectureRow, InputRow, TaskRow

INPUT = InputRow("waves", "added_rows:Waves", "one wave per row", default_model="mean")
TEXT = InputRow("text", "added_rows:Waves", "one wave per row", default_model="mean")
TASK = TaskRow(
    "count", "added_rows:Count", "a count per row", inputs=("waves",), metrics=("mae",)
)
MEAN = ArchitectureRow("mean", "added_rows:Mean", "a mean", config="MeanConfig")
OTHER_MEAN = ArchitectureRow(
    "mean", "added_rows:Mean", "a mean", config="MeanConfig", takes=("waves",)
)
"""
GROUP = "munjang.added"


@pytest.fixture
def install_entry_points(tmp_path, monkeypatch):
    """A module with rows, and a function that installs entry points to objects of it."""
    (tmp_path / "added_rows.py").write_text(ADDED)
    monkeypatch.syspath_prepend(tmp_path)

    def install(*values):
        points = [EntryPoint(f"point{n}", value, GROUP) for n, value in enumerate(values)]
        monkeypatch.setattr("importlib.metadata.entry_points", lambda group: points)

    yield install
    sys.modules.pop("added_rows", None)


def copy_registry(registry):
    return Registry(registry.kind, GROUP, registry.rows)


@pytest.mark.parametrize(
    ("registry", "value", "kind"),
    [
        (INPUTS, "added_rows:INPUT", InputRow),
        (TASKS, "added_rows:TASK", TaskRow),
        (ARCHITECTURES, "added_rows:OTHER_MEAN", ArchitectureRow),
    ],
)
def test_entry_point_adds_a_row(install_entry_points, registry, value, kind):
    install_entry_points(value)
    extended = copy_registry(registry)
    assert extended.rows[:-1] == registry.rows
    assert type(extended.rows[-1]) is kind


@pytest.mark.parametrize(
    ("registry", "values", "message"),
    [
        (INPUTS, ["added_rows:TEXT"], "another input is named 'text' already"),
        (INPUTS, ["added_rows:INPUT", "added_rows:INPUT"], "point1 of .* is named 'waves' already"),
        (ARCHITECTURES, ["added_rows:MEAN"], "another model is named 'mean' already"),
        (INPUTS, ["added_rows:TASK"], "expected added_rows:TASK .*InputRow, got TaskRow"),
        (TASKS, ["added_rows:MISSING"], "cannot be loaded .*MISSING"),
        (TASKS, ["no_such_module:TASK"], "cannot be loaded .*no_such_module"),
    ],
)
def test_invalid_entry_point_is_refused_in_one_line(
    install_entry_points, registry, values, message
):
    install_entry_points(*values)
    with pytest.raises(ConfigError, match=message) as error:
        _ = copy_registry(registry).rows
    assert GROUP in str(error.value)
    assert "\n" not in str(error.value)


def test_unimportable_class_is_refused_in_one_line(install_entry_points):
    install_entry_points("added_rows:INPUT")
    with pytest.raises(ConfigError, match=r"waves: added_rows:Waves cannot be imported"):
        copy_registry(INPUTS).require("waves").load()
    with pytest.raises(ConfigError, match=r"x: no_such_module:X cannot be imported"):
        import_place("no_such_module:X", "x")
    with pytest.raises(ModuleNotFoundError):  # a bug of munjang keeps its traceback
        import_place("munjang.no_such_module:X", "x")


def test_single_metric_of_a_task_is_named(monkeypatch):
    only = TaskRow(
        "classify", TASKS.require("classify").place, "", inputs=("text",), metrics=("accuracy",)
    )
    monkeypatch.setattr(TASKS, "_built_in", (only,))
    with pytest.raises(ConfigError, match="for classify it should be 'accuracy', got 'mae'"):
        check_given({"training": {"metric": "mae"}})
