"""What the command line, the estimators and people's scripts call: train, evaluate, load."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from munjang.baselines import Baseline
from munjang.config import given_settings, to_yaml
from munjang.data.buckets import padding_share
from munjang.errors import ConfigError
from munjang.folder.layout import CONFIG, opened_for_training, refuse_occupied
from munjang.folder.load import AnyModel, load
from munjang.folder.manifest import write_atomically
from munjang.forked import require_polars
from munjang.layers.parameters import count_parameters
from munjang.layers.randomness import initializing_from
from munjang.model import Model
from munjang.preparation import Prepared, prepare
from munjang.registry import TASKS
from munjang.reporting import Report, discard, pluralize
from munjang.tasks.task import Decodes, TaskScores
from munjang.training.activation_memory import check_activations_fit
from munjang.training.checkpoints import check_checkpoint
from munjang.training.logs import FILE as LOG
from munjang.training.loop import Loop
from munjang.training.memory import check_batches_fit, check_model_fits
from munjang.training.precision import describe_slow_precision
from munjang.training.run import OnStep, checkpoint_on_stop, remove_checkpoint, run
from munjang.training.signals import catch_signals
from munjang.training.state import make_state

__all__ = ["Trained", "evaluate", "load", "train"]


@dataclass(frozen=True)
class Trained:
    """What a training gives.

    Attributes:
        model: the best step's weights, ready to predict.
        scores: on the validation part.
        folder: where the model was saved, or None.
        metrics: what `metrics.json` holds.
    """

    model: Model
    scores: TaskScores
    folder: Path | None
    metrics: dict[str, Any]


def train(
    data: Any,
    *,
    task: str | None = None,
    input: str | None = None,
    model: str | None = None,
    text_column: str | None = None,
    label_column: str | None = None,
    source_column: str | None = None,
    target_column: str | None = None,
    out: str | Path | None = None,
    valid: Any = None,
    config: str | Path | Mapping[str, Any] | None = None,
    overrides: Iterable[str] = (),
    seed: int | None = None,
    tokenizer: str | None = None,
    vectors: Any = None,
    freeze_vectors: bool | None = None,
    encoding: str | None = None,
    skip_bad_rows: bool | None = None,
    resume: bool = False,
    overwrite: bool = False,
    report: Report | None = None,
    on_step: OnStep | None = None,
) -> Trained:
    """Train a model on labeled text, on images, or on pairs of texts.

    Args:
        data: path, paths, "-", a data frame, or (texts, labels); see `munjang.data.readers.read`.
            For images a folder with one subfolder a class, or (images, labels). For pairs also
            `munjang.AlignedFiles`, or (sources, targets).
        task: what to learn: `classify` (one label per row), `regress` (a number), `multilabel`
            (any number of labels) or `translate` (a text for a text). That of `config` if omitted,
            else classify.
        input: what a row is: `text`, `image` or `parallel` (a source and a target text); inferred
            from task, model and data if omitted. `task="images"` is short for classify on images.
        model: name of an architecture, such as mean or cnn (`munjang.registry`). That of `config`
            if omitted, else the default of the input: cnn, image_cnn or transformer.
        text_column: column of texts; guessed when left out.
        label_column: column of labels; guessed when left out.
        source_column: of pairs; guessed when left out.
        target_column: of pairs; guessed when left out.
        out: where to save the model folder; None keeps the model in memory only.
        valid: validation data like `data`; None holds out `data.validation_split` of the rows.
        config: a YAML file or a mapping of settings, as in `config.yaml`.
        overrides: `key=value` strings laid on top, such as "model.dim=64".
        seed: decides split, weights, batches and dropout. 0 when left out.
        tokenizer: name of a tokenizer; chosen by the script of the text when left out.
        vectors: pretrained word vectors that the embedding begins with: a file (word2vec, fastText
            .vec, GloVe) or gensim's KeyedVectors. They decide `model.dim`.
        freeze_vectors: rows found among the vectors never change.
        encoding: of text files.
        skip_bad_rows: skip and count rows that cannot be used.
        resume: go on from the checkpoint in `out`, if there is one.
        overwrite: replace a model or an unfinished run that stands in `out`. A model stays until
            the new one is whole.
        report: called with lines for people: what was guessed, counted, cut.
        on_step: called with every `munjang.training.loop.Step`.

    Raises:
        MunjangError: the data, a setting or the folder cannot be used; one line says why.
        Interrupted: Ctrl-C came; `out` holds a checkpoint.
    """
    require_polars("A training")
    report = report or discard
    columns = {
        "text_column": text_column,
        "label_column": label_column,
        "source_column": source_column,
        "target_column": target_column,
        "encoding": encoding,
        "skip_bad_rows": skip_bad_rows,
    }
    named = {
        "task": task,
        "input": input,
        "seed": seed,
        "data": columns,
        "tokenizer": {"name": tokenizer},
        "model": {"name": model},
        "pretrained": {"freeze": freeze_vectors},
    }
    given = given_settings(config, named, overrides)
    refuse_occupied(out, resume=resume, overwrite=overwrite)
    prepared = prepare(data, valid, given, report, vectors=vectors)
    return fit(prepared, out, resume=resume, overwrite=overwrite, report=report, on_step=on_step)


def fit(
    prepared: Prepared,
    out: str | Path | None = None,
    *,
    resume: bool = False,
    overwrite: bool = False,
    report: Report | None = None,
    on_step: OnStep | None = None,
) -> Trained:
    """Train on what was prepared; the arguments are those of `train`.

    Raises:
        MunjangError, Interrupted: as `train`.
    """
    report = report or discard
    refuse_occupied(out, resume=resume, overwrite=overwrite)
    loop = make_loop(prepared)
    if out is None:
        return _fit(prepared, loop, None, "", resume=False, report=report, on_step=on_step)
    with opened_for_training(out, resume=resume, overwrite=overwrite, report=report) as place:
        if resume:
            check_checkpoint(place, prepared.fingerprint)  # before anything there is written
        fitted = _fit(prepared, loop, place, out, resume=resume, report=report, on_step=on_step)
    return replace(fitted, folder=Path(out))


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
    """Train, and write everything into `folder`; people know it as `out`."""
    if folder is not None:
        (folder / LOG).touch()  # first, so that a run killed at once is known as ours
        write_atomically(folder / CONFIG, to_yaml(prepared.recipe.to_dict()))
    report(_model_line(loop, prepared))
    if line := describe_slow_precision(loop.state.model, prepared.recipe.training):
        report(line)
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
    source_column: str | None = None,
    target_column: str | None = None,
    encoding: str | None = None,
    skip_bad_rows: bool = False,
    decoding: Mapping[str, Any] | None = None,
    report: Report | None = None,
) -> TaskScores:
    """Judge a model (or the folder of one) on text, images or pairs that it has not seen.

    Column names and encoding default to those that the model was trained with.

    Raises:
        DataError: a row cannot be used, or its label was never seen in training.
        ConfigError: `decoding`, other settings of how answers are looked for than those of the
            recipe, for a model that writes no text.
    """
    require_polars("An evaluation")
    known = load(model) if isinstance(model, str | Path) else model
    reading = {
        "text_column": text_column,
        "label_column": label_column,
        "source_column": source_column,
        "target_column": target_column,
        "encoding": encoding,
        "skip_bad_rows": skip_bad_rows,
    }
    if decoding:
        known = require_decoding(known, decoding).with_decoding(decoding)
    given = {key: value for key, value in reading.items() if value}
    return known.evaluate(data, given, report or discard)


def require_decoding(model: AnyModel, options: Mapping[str, Any]) -> Model:
    """Return a model that writes texts, of which options of decoding were asked.

    Raises:
        ConfigError: it writes none, or is a baseline; the first option is named.
    """
    if isinstance(model, Model) and isinstance(model.task, Decodes):
        return model
    option = next(iter(options))
    if isinstance(model, Baseline) and TASKS.require(model.task_name).needs == "decoder":
        raise ConfigError(
            f"{option}: the baseline {model.name} does not write its answers token by token"
        )
    raise ConfigError(f"{option}: is for models that answer with a text (task translate)")


def _device(name: str) -> torch.device:
    device = torch.device(name)
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ConfigError("training.device: cuda was asked for, but no GPU can be used here")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ConfigError(
            f"training.device: {name} was asked for, and the last GPU here is "
            f"cuda:{torch.cuda.device_count() - 1}"
        )
    return device


def make_loop(prepared: Prepared) -> Loop:
    """A fresh network and its loop, before the first step."""
    recipe = prepared.recipe
    check_model_fits(prepared.bare_network, recipe.training)
    with initializing_from(recipe.seed):
        network = prepared.network().to(_device(recipe.training.device))
    state = make_state(network, recipe.training)
    loop = Loop(state, prepared.task, prepared.train, prepared.valid, recipe.training, recipe.seed)
    check_batches_fit(loop.shuffle_groups(0), recipe)
    check_activations_fit(loop.shuffle_groups(0), recipe, prepared.input.size)
    return loop


def _diverged_line(loop: Loop) -> str:
    return (
        f"training diverged at step {loop.state.counters.step:,} of {loop.total:,} (non-finite "
        "weights); kept the best checkpoint so far. Try a lower training.learning_rate."
    )


def _model_line(loop: Loop, prepared: Prepared) -> str:
    size = count_parameters(loop.state.model)
    share = padding_share(loop.shuffle_groups(0), loop.lengths)
    padding = f", {share:.1%} of the batches is padding" if share else ""
    steps = pluralize(loop.total, "step")
    return f"model: {prepared.recipe.model_name}, {size:,} parameters; {steps}{padding}"


def _finish(prepared: Prepared, loop: Loop, folder: Path | None) -> Trained:
    counters, network = loop.state.counters, loop.state.model
    network.load_state_dict(loop.state.best)
    task = prepared.task.finalize(network, prepared.valid)
    scores = task.evaluate(network, prepared.valid)
    passes, unit = loop.count_epochs(counters.step), loop.train.unit
    training = {
        **prepared.facts,
        "parameters": count_parameters(network),
        "padding_share": padding_share(loop.shuffle_groups(0), loop.lengths),
        "steps": counters.step,
        "best_step": counters.best_step,
        "best_is_average": counters.best_is_average,
        "seconds": counters.seconds,
        f"{unit}_per_second": prepared.facts[unit] * passes / max(counters.seconds, 1e-9),
        "threads": prepared.recipe.training.threads or torch.get_num_threads(),
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
