"""Texts, images, pairs of texts: how each is prepared, kept, loaded and judged.

The task says which it is.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor, nn

from munjang.baselines import CONFIG as BASELINE
from munjang.baselines import Baseline, load_baseline
from munjang.data.dataset import Dataset
from munjang.data.pairs.aligned import AlignedFiles
from munjang.data.pairs.settings import PairDataSettings
from munjang.errors import ConfigError, FolderError
from munjang.folder import TextModel
from munjang.folder import load as load_texts
from munjang.image_baselines import ImageBaseline
from munjang.image_folder import ImageModel, load_images
from munjang.image_preparation import PreparedImages, prepare_images
from munjang.image_preparation import read_and_say as read_images
from munjang.layout import CONFIG
from munjang.linear_baselines import LinearBaseline
from munjang.manifest import FILE as MANIFEST
from munjang.models.registry import architecture, image_architecture, pair_architecture
from munjang.names import existing_path
from munjang.pair_baselines import CONFIG as PAIR_BASELINE
from munjang.pair_baselines import PairBaseline, load_pair_baseline
from munjang.pair_folder import PairModel, load_pairs
from munjang.pair_preparation import PreparedPairs, prepare_pairs
from munjang.pair_preparation import read_and_say as read_pairs
from munjang.preparation import Prepared, prepare
from munjang.preparation import read_and_say as read_texts
from munjang.recipe import DataSettings
from munjang.replacing import place_of
from munjang.sealed import SealedFolder, as_folder_errors, open_sealed
from munjang.tasks.registry import TASKS
from munjang.tasks.task import Floats, Learned, Task, TaskScores
from munjang.telling import Say, counted, stage
from munjang.training.settings import TrainingSettings

AnyBaseline = Baseline | PairBaseline | LinearBaseline | ImageBaseline
TASK_BASELINES = {kind.kind: kind for kind in (LinearBaseline, ImageBaseline)}

# How often a folder is read again whose model was replaced meanwhile.
_TRIES = 5


class AnyRecipe(Protocol):
    """What a training needs to know of its recipe."""

    @property
    def task(self) -> str:
        """Name of the task."""

    @property
    def seed(self) -> int:
        """Decides split, weights, batches and dropout."""

    @property
    def training(self) -> TrainingSettings:
        """How to train."""

    @property
    def model_name(self) -> str:
        """Name of the architecture."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for YAML."""


class AnyPrepared(Protocol):
    """Everything that stands before the first step."""

    @property
    def recipe(self) -> AnyRecipe:
        """Complete."""

    @property
    def task(self) -> Learned:
        """With what it takes from the training part."""

    @property
    def train(self) -> Dataset:
        """The training part."""

    @property
    def valid(self) -> Dataset:
        """The validation part."""

    @property
    def facts(self) -> dict[str, Any]:
        """What was counted on the way; under the dataset's unit, how much stands in training."""

    @property
    def fingerprint(self) -> str:
        """Of data and settings."""

    def network(self) -> nn.Module:
        """A fresh network, from torch's generator."""

    def bare_network(self) -> nn.Module:
        """The same before it has looked at any data."""


class AnyModel(Protocol):
    """A trained model."""

    @property
    def recipe(self) -> AnyRecipe:
        """How it was made."""

    @property
    def task(self) -> Learned:
        """From what the network gives to answers in people's words."""

    @property
    def network(self) -> nn.Module:
        """In evaluation mode."""

    @property
    def metrics(self) -> dict[str, Any]:
        """What `metrics.json` holds."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the labels, in the order of the columns of `predict_proba`."""

    @property
    def columns(self) -> DataSettings:
        """The columns of the files that it was trained on, where it was trained on such."""

    def usable(self, inputs: Any, skipped: Counter[str] | None, /) -> tuple[Sequence[int], Any]:
        """Places from 1, and inputs, of those that can be answered; the others are counted.

        With None nothing is looked at: what cannot be answered fails in `predict`.
        """

    def predict(self, inputs: Any, /) -> list[Any]:
        """An answer to each input."""

    def predict_proba(self, inputs: Any, /) -> Floats:
        """Probabilities [inputs, labels]."""

    def logits(self, inputs: Any, /) -> Tensor:
        """What the head gives, [inputs, outputs]."""

    def save(self, folder: str | Path) -> Path:
        """Write the model folder."""


