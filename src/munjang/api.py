"""Public functions that the command line and the estimators call: train, evaluate, load."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, NoReturn

import torch

from munjang.baselines import Baseline
from munjang.config import collect_settings, to_yaml
from munjang.displayed import Displayed
from munjang.errors import ConfigError
from munjang.folder.layout import (
    CONFIG,
    find_unfinished,
    open_for_training,
    refuse_occupied,
)
from munjang.folder.load import AnyModel, load
from munjang.folder.manifest import write_atomically
from munjang.folder.workspace import SharedWorkspace, Workspace
from munjang.forked import require_polars
from munjang.layers.parameters import count_parameters
from munjang.layers.randomness import seed_initialization
from munjang.model import Model
from munjang.names import join_names
from munjang.preparation import Prepared, prepare
from munjang.pretrained.huggingface import check_choice, import_checkpoint
from munjang.progress.showing import show_progress
from munjang.registry import ENGINES, TASKS, EngineRow, only_for_writers
from munjang.reporting import Report, discard
from munjang.tasks.task import Decodes, SharesBatches, TaskScores
from munjang.training.activation_memory import check_activations_fit
from munjang.training.checkpoints import check_checkpoint
from munjang.training.logs import FILE as LOG
from munjang.training.loop import Loop
from munjang.training.memory import check_batches_fit, check_model_fits
from munjang.training.precision import describe_slow_precision
from munjang.training.run import OnStep, checkpoint_on_stop, remove_checkpoint, run
from munjang.training.signals import catch_signals
from munjang.training.state import make_state
from munjang.training.workers import ALONE, WorkerDone, Workers

__all__ = ["Trained", "evaluate", "import_model", "load", "train"]


@dataclass(frozen=True, repr=False)
class Trained(Displayed):
    """Result of a training.

    Attributes:
        model: the model with the weights of the best checkpoint, ready to predict.
        scores: scores on the validation data.
        folder: model folder, or None if none was written.
        metrics: content of `metrics.json`.
    """

    model: Model
    scores: TaskScores
    folder: Path | None
    metrics: dict[str, Any]

    drawings: ClassVar[str] = "munjang.report.models:TRAINED"

    def summary(self) -> str:
        """Return the model, and its folder if there is one."""
        place = "" if self.folder is None else f", folder {str(self.folder)!r}"
        return f"{self.model!r}{place}"


def train(
    data: Any,
    *,
    task: str | None = None,
    input: str | None = None,
    model: str | None = None,
    text_column: str | None = None,
    label_column: str | None = None,
    first_column: str | None = None,
    second_column: str | None = None,
    source_column: str | None = None,
    target_column: str | None = None,
    out: str | Path | None = None,
    valid: Any = None,
    config: str | Path | Mapping[str, Any] | None = None,
    overrides: Iterable[str] = (),
    seed: int | None = None,
    budget: str | float | None = None,
    tokenizer: str | None = None,
    vectors: Any = None,
    freeze_vectors: bool | None = None,
    from_folder: Any = None,
    encoding: str | None = None,
    skip_bad_rows: bool | None = None,
    cache: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    report: Report | None = None,
    on_step: OnStep | None = None,
    progress: bool = True,
    workers: Workers = ALONE,
) -> Trained:
    """Train a model, and save it in a folder if `out` is given.

    Args:
        data: data to train on: a path or several, "-" for standard input, a data frame, or a pair
            (texts, labels); see `munjang.data.readers.read`. For images a folder with one subfolder
            per class, or (images, labels). For translate also `munjang.AlignedFiles`, or
            (sources, targets).
        task: what to predict: `classify` (one label per row), `regress` (a number), `multilabel`
            (any number of labels), `similarity` (of two texts), `masked_lm` (masked tokens of texts
            without labels), `vectors` (vectors of words), `language` (the next token) or
            `translate` (a text for a text). Defaults to that of `config`, else classify. `images`
            is short for classify on images.
        input: kind of data: `text`, `two_texts`, `lines` (running text of any size), `image` or
            `parallel` (a source and a target text per row); inferred from `task`, `model` and
            `data` if omitted.
        model: name of an architecture (`munjang.registry.ARCHITECTURES`). Defaults to that of
            `config`, else to that of the input: cnn, image_cnn or transformer.
        text_column: column of the texts; inferred if omitted.
        label_column: column of the labels or numbers; inferred if omitted.
        first_column: column of the first texts, for the input two_texts; inferred if omitted.
        second_column: column of the second texts, for the input two_texts; inferred if omitted.
        source_column: column of the source texts, for translate; inferred if omitted.
        target_column: column of the target texts, for translate; inferred if omitted.
        out: model folder to write; None keeps the model in memory only.
        valid: validation data, like `data`; None holds out `data.validation_split` of the rows.
        config: settings as in `config.yaml` of a model folder: a YAML file or a mapping.
        overrides: `key=value` strings that win over `config`, such as "model.dim=64".
        seed: random seed of the split, initial weights, batches and dropout; 0 if omitted.
        budget: seconds of training, or a duration such as "2h", instead of `training.epochs`: the
            schedule follows the clock and ends there. The same seed does not repeat such a run.
        tokenizer: name of a tokenizer; inferred from the script of the texts if omitted.
        vectors: pretrained word vectors to initialize the embedding with: a file (word2vec,
            fastText .vec, GloVe) or gensim's KeyedVectors. Their size becomes `model.dim`.
        freeze_vectors: do not train the embeddings of words that `vectors` has.
        from_folder: model folder to begin from, or a loaded model: its encoder, tokenizer and
            vocabulary. A folder of Hugging Face transformers works too. It is `--from` on the
            command line, a word that Python reserves.
        encoding: encoding of text files, such as cp949; utf-8 if omitted.
        skip_bad_rows: skip and count unusable rows instead of raising.
        cache: folder to keep the encoded text in, of the input lines, for further trainings; beside
            the checkpoint, until the model is saved, if omitted.
        resume: continue from the checkpoint in `out`, if there is one.
        overwrite: replace a model or an unfinished run in `out`. The old model stays until the new
            one is complete.
        report: function called with notes: what was inferred, counted, truncated.
        on_step: function called with every `munjang.training.loop.Step`.
        progress: show a bar in a notebook or on a terminal; in a pipe there is none.
        workers: processes that take each step together, of
            `munjang.training.workers.joining.join_workers`. Each of them calls this function with
            the same arguments. The leader returns; in the others `WorkerDone` is raised.

    Returns:
        The model, its validation scores and what `metrics.json` holds.

    Raises:
        MunjangError: the data, a setting or the folder cannot be used; the message names the row
            or the setting.
        Interrupted: Ctrl-C or SIGTERM stopped the training; `out` holds a checkpoint.
        WorkerDone: the training is over for a worker that does not lead.

    Example:
        >>> trained = munjang.train("reviews.tsv", model="mean", out="my-model")
        >>> trained.scores.accuracy
        0.847
        >>> trained.model.predict("정말 재미있다")[0].label
        '1'
    """
    require_polars("A training")
    if not workers.leads:
        report, on_step, progress = discard, None, False
    report = report or discard
    columns = {
        "text_column": text_column,
        "label_column": label_column,
        "first_column": first_column,
        "second_column": second_column,
        "source_column": source_column,
        "target_column": target_column,
        "encoding": encoding,
        "skip_bad_rows": skip_bad_rows,
        "cache": None if cache is None else str(cache),
    }
    named = {
        "task": task,
        "input": input,
        "seed": seed,
        "data": columns,
        "tokenizer": {"name": tokenizer},
        "model": {"name": model},
        "pretrained": {"freeze": freeze_vectors},
        "training": {"budget_seconds": budget},
    }
    given = collect_settings(config, named, overrides)
    if workers.leads:
        refuse_occupied(out, resume=resume, overwrite=overwrite)
    with show_progress(progress) as display, _workspace(out, workers) as workspace:
        prepared = prepare(
            data,
            valid,
            given,
            report,
            vectors=vectors,
            from_folder=from_folder,
            workspace=workspace,
        )
        return fit(
            prepared,
            out,
            resume=resume,
            overwrite=overwrite,
            report=report,
            on_step=display.beside(on_step),
            workers=workers,
        )


@contextmanager
def _workspace(out: str | Path | None, workers: Workers) -> Iterator[Workspace]:
    """Yield the place for files of a training; they stay if it can be resumed."""
    folder = None if out is None else Path(out)
    if folder is not None and not workers.leads:
        yield SharedWorkspace(folder, workers.wait_for_leader)
        return
    workspace = Workspace(folder)
    try:
        yield workspace
    except BaseException:
        if out is None or find_unfinished(out) is None:
            workspace.remove()
        raise
    workspace.remove()


def fit(
    prepared: Prepared,
    out: str | Path | None = None,
    *,
    resume: bool = False,
    overwrite: bool = False,
    report: Report | None = None,
    on_step: OnStep | None = None,
    workers: Workers = ALONE,
    complete: Callable[[Prepared, Path | None], Prepared] | None = None,
) -> Trained:
    """Train on prepared data.

    Args:
        prepared: recipe, data and fitted parts, from `munjang.preparation.prepare`.
        out: as for `train`.
        resume: as for `train`.
        overwrite: as for `train`.
        report: as for `train`.
        on_step: as for `train`.
        workers: as for `train`.
        complete: computes what is left of the preparation, such as the answers of teachers, and
            may keep it in the folder of the run (None without `out`).

    Raises:
        MunjangError: as for `train`.
        Interrupted: as for `train`.
        WorkerDone: as for `train`.
    """
    report = report or discard
    if not workers.leads:
        _follow(prepared, workers)
    refuse_occupied(out, resume=resume, overwrite=overwrite)
    if complete is None:
        loop = make_loop(
            prepared, workers
        )  # what does not fit into memory fails before a folder is made
    workers.announce_prepared(prepared.fingerprint)
    if out is None:
        if complete is not None:
            prepared = complete(prepared, None)
            loop = make_loop(prepared)
        return _fit(prepared, loop, None, "", resume=False, report=report, on_step=on_step)
    with open_for_training(out, resume=resume, overwrite=overwrite, report=report) as place:
        if complete is not None:
            prepared = complete(prepared, place)
            loop = make_loop(prepared)
        if resume:
            check_checkpoint(place, prepared.fingerprint)  # before anything there is written
        fitted = _fit(prepared, loop, place, out, resume=resume, report=report, on_step=on_step)
    return replace(fitted, folder=Path(out))


def _follow(prepared: Prepared, workers: Workers) -> NoReturn:
    """Take the steps of a training that another worker leads.

    Raises:
        WorkerDone: at the end.
    """
    loop = make_loop(prepared, workers)
    workers.announce_prepared(prepared.fingerprint)
    run(loop, prepared.recipe.training)
    raise WorkerDone


def _fit(
    prepared: Prepared,
    loop: Loop,
    folder: Path | None,
    out: str | Path,
    *,
    resume: bool,
    report: Report,
    on_step: OnStep | None,
) -> Trained:
    """Train, and write everything into `folder`, which messages call `out`."""
    if folder is not None:
        (folder / LOG).touch()  # first, so that the folder of a run killed at once is recognized
        write_atomically(folder / CONFIG, to_yaml(prepared.recipe.to_dict()))
    report(_model_line(loop, prepared))
    for line in _engine_lines(loop, prepared):
        report(line)
    if loop.budget is not None:
        report("a budget of seconds follows the clock: the same seed does not repeat the run")
    if slow := describe_slow_precision(loop.state.model, prepared.recipe.training):
        report(slow)
    fingerprint = prepared.fingerprint
    with catch_signals() as request:
        run(
            loop,
            prepared.recipe.training,
            folder=folder,
            fingerprint=fingerprint,
            resume=resume,
            on_step=on_step,
            out=out,
        )
        with checkpoint_on_stop(request, loop, folder, fingerprint, out):
            if loop.state.counters.has_diverged:
                report(_diverged_line(loop))
            return _finish(prepared, loop, folder)


def evaluate(
    model: AnyModel | str | Path,
    data: Any,
    *,
    text_column: str | None = None,
    label_column: str | None = None,
    first_column: str | None = None,
    second_column: str | None = None,
    source_column: str | None = None,
    target_column: str | None = None,
    encoding: str | None = None,
    skip_bad_rows: bool = False,
    decoding: Mapping[str, Any] | None = None,
    report: Report | None = None,
) -> TaskScores:
    """Return the scores of a model on data it has not seen.

    Args:
        model: a model, or its folder.
        data: labeled data, as for `train`.
        text_column: column of the texts; that of the training if omitted.
        label_column: column of the labels or numbers; that of the training if omitted.
        first_column: column of the first texts; that of the training if omitted.
        second_column: column of the second texts; that of the training if omitted.
        source_column: column of the source texts; that of the training if omitted.
        target_column: column of the target texts; that of the training if omitted.
        encoding: encoding of text files; that of the training if omitted.
        skip_bad_rows: skip and count unusable rows instead of raising.
        decoding: decoding settings that differ from those of the recipe, such as {"beam": 5}.
        report: function called with notes.

    Returns:
        Scores of the task; `metrics` holds them by name.

    Raises:
        DataError: a row cannot be used, or its label was never seen in training.
        ConfigError: `decoding` is given for a model that writes no text, or a setting is wrong.
        FolderError: there is no complete model in the folder.

    Example:
        >>> scores = munjang.evaluate("my-model", "test.tsv")
        >>> scores.metrics["macro_f1"]
        0.861
    """
    require_polars("An evaluation")
    known = load(model) if isinstance(model, str | Path) else model
    reading = {
        "text_column": text_column,
        "label_column": label_column,
        "first_column": first_column,
        "second_column": second_column,
        "source_column": source_column,
        "target_column": target_column,
        "encoding": encoding,
        "skip_bad_rows": skip_bad_rows,
    }
    if decoding:
        known = require_decoding(known, decoding).with_decoding(decoding)
    given = {key: value for key, value in reading.items() if value}
    return known.evaluate(data, given, report or discard)


def import_model(
    path: str | Path,
    *,
    out: str | Path | None = None,
    pooling: str | None = None,
    overwrite: bool = False,
    report: Report | None = None,
) -> Model:
    """Read a BERT of Hugging Face transformers, and save it as a model folder if `out` is given.

    Args:
        path: folder that transformers wrote with `save_pretrained`, in safetensors.
        out: model folder to write; None keeps the model in memory only.
        pooling: how a checkpoint that predicts nothing makes one vector per text: `mean`, `first`,
            `max` or `pooled`; None for what the checkpoint says.
        overwrite: replace a model in `out`.
        report: function called with notes: what matched, and what was left out.

    Raises:
        FolderError: a file is missing or damaged, the checkpoint has what `bert` has not, or `out`
            holds other files.

    Example:
        >>> model = munjang.import_model("bert-base-uncased", out="bert-base")
        >>> model.recipe.task
        'masked_lm'
    """
    choice = check_choice(pooling)
    refuse_occupied(out, overwrite=overwrite)
    model = import_checkpoint(path, pooling=choice, report=report or discard)
    if out is not None:
        model.save(out)
    return model


def require_decoding(model: AnyModel, options: Mapping[str, Any]) -> Model:
    """Return the model if it writes text, so that options of decoding apply to it.

    Raises:
        ConfigError: the model writes no text; the first option is named.
    """
    if isinstance(model, Model) and isinstance(model.task, Decodes):
        return model
    option = next(iter(options))
    if isinstance(model, Baseline) and TASKS.require(model.task_name).needs == "decoder":
        raise ConfigError(
            f"{option}: the baseline {model.name} does not write its answers token by token"
        )
    raise ConfigError(only_for_writers(option))


def _device(name: str) -> torch.device:
    device = torch.device(name)
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ConfigError(
            "training.device: expected cpu, as this machine has no usable GPU; got cuda"
        )
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ConfigError(
            f"training.device: the last GPU of this machine is "
            f"cuda:{torch.cuda.device_count() - 1}; got {name}"
        )
    return device


def make_loop(prepared: Prepared, workers: Workers = ALONE) -> Loop:
    """Return the training loop of a freshly initialized network.

    Raises:
        ConfigError: memory, or the device of the settings, does not suffice; or several workers
            cannot train such a model.
    """
    recipe = prepared.recipe
    engine = ENGINES.require(recipe.training.engine)
    engine.require_package()
    options = {}
    if workers.count > 1:
        _check_shared(prepared, engine)
        options = {"workers": workers}
    device = workers.device(recipe.training.device)
    training = recipe.training.model_copy(update={"device": device})
    check_model_fits(prepared.bare_network, training)
    with seed_initialization(recipe.seed):
        network = prepared.network().to(_device(device))
    state = make_state(network, training)
    loop: Loop = engine.load()(
        state, prepared.task, prepared.train, prepared.valid, training, recipe.seed, **options
    )
    check_batches_fit(loop.order.sample(), recipe)
    check_activations_fit(loop.order.sample(), recipe, prepared.input.size)
    return loop


def _check_shared(prepared: Prepared, engine: EngineRow) -> None:
    """Refuse a training that several workers cannot share.

    Raises:
        ConfigError: naming the task or the setting.
    """
    recipe, task = prepared.recipe, prepared.task
    if not engine.load().has_workers:
        raise ConfigError(f"workers: the engine {engine.name} trains in one process; leave it out")
    if not isinstance(task, SharesBatches):
        raise ConfigError(f"workers: the task {recipe.task} trains in one process; leave it out")
    if task.unshared:
        raise ConfigError(f"workers: {task.unshared}; or train in one process")
    if getattr(recipe.model, "ensemble_size", 1) > 1 and recipe.training.ensemble_leave_out:
        raise ConfigError(
            "workers: training.ensemble_leave_out: every member leaves out other rows of a batch; "
            "set it to 0, or train in one process"
        )


def _diverged_line(loop: Loop) -> str:
    return (
        f"training diverged at {loop.describe_position()} (non-finite weights); "
        "kept the best checkpoint so far. Try a lower training.learning_rate."
    )


def _model_line(loop: Loop, prepared: Prepared) -> str:
    size = count_parameters(loop.state.model)
    share = loop.order.padding_share()
    padding = f", {share:.1%} of the batches is padding" if share else ""
    return f"model: {prepared.recipe.model_name}, {size:,} parameters; {loop.length}{padding}"


def _engine_lines(loop: Loop, prepared: Prepared) -> list[str]:
    """Return which engine trains and how to choose another one, where there are several."""
    name, names = prepared.recipe.training.engine, prepared.recipe.task_row.engines
    if len(names) == 1:
        return []
    others = join_names([f"training.engine={other}" for other in names if other != name], "or")
    return [f"engine: {name}; {others} chooses another one", *loop.remarks]


def _finish(prepared: Prepared, loop: Loop, folder: Path | None) -> Trained:
    counters, network = loop.state.counters, loop.state.model
    network.load_state_dict(loop.state.best)
    task = prepared.task.finalize(network, prepared.valid)
    scores = task.evaluate(network, prepared.valid)
    passes, unit = loop.count_epochs(counters.step), loop.train.unit
    training = {
        **prepared.facts,
        "parameters": count_parameters(network),
        "padding_share": loop.order.padding_share(),
        "steps": counters.step,
        "best_step": counters.best_step,
        "best_is_average": counters.best_is_average,
        "seconds": counters.seconds,
        f"{unit}_per_second": prepared.facts[unit] * passes / max(counters.seconds, 1e-9),
        "threads": prepared.recipe.training.threads or torch.get_num_threads(),
        "engine": prepared.recipe.training.engine,
        **loop.facts,
        "torch": torch.__version__,
    }
    metrics = {
        "validation": scores.to_json(),
        "training": training,
        "history": counters.history,
    }
    model = Model(prepared.recipe, prepared.input, task, network.cpu().eval(), metrics)
    if folder is not None:
        model.save(folder)
        remove_checkpoint(folder)
    return Trained(model, scores, folder, metrics)
