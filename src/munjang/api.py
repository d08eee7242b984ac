"""What the command line, the estimators and people's scripts call: train, evaluate, load."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from munjang.config import given_settings, to_yaml
from munjang.data.buckets import padding_share
from munjang.errors import ConfigError
from munjang.forked import require_columns
from munjang.layers.randomness import seed_initialization
from munjang.layout import CONFIG, opened_for_training, refuse_occupied
from munjang.manifest import write_atomically
from munjang.media import (
    AnyBaseline,
    AnyModel,
    AnyPrepared,
    evaluated,
    load,
    medium_of,
    refuse_pairs,
    writer,
)
from munjang.tasks.task import Learned, TaskScores
from munjang.telling import Say, counted, silent
from munjang.training.checkpoints import check_checkpoint
from munjang.training.logs import FILE as LOG
from munjang.training.loop import Loop, make_state
from munjang.training.memory import refuse_impossible, refuse_impossible_batches
from munjang.training.precision import precision_line
from munjang.training.run import OnStep, ctrl_c, finishing, remove_checkpoint, run

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

    model: AnyModel
    scores: TaskScores
    folder: Path | None
    metrics: dict[str, Any]


def train(
    data: Any,
    *,
    task: str | None = None,
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
    say: Say | None = None,
    on_step: OnStep | None = None,
) -> Trained:
    """Train a model on labelled text, on images, or on pairs of texts.

    Args:
        data: path, paths, "-", a data frame, or (texts, labels); see `munjang.data.readers.read`.
            For images a folder with one subfolder a class, or (images, labels). For pairs also
            `munjang.AlignedFiles`, or (sources, targets).
        task: what to learn: `classify` (one label a text), `regress` (a number), `multilabel`
            (any number of labels), `images` (one label an image) or `translate` (a text for a
            text). Left out, that of `config`, else classify.
        model: name of an architecture, such as mean or cnn (`munjang.models.registry`). Left out,
            that of `config`, else cnn, image_cnn for images and transformer for pairs.
        text_column: column of texts; guessed when left out.
        label_column: column of labels; guessed when left out.
        source_column: of pairs; guessed when left out.
        target_column: of pairs; guessed when left out.
        out: where to save the model folder; None keeps the model in memory only.
        valid: validation data like `data`; None holds out `data.valid` of the rows.
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
        say: called with lines for people: what was guessed, counted, cut.
        on_step: called with every `munjang.training.loop.Step`.

    Raises:
        MunjangError: the data, a setting or the folder cannot be used; one line says why.
        Interrupted: Ctrl-C came; `out` holds a checkpoint.
    """
    require_columns("A training")
    say = say or silent
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
        "seed": seed,
        "data": columns,
        "tokenizer": {"name": tokenizer},
        "model": {"name": model},
        "vectors": {"freeze": freeze_vectors},
    }
    given = given_settings(config, named, overrides)
    medium = medium_of(given.get("task", "classify"))
    refuse_pairs(data, given.get("task", "classify"))
    if model is not None:
        medium.architecture(model)
    refuse_occupied(out, resume=resume, overwrite=overwrite)
    prepared = medium.prepare(data, valid, model, given, say, vectors)
    return fit(prepared, out, resume=resume, overwrite=overwrite, say=say, on_step=on_step)


def fit(
    prepared: AnyPrepared,
    out: str | Path | None = None,
    *,
    resume: bool = False,
    overwrite: bool = False,
    say: Say | None = None,
    on_step: OnStep | None = None,
) -> Trained:
    """Train on what was prepared; the arguments are those of `train`.

    Raises:
        MunjangError, Interrupted: as `train`.
    """
    say = say or silent
    refuse_occupied(out, resume=resume, overwrite=overwrite)
    loop = make_loop(prepared)
    if out is None:
        return _fit(prepared, loop, None, "", resume=False, say=say, on_step=on_step)
    with opened_for_training(out, resume=resume, overwrite=overwrite, say=say) as place:
        if resume:
            check_checkpoint(place, prepared.fingerprint)  # before anything there is written
        fitted = _fit(prepared, loop, place, out, resume=resume, say=say, on_step=on_step)
    return replace(fitted, folder=Path(out))


def _fit(
    prepared: AnyPrepared,
    loop: Loop,
    folder: Path | None,
    out: str | Path,
    *,
    resume: bool,
    say: Say,
    on_step: OnStep | None,
) -> Trained:
    """Train, and write everything into `folder`; people know it as `out`."""
    if folder is not None:
        (folder / LOG).touch()  # first, so that a run killed at once is known as ours
        write_atomically(folder / CONFIG, to_yaml(prepared.recipe.to_dict()))
    say(_model_line(loop, prepared))
    if line := precision_line(loop.state.model, prepared.recipe.training):
        say(line)
    fingerprint = prepared.fingerprint
    with ctrl_c() as asked:
        run(
            loop,
            prepared.recipe.training,
            folder=folder,
            fingerprint=fingerprint,
            resume=resume,
            on_step=on_step,
            out=out,
        )
        with finishing(asked, loop, folder, fingerprint, out):
            if loop.state.counters.diverged:
                say(_diverged_line(loop))
            return _finish(prepared, loop, folder)


def evaluate(
    model: AnyModel | AnyBaseline | str | Path,
    data: Any,
    *,
    text_column: str | None = None,
    label_column: str | None = None,
    source_column: str | None = None,
    target_column: str | None = None,
    encoding: str | None = None,
    skip_bad_rows: bool = False,
    decoding: Mapping[str, Any] | None = None,
    say: Say | None = None,
) -> TaskScores:
    """Judge a model (or the folder of one) on text, images or pairs that it has not seen.

    Column names and encoding default to those that the model was trained with.

    Raises:
        DataError: a row cannot be used, or its label was never seen in training.
        ConfigError: `decoding`, other settings of how answers are looked for than those of the
            recipe, for a model that writes no text.
    """
    require_columns("An evaluation")
    known: AnyModel | AnyBaseline = load(model) if isinstance(model, str | Path) else model
    reading = {
        "text_column": text_column,
        "label_column": label_column,
        "source_column": source_column,
        "target_column": target_column,
        "encoding": encoding,
        "skip_bad_rows": skip_bad_rows,
    }
    if decoding:
        known = writer(known, decoding).decoding_otherwise(decoding)
    given = {key: value for key, value in reading.items() if value}
    return evaluated(known, data, given, say or silent)


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


def make_loop(prepared: AnyPrepared) -> Loop:
    """A fresh network and its loop, before the first step."""
    recipe = prepared.recipe
    refuse_impossible(prepared.bare_network, recipe.training, make_state)
    with seed_initialization(recipe.seed):
        network = prepared.network().to(_device(recipe.training.device))
    state = make_state(network, recipe.training)
    loop = Loop(state, prepared.task, prepared.train, prepared.valid, recipe.training, recipe.seed)
    refuse_impossible_batches(loop.order(0), recipe)
    return loop


def _diverged_line(loop: Loop) -> str:
    return (
        f"training diverged at step {loop.state.counters.step:,} of {loop.total:,} (non-finite "
        "weights); kept the best checkpoint; try a lower training.learning_rate"
    )


def _model_line(loop: Loop, prepared: AnyPrepared) -> str:
    size = parameter_count(loop.state.model)
    share = padding_share(loop.order(0), loop.lengths)
    padding = f", {share:.1%} of the batches is padding" if share else ""
    steps = counted(loop.total, "step")
    return f"model: {prepared.recipe.model_name}, {size:,} parameters; {steps}{padding}"


def parameter_count(network: nn.Module) -> int:
    """Number of trained numbers."""
    return sum(parameter.numel() for parameter in network.parameters())


def _finish(prepared: AnyPrepared, loop: Loop, folder: Path | None) -> Trained:
    counters, network = loop.state.counters, loop.state.model
    network.load_state_dict(loop.state.best)
    task, scores = _finished_task(loop)
    passes, unit = loop.passes(counters.step), loop.train.unit
    training = {
        **prepared.facts,
        "parameters": parameter_count(network),
        "padding_share": padding_share(loop.order(0), loop.lengths),
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
    medium = medium_of(prepared.recipe.task)
    model = medium.model(prepared, task, network.cpu().eval(), metrics)
    if folder is not None:
        model.save(folder)
        remove_checkpoint(folder)
    return Trained(model, scores, folder, metrics)


def _finished_task(loop: Loop) -> tuple[Learned, TaskScores]:
    """The task with all that it learns, and its scores on the validation part."""
    return loop.task.concluded(loop.state.model, loop.valid)