@dataclass(frozen=True)
class Medium:
    """What people give, and what is done with it.

    Attributes:
        architecture: the registry's row of a name; refuses one that reads something else.
        prepare: from (data, validation data, model, settings, say, pretrained word vectors or None)
            to what a loop takes.
        model: from (what was prepared, task, network, metrics) to a model.
        load: the model in a folder.
        evaluate: from (model, data, how to read it, say) to scores.
        example: an input, as it is typed behind `munjang predict FOLDER`.
        unseen: what is typed behind `munjang evaluate FOLDER`.
    """

    architecture: Callable[[str], object]
    prepare: Callable[[Any, Any, str | None, Mapping[str, Any], Say, Any], AnyPrepared]
    model: Callable[[Any, Any, nn.Module, dict[str, Any]], AnyModel]
    load: Callable[[SealedFolder], AnyModel]
    evaluate: Callable[[Any, Any, Mapping[str, Any], Say], TaskScores]
    example: str
    unseen: str


def _prepare_texts(
    data: Any, valid: Any, model: str | None, given: Mapping[str, Any], say: Say, vectors: Any
) -> Prepared:
    return prepare(data, valid, model or "cnn", given, say, vectors=vectors)


def _prepare_images(
    data: Any, valid: Any, model: str | None, given: Mapping[str, Any], say: Say, vectors: Any
) -> PreparedImages:
    if vectors is not None or "vectors" in given:
        raise ConfigError("vectors are of words; images have none")
    return prepare_images(data, valid, model, given, say)


def _prepare_pairs(
    data: Any, valid: Any, model: str | None, given: Mapping[str, Any], say: Say, vectors: Any
) -> PreparedPairs:
    if vectors is not None or "vectors" in given:
        raise ConfigError("vectors: pretrained ones go with encoders of one text, not with pairs")
    return prepare_pairs(data, valid, model, given, say)


def _text_model(
    prepared: Prepared, task: Task, network: nn.Module, metrics: dict[str, Any]
) -> TextModel:
    return TextModel(prepared.recipe, prepared.tokenizer, task, network, metrics)


def _image_model(
    prepared: PreparedImages, task: Any, network: nn.Module, metrics: dict[str, Any]
) -> ImageModel:
    return ImageModel(prepared.recipe, task, network, metrics)


def _pair_model(
    prepared: PreparedPairs, task: Any, network: nn.Module, metrics: dict[str, Any]
) -> PairModel:
    return PairModel(prepared.recipe, prepared.sides, task, network, metrics)


def _evaluate_texts(
    model: TextModel | Baseline | LinearBaseline, data: Any, reading: Mapping[str, Any], say: Say
) -> TaskScores:
    trained_on = model.columns.model_dump(include={"text_column", "label_column", "encoding"})
    columns = DataSettings.parse({**trained_on, **reading}, where="data")
    table = read_texts(data, columns, model.read_labels, say)
    with stage(f"judging {counted(len(table), 'answer')}"):
        if isinstance(model, LinearBaseline):
            return model.evaluate(table)
        return model.scores(table.texts, model.task.targets(table))


def _evaluate_images(
    model: ImageModel | ImageBaseline, data: Any, reading: Mapping[str, Any], say: Say
) -> TaskScores:
    foreign = sorted(set(reading) - {"skip_bad_rows"})
    if foreign:
        raise ConfigError(f"{foreign[0]} is for texts; this model answers images")
    skip = bool(reading.get("skip_bad_rows"))
    form = model.form if isinstance(model, ImageBaseline) else model.recipe.images
    images = read_images(data, form, skip_bad=skip, say=say)
    if isinstance(model, ImageBaseline):
        return model.evaluate(images)
    targets = model.task.targets(images.table)
    with stage(f"judging {counted(len(targets), 'answer')}"):
        return model.scores(images.pixels, targets)


def _evaluate_pairs(
    model: PairModel | PairBaseline, data: Any, reading: Mapping[str, Any], say: Say
) -> TaskScores:
    trained_on: dict[str, Any] = {}
    if isinstance(model, PairModel):
        trained_on = model.recipe.data.model_dump(exclude={"valid", "skip_bad_rows"})
    if isinstance(data, AlignedFiles):  # their columns have no names
        trained_on = {k: v for k, v in trained_on.items() if not k.endswith("_column")}
    columns = PairDataSettings.parse({**trained_on, **reading}, where="data")
    table = read_pairs(data, columns, say)
    with stage(f"answering {counted(len(table), 'source')}"):
        return model.evaluate(table)


