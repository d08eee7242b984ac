"""The registries: inputs, tasks, architectures and training engines, by name.

A row names the place of the code and imports it on first use, so that lists and help texts need no
PyTorch. Other distributions add rows by entry points: an entry point of the group `munjang.inputs`,
`munjang.tasks`, `munjang.architectures` or `munjang.engines` names an `InputRow`, `TaskRow`,
`ArchitectureRow` or `EngineRow`. docs/extending.md walks through it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Generic, Literal, Self, TypeVar

from munjang.errors import ConfigError
from munjang.names import nearest_name

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

# What an architecture gives, and what a task needs of it: one vector per row, one state per token,
# one vector per word wherever it stands, or a decoder that writes the next token.
Gives = Literal["pooled", "states", "vectors", "decoder"]


def import_place(place: str, name: str) -> Any:
    """Import and return an object that a row names.

    Args:
        place: where it is, as "module:object".
        name: name of the row, for the message.

    Raises:
        ConfigError: it is of another distribution and cannot be imported.
    """
    module, _, attribute = place.partition(":")
    try:
        return getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        if module.partition(".")[0] == "munjang":
            raise
        raise ConfigError(
            f"{name}: {place} cannot be imported ({error}); python -c 'import {module}' shows where"
        ) from error


@dataclass(frozen=True)
class Row:
    """One row of a registry.

    Attributes:
        name: name that users type.
        place: place of the class, as "module:Class".
        summary: one line for lists and help texts.
    """

    name: str
    place: str
    summary: str

    def load(self) -> Any:
        """Import and return the class.

        Raises:
            ConfigError: the class is of another distribution and cannot be imported.
        """
        return import_place(self.place, self.name)

    def is_confused_with(self, other: Self) -> bool:
        """Return whether users could not tell this row from another one."""
        return self.name == other.name


@dataclass(frozen=True)
class InputRow(Row):
    """An input, which reads and encodes rows; `place` names a `munjang.inputs.input.Input`.

    Attributes:
        default_model: name of the default architecture.
        tasks: names of tasks that work on it, in addition to tasks whose rows name it.
        check: place of the `munjang.checking.input_check.InputCheck` of `munjang check`, if any.
        example: a value as it is typed after `munjang predict FOLDER`.
        in_python: the value in Python, if it is not one string.
        unseen: placeholder of data after `munjang evaluate FOLDER`.
        unit: unit in which batches and speeds are counted.
    """

    default_model: str
    tasks: tuple[str, ...] = ()
    check: str | None = None
    example: str = '"a text"'
    in_python: str | None = None
    unseen: str = "FILE-IT-HAS-NOT-SEEN"
    unit: Literal["tokens", "images", "rows"] = "rows"


@dataclass(frozen=True)
class TaskRow(Row):
    """A learning task; `place` names a `munjang.tasks.task.Task`.

    Attributes:
        inputs: names of the inputs it works on; the first is the default.
        metrics: the metrics that may select the best checkpoint; the first is the default.
        needs: what it needs of an architecture.
        default_model: name of the default architecture; None for that of the input.
        example: a value as it is typed after `munjang predict FOLDER`; None for that of the input.
        contests: places of the `munjang.comparison.contests.contest.Contest` of `munjang compare`
            by input; the first holds for other inputs too.
        view: name of the view of `munjang explain` that is shown by default.
        engines: names of the engines that can train it.
    """

    inputs: tuple[str, ...]
    metrics: tuple[str, ...]
    needs: Gives = "pooled"
    default_model: str | None = None
    example: str | None = None
    contests: tuple[tuple[str, str], ...] = ()
    view: str = "why"
    engines: tuple[str, ...] = ("munjang",)


@dataclass(frozen=True)
class ArchitectureRow(Row):
    """A network; `place` names the `nn.Module`, made with (config, size of the input).

    Attributes:
        config: name of its settings class in the same module.
        takes: names of the inputs it reads.
        gives: what it gives.
    """

    config: str
    takes: tuple[str, ...] = ("text", "two_texts", "lines")
    gives: tuple[Gives, ...] = ("pooled",)

    def config_class(self) -> Any:
        """Import and return the class of its settings.

        Raises:
            ConfigError: as `load`.
        """
        return import_place(f"{self.place.partition(':')[0]}:{self.config}", self.name)

    def is_confused_with(self, other: Self) -> bool:
        """Return whether both have one name for one input."""
        return self.name == other.name and not set(self.takes).isdisjoint(other.takes)


@dataclass(frozen=True)
class EngineRow(Row):
    """An engine, which takes the steps of a training; `place` names a `munjang.training.loop.Loop`.

    Attributes:
        package: a package that it needs and munjang does not; the extra that installs it has the
            same name. None if there is none.
    """

    package: str | None = None

    @property
    def is_installed(self) -> bool:
        """True if its package can be imported."""
        return self.package is None or find_spec(self.package) is not None

    def require_package(self) -> None:
        """Refuse to train without its package.

        Raises:
            ConfigError: naming the command that installs it.
        """
        if not self.is_installed:
            raise ConfigError(
                f"training.engine: {self.name} needs the package {self.package}; install it with: "
                f'pip install "munjang[{self.package}]", or set training.engine=munjang'
            )


AnyRow = TypeVar("AnyRow", bound=Row)


class Registry(Generic[AnyRow]):
    """Rows by name: the built-in ones, then those of other distributions.

    A name may be in several rows of `ARCHITECTURES`: `transformer` is an encoder and an
    encoder-decoder.

    Args:
        kind: noun for a row in messages.
        group: name of the entry points that add rows.
        rows: built-in rows.
    """

    def __init__(self, kind: str, group: str, rows: Iterable[AnyRow]) -> None:
        self.kind = kind
        self.group = group
        self._built_in = tuple(rows)

    @property
    def rows(self) -> tuple[AnyRow, ...]:
        """All rows."""
        return (*self._built_in, *self._added())

    @property
    def names(self) -> list[str]:
        """The name of every row, each once."""
        return list(dict.fromkeys(row.name for row in self.rows))

    def find(self, name: object) -> AnyRow | None:
        """Return the first row of that name, or None."""
        built_in = next((row for row in self._built_in if row.name == name), None)
        if built_in is not None or not isinstance(name, str):
            return built_in
        return next((row for row in self._added() if row.name == name), None)

    def require(self, name: str) -> AnyRow:
        """Return the first row of that name.

        Raises:
            ConfigError: there is no such row; the nearest name and all names are listed.
        """
        row = self.find(name)
        if row is None:
            raise ConfigError(unknown_name(self.kind, name, self.names))
        return row

    @cache  # noqa: B019  (four registries, which live as long as the process)
    def _added(self) -> tuple[AnyRow, ...]:
        # imported here: it takes a sixth of the time of `munjang --help`
        from importlib.metadata import entry_points

        added: list[AnyRow] = []
        for point in entry_points(group=self.group):
            row = self._row_of(point)
            if any(row.is_confused_with(other) for other in (*self._built_in, *added)):
                raise ConfigError(
                    f"{_origin(point)}: another {self.kind} is named '{row.name}' already; "
                    "uninstall one of them"
                )
            added.append(row)
        return tuple(added)

    def _row_of(self, point: "EntryPoint") -> AnyRow:
        """Return the row that an entry point names."""
        kind = type(self._built_in[0])
        try:
            row = point.load()
        except Exception as error:  # whatever the code of another distribution raises
            raise ConfigError(
                f"{_origin(point)} cannot be loaded ({type(error).__name__}: {error}); reinstall "
                "it, or uninstall it"
            ) from error
        if not isinstance(row, kind):
            raise ConfigError(
                f"{_origin(point)}: expected {point.value} to be of the type "
                f"munjang.registry.{kind.__name__}, got {type(row).__name__}"
            )
        return row


def _origin(point: "EntryPoint") -> str:
    distribution = point.dist.name if point.dist is not None else "an unknown distribution"
    return f"entry point {point.name} of {distribution} ({point.group})"


def unknown_name(kind: str, name: object, known: Iterable[str]) -> str:
    """Return the message for a name that is in no row."""
    known = list(known)
    nearest = nearest_name(str(name), known, cutoff=0.5)
    hint = f"; did you mean '{nearest}'?" if nearest else ""
    return f"unknown {kind} '{str(name)[:80]}'{hint}; known: {', '.join(known)}"


INPUTS: Registry[InputRow] = Registry(
    "input",
    "munjang.inputs",
    [
        InputRow(
            "text",
            "munjang.inputs.text:TextInput",
            "one text per row",
            "cnn",
            check="munjang.checking.texts:CHECK",
            unit="tokens",
        ),
        InputRow(
            "two_texts",
            "munjang.inputs.two_texts:TwoTextsInput",
            "two texts per row, such as two questions",
            "transformer",
            check="munjang.checking.two_texts:CHECK",
            example='"a text" "another text"',
            in_python='("a text", "another text")',
            unit="tokens",
        ),
        InputRow(
            "lines",
            "munjang.inputs.lines:LinesInput",
            "running text of any size, one line per row",
            "bert",
            check="munjang.checking.lines:CHECK",
            unit="tokens",
        ),
        InputRow(
            "stream",
            "munjang.inputs.stream:StreamInput",
            "running text, read from its beginning to its end",
            "lstm",
            example='"the beginning of a text"',
            check="munjang.checking.streams:CHECK",
            unit="tokens",
        ),
        InputRow(
            "image",
            "munjang.inputs.image:ImageInput",
            "one image per row",
            "image_cnn",
            check="munjang.checking.images:CHECK",
            example="IMAGE.png",
            unseen="FOLDER-IT-HAS-NOT-SEEN",
            unit="images",
        ),
        InputRow(
            "parallel",
            "munjang.inputs.parallel:ParallelInput",
            "a source text and a target text per row",
            "transformer",
            check="munjang.checking.pairs:CHECK",
            unit="tokens",
        ),
    ],
)

_CONTESTS = "munjang.comparison.contests"
TASKS: Registry[TaskRow] = Registry(
    "task",
    "munjang.tasks",
    [
        TaskRow(
            "classify",
            "munjang.tasks.classify:Classify",
            "one label per row",
            inputs=("text", "two_texts", "image"),
            metrics=("accuracy", "macro_f1", "log_loss"),
            contests=(
                ("text", f"{_CONTESTS}.classify:ClassifyContest"),
                ("two_texts", f"{_CONTESTS}.two_texts:ClassifyTwoTextsContest"),
                ("image", f"{_CONTESTS}.images:ImagesContest"),
            ),
        ),
        TaskRow(
            "regress",
            "munjang.tasks.regress:Regress",
            "a number per row",
            inputs=("text", "two_texts"),
            metrics=("mae", "rmse", "spearman", "r2"),
            contests=(
                ("text", f"{_CONTESTS}.regress:RegressContest"),
                ("two_texts", f"{_CONTESTS}.two_texts:RegressTwoTextsContest"),
            ),
        ),
        TaskRow(
            "multilabel",
            "munjang.tasks.multilabel:Multilabel",
            "any number of labels per row",
            inputs=("text", "two_texts"),
            metrics=("micro_f1", "macro_f1", "subset_accuracy", "log_loss"),
            contests=(
                ("text", f"{_CONTESTS}.multilabel:MultilabelContest"),
                ("two_texts", f"{_CONTESTS}.two_texts:MultilabelTwoTextsContest"),
            ),
        ),
        TaskRow(
            "similarity",
            "munjang.tasks.similarity:Similarity",
            "similarity of two texts by their vectors",
            inputs=("two_texts",),
            metrics=("spearman", "pearson", "rmse", "mrr", "accuracy"),
            contests=(("two_texts", f"{_CONTESTS}.similarity:SimilarityContest"),),
        ),
        TaskRow(
            "masked_lm",
            "munjang.tasks.masked_lm:MaskedLm",
            "masked tokens of texts without labels; pretrains an encoder",
            inputs=("lines", "text"),
            metrics=("cross_entropy", "accuracy"),
            needs="states",
            default_model="bert",
            example='"a text with a [MASK]"',
            contests=(
                ("lines", f"{_CONTESTS}.masked_lm:MaskedLinesContest"),
                ("text", f"{_CONTESTS}.masked_lm:MaskedLmContest"),
            ),
        ),
        TaskRow(
            "vectors",
            "munjang.tasks.word_vectors:VectorsTask",
            "vectors of words, from texts without labels",
            inputs=("lines",),
            metrics=("sampled_loss",),
            needs="vectors",
            default_model="skipgram",
            example='"a"',
            engines=("munjang", "gensim"),
        ),
        TaskRow(
            "language",
            "munjang.tasks.language:Language",
            "the next token of running text; generates texts",
            inputs=("stream",),
            metrics=("cross_entropy", "bits_per_character", "bits_per_byte"),
            needs="decoder",
            contests=(("stream", f"{_CONTESTS}.language:LanguageContest"),),
            view="surprisal",
        ),
        TaskRow(
            "translate",
            "munjang.tasks.translate:Translate",
            "a text for a text",
            inputs=("parallel",),
            metrics=("chrf", "bleu", "exact_match", "cross_entropy"),
            needs="decoder",
            contests=(("parallel", f"{_CONTESTS}.translate:TranslateContest"),),
        ),
    ],
)

ENGINES: Registry[EngineRow] = Registry(
    "engine",
    "munjang.engines",
    [
        EngineRow("munjang", "munjang.training.loop:Loop", "batches and gradients by PyTorch"),
        EngineRow(
            "gensim",
            "munjang.training.gensim_loop:GensimLoop",
            "Word2Vec and FastText of gensim, one pair of words after another",
            package="gensim",
        ),
    ],
)

# Names that stand for a task on another input than its default.
TASK_ALIASES: Mapping[str, tuple[str, str]] = {"images": ("classify", "image")}

_TEXT = "munjang.models"
_SEQ = "munjang.models.sequence_to_sequence"
ARCHITECTURES: Registry[ArchitectureRow] = Registry(
    "model",
    "munjang.architectures",
    [
        ArchitectureRow(
            "mean", f"{_TEXT}.mean:Mean", "averaged embeddings; the fastest", config="MeanConfig"
        ),
        ArchitectureRow(
            "cnn",
            f"{_TEXT}.cnn:Cnn",
            "convolutions over tokens; short patterns decide",
            config="CnnConfig",
            gives=("pooled", "states"),
        ),
        ArchitectureRow(
            "rnn",
            f"{_TEXT}.rnn:Rnn",
            "a simple recurrent network; very short texts",
            config="RnnConfig",
            gives=("pooled", "states"),
        ),
        ArchitectureRow(
            "lstm",
            f"{_TEXT}.lstm:Lstm",
            "a recurrent network with memory cells; word order matters",
            config="LstmConfig",
            gives=("pooled", "states"),
        ),
        ArchitectureRow(
            "gru",
            f"{_TEXT}.gru:Gru",
            "like lstm, with fewer weights",
            config="GruConfig",
            gives=("pooled", "states"),
        ),
        ArchitectureRow(
            "transformer",
            f"{_TEXT}.transformer:Transformer",
            "self-attention; every token attends to every other",
            config="TransformerConfig",
            gives=("pooled", "states"),
        ),
        ArchitectureRow(
            "bert",
            f"{_TEXT}.bert:Bert",
            "Transformer to be pretrained on masked tokens",
            config="BertConfig",
            gives=("pooled", "states"),
        ),
        *(
            ArchitectureRow(
                name,
                f"{_TEXT}.{name}:{kind}",
                summary,
                config=f"{kind}Config",
                takes=("lines",),
                gives=("vectors",),
            )
            for name, kind, summary in (
                ("skipgram", "SkipGram", "word vectors; a word predicts its neighbors"),
                ("cbow", "Cbow", "word vectors; neighbors predict a word; faster"),
            )
        ),
        *(
            ArchitectureRow(
                name,
                f"{_TEXT}.language.{name}:{kind}Language",
                summary,
                config=f"{kind}LanguageConfig",
                takes=("stream",),
                gives=("decoder",),
            )
            for name, kind, summary in (
                ("lstm", "Lstm", "recurrent language model with memory cells; minutes, a megabyte"),
                ("gru", "Gru", "like lstm, with fewer weights"),
                ("rnn", "Rnn", "simple recurrent language model"),
                ("transformer", "Transformer", "causal self-attention; much text and time"),
            )
        ),
        ArchitectureRow(
            "image_cnn",
            f"{_TEXT}.image_cnn:ImageCnn",
            "convolutions over images of one object each",
            config="ImageCnnConfig",
            takes=("image",),
        ),
        ArchitectureRow(
            "seq2seq",
            f"{_SEQ}.seq2seq:Seq2Seq",
            "encoder-decoder over one vector; short texts",
            config="Seq2SeqConfig",
            takes=("parallel",),
            gives=("decoder",),
        ),
        ArchitectureRow(
            "attentive",
            f"{_SEQ}.attentive:Attentive",
            "recurrent encoder-decoder with attention to the source",
            config="AttentiveConfig",
            takes=("parallel",),
            gives=("decoder",),
        ),
        ArchitectureRow(
            "transformer",
            f"{_SEQ}.transformer:TransformerEncoderDecoder",
            "Transformer encoder-decoder; from some thousands of pairs on",
            config="TransformerEncoderDecoderConfig",
            takes=("parallel",),
            gives=("decoder",),
        ),
    ],
)


def find_architectures(input_name: str, needs: Gives) -> list[ArchitectureRow]:
    """Return the architectures that read an input and give what a task needs."""
    return [row for row in ARCHITECTURES.rows if input_name in row.takes and needs in row.gives]


def require_architecture(name: str, input_name: str, task: TaskRow) -> ArchitectureRow:
    """Return the architecture of that name for an input and a task.

    Raises:
        ConfigError: there is no such architecture, or it does not fit the input or the task.
    """
    fitting = find_architectures(input_name, task.needs)
    row = next((row for row in fitting if row.name == name), None)
    if row is not None:
        return row
    others = [row for row in ARCHITECTURES.rows if row.name == name]
    known = ", ".join(row.name for row in fitting)
    if not others:
        raise ConfigError(unknown_name("model", name, ARCHITECTURES.names))
    reads = " or ".join(dict.fromkeys(kind for row in others for kind in row.takes))
    raise ConfigError(
        f"model {name} reads the input {reads}{_describe_tasks(others)}; the task {task.name} on "
        f"the input {input_name} takes {known or 'no model that is installed'}"
    )


def _describe_tasks(architectures: Iterable[ArchitectureRow]) -> str:
    tasks = [
        task.name
        for task in TASKS.rows
        if any(
            task.needs in row.gives and kind.name in row.takes
            for row in architectures
            for kind in inputs_of(task)
        )
    ]
    return f" and goes with --task {' or '.join(tasks)}" if tasks else ""


def inputs_of(task: TaskRow) -> list[InputRow]:
    """Return the inputs that a task works on, the default first."""
    named = [INPUTS.require(name) for name in task.inputs]
    return named + [row for row in INPUTS.rows if task.name in row.tasks and row not in named]


def only_for_writers(option: str) -> str:
    """Return the message for an option that only models that write text have."""
    tasks = ", ".join(row.name for row in TASKS.rows if row.needs == "decoder")
    return f"{option}: is for models that write text (task {tasks})"