MEDIA: dict[str, Medium] = {
    "texts": Medium(
        architecture,
        _prepare_texts,
        _text_model,
        load_texts,
        _evaluate_texts,
        '"a text"',
        "FILE-IT-HAS-NOT-SEEN",
    ),
    "images": Medium(
        image_architecture,
        _prepare_images,
        _image_model,
        load_images,
        _evaluate_images,
        "IMAGE.png",
        "FOLDER-IT-HAS-NOT-SEEN",
    ),
    "pairs": Medium(
        pair_architecture,
        _prepare_pairs,
        _pair_model,
        load_pairs,
        _evaluate_pairs,
        '"a text"',
        "FILE-IT-HAS-NOT-SEEN",
    ),
}


def medium_of(task: object) -> Medium:
    """What the task of that name reads; texts where there is no such task, whose recipe says so."""
    row = next((row for name, row in TASKS.items() if name == task), None)
    return MEDIA["texts" if row is None else row.reads]


def refuse_pairs(data: Any, task: object) -> None:
    """Refuse files of pairs for a task that reads something else.

    Raises:
        ConfigError: naming the task that reads them.
    """
    if isinstance(data, AlignedFiles) and medium_of(task) is not MEDIA["pairs"]:
        raise ConfigError(
            f"files of sources and targets go with the task translate (--task translate), not with "
            f"{task}"
        )


def writer(model: AnyModel | AnyBaseline, asked: Mapping[str, Any]) -> PairModel:
    """The model, of which something was asked that only a model can that writes texts.

    Raises:
        ConfigError: it writes none, or has one answer alone; the first thing that was asked is
            named.
    """
    if isinstance(model, PairBaseline):
        raise ConfigError(
            f"{next(iter(asked))}: the baseline {model.name} looks for no answer word by word"
        )
    if not isinstance(model, PairModel):
        raise ConfigError(
            f"{next(iter(asked))}: is for models that answer with a text (task translate)"
        )
    return model


def evaluated(
    model: AnyModel | AnyBaseline, data: Any, reading: Mapping[str, Any], say: Say
) -> TaskScores:
    """Scores of a model on data that is read as that of its training, but for `reading`."""
    if isinstance(model, AnyBaseline):
        reads = {PairBaseline: "pairs", ImageBaseline: "images"}
        medium = MEDIA[reads.get(type(model), "texts")]
    else:
        medium = medium_of(model.recipe.task)
    return medium.evaluate(model, data, reading, say)


def load(folder: str | Path) -> AnyModel | AnyBaseline:
    """The model in `folder`, ready to predict on the CPU.

    Returns:
        A `munjang.folder.TextModel`, of images a `munjang.image_folder.ImageModel`, from text to
        text a `munjang.pair_folder.PairModel`, of a comparison perhaps a
        `munjang.baselines.Baseline` or a `munjang.pair_baselines.PairBaseline`.

    Raises:
        FolderError: the folder is missing, unfinished, altered, or of another format.
    """
    folder = existing_path(folder)
    for _ in range(_TRIES):
        before = _stamp(folder)
        try:
            return _load_from(place_of(folder))
        except FolderError:
            # another model may have taken the place of this one while it was read
            if _stamp(folder) == before:
                raise
    return _load_from(place_of(folder))


def _stamp(folder: str | Path) -> tuple[Any, ...]:
    """Tell one model in `folder` from the next, without opening a file."""
    place = place_of(folder)
    try:
        found = (place / MANIFEST).stat()
    except OSError:
        return (place,)
    return place, found.st_ino, found.st_mtime_ns, found.st_size


def _load_from(folder: Path) -> AnyModel | AnyBaseline:
    with as_folder_errors(folder):
        sealed = open_sealed(folder)
        if BASELINE in sealed.seals:
            config = sealed.json(BASELINE)
            kind = config.pop("kind", None) if isinstance(config, dict) else None
            if isinstance(kind, str) and kind in TASK_BASELINES:
                return TASK_BASELINES[kind].read(sealed, config)
            return load_baseline(sealed)
        if PAIR_BASELINE in sealed.seals:
            return load_pair_baseline(sealed)
        # what the manifest leaves out is told by the reader of texts
        task = sealed.yaml(CONFIG).get("task") if CONFIG in sealed.seals else None
        return medium_of(task).load(sealed)
