"""What the command line, the estimators and people's scripts call: train, evaluate, load."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn

from munjang.config import merge, parse_overrides, read_yaml, to_yaml
from munjang.data.batches import Batch
from munjang.data.buckets import padding_share
from munjang.data.vectors import WordVectors
from munjang.errors import ConfigError
from munjang.folder import TextModel, load
from munjang.layers.embedding import TokenEmbedding
from munjang.layout import CONFIG, open_for_training, refuse_occupied
from munjang.manifest import write_atomically
from munjang.models.registry import architecture, build_encoder
from munjang.preparation import Prepared, prepare, read_and_say
from munjang.recipe import DataSettings
from munjang.tasks.task import Task, TaskScores
from munjang.training.checkpoints import check_checkpoint
from munjang.training.inference import logits_of
from munjang.training.logs import FILE as LOG
from munjang.training.loop import Loop, make_state
from munjang.training.run import OnStep, remove_checkpoint, run

__all__ = ["Trained", "evaluate", "load", "train"]

Say = Callable[[str], None]


@dataclass(frozen=True)
class Trained:
    """What a training gives.

    Attributes:
        model: the best step's weights, ready to predict.
        scores: on the validation part.
        folder: where the model was saved, or None.
        metrics: what `metrics.json` holds.
    """

    model: TextModel
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
    """Train a model on labelled text.

    Args:
        data: path, paths, "-", a data frame, or (texts, labels); see `munjang.data.readers.read`.
        task: what to learn: `classify` (one label a text), `regress` (a number) or
            `multilabel` (any number of labels). Left out, that of `config`, else classify.
        model: name of an architecture, such as mean or cnn (`munjang.models.registry`). Left out,
            that of `config`, else cnn.
        text_column: column of texts; guessed when left out.
        label_column: column of labels; guessed when left out.
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
        overwrite: replace a model or an unfinished run that stands in `out`.
        say: called with lines for people: what was guessed, counted, cut.
        on_step: called with every `munjang.training.loop.Step`.

    Raises:
        MunjangError: the data, a setting or the folder cannot be used; one line says why.
        Interrupted: Ctrl-C came; `out` holds a checkpoint.
    """
    say = say or _silent
    columns = {
        "text_column": text_column,
        "label_column": label_column,
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
    base = read_yaml(config) if isinstance(config, str | Path) else dict(config or {})
    given = merge(merge(base, _without_none(named)), parse_overrides(overrides))
    if model is not None:
        architecture(model)
    refuse_occupied(out, resume=resume, overwrite=overwrite)
    prepared = prepare(data, valid, model or "cnn", given, say, vectors=vectors)
    return fit(prepared, out, resume=resume, overwrite=overwrite, say=say, on_step=on_step)


def fit(
    prepared: Prepared,
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
    say = say or _silent
    loop = make_loop(prepared)
    if out is not None and resume:
        check_checkpoint(Path(out), prepared.fingerprint)  # before anything there is written
    folder = open_for_training(out, resume=resume, overwrite=overwrite)
    if folder is not None:
        (folder / LOG).touch()  # first, so that a run killed at once is known as ours
        write_atomically(folder / CONFIG, to_yaml(prepared.recipe.to_dict()))
    say(_model_line(loop, prepared))
    run(
        loop,
        prepared.recipe.training,
        folder=folder,
        fingerprint=prepared.fingerprint,
        resume=resume,
        on_step=on_step,
    )
    if loop.state.counters.diverged:
        say(
            f"stopped at step {loop.state.counters.step:,} of {loop.total:,}: the weights were no "
            "finite numbers any more; the best before is kept; a lower learning_rate helps"
        )
    return _finish(prepared, loop, folder)


def evaluate(
    model: TextModel | str | Path,
    data: Any,
    *,
    text_column: str | None = None,
    label_column: str | None = None,
    encoding: str | None = None,
    skip_bad_rows: bool = False,
    say: Say | None = None,
) -> TaskScores:
    """Judge a model (or the folder of one) on labelled text that it has not seen.

    Column names and encoding default to those that the model was trained with.

    Raises:
        DataError: a row cannot be used, or its label was never seen in training.
    """
    known = model if isinstance(model, TextModel) else load(model)
    trained_on = known.recipe.data
    columns = DataSettings(
        text_column=text_column or trained_on.text_column,
        label_column=label_column or trained_on.label_column,
        encoding=encoding or trained_on.encoding,
        skip_bad_rows=skip_bad_rows,
    )
    read_labels = known.task.reader(known.recipe.task_settings)
    table = read_and_say(data, columns, read_labels, say or _silent)
    return known.task.scores(known.logits(table.texts), known.task.targets(table))


def _silent(line: str) -> None:
    """Say nothing."""


def _without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    kept = {
        key: _without_none(value) if isinstance(value, Mapping) else value
        for key, value in values.items()
        if value is not None
    }
    return {key: value for key, value in kept.items() if value != {}}


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ConfigError(f"training.device: expected cpu, cuda or cuda:N, got '{name}'") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ConfigError("training.device: cuda was asked for, but no GPU can be used here")
    return device


def make_loop(prepared: Prepared) -> Loop:
    """A fresh network and its loop, before the first step."""
    recipe = prepared.recipe
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        encoder = build_encoder(recipe.model, prepared.tokenizer.vocabulary.size)
        network = prepared.task.network(encoder).to(_device(recipe.training.device))
    for module in network.modules():
        if isinstance(module, TokenEmbedding):
            module.count_ngrams((batch.ids, batch.lengths) for batch in _large_batches(prepared))
    if prepared.vectors is not None:
        _begin_with(prepared.vectors, encoder, frozen=recipe.vectors.freeze)
    state = make_state(network, recipe.training)
    return Loop(state, prepared.task, prepared.train, prepared.valid, recipe.training, recipe.seed)


def _begin_with(vectors: WordVectors, encoder: nn.Module, *, frozen: bool) -> None:
    embedding = cast(TokenEmbedding, encoder.embedding)
    device = embedding.weight.device
    ids, rows = (torch.from_numpy(array).to(device) for array in (vectors.ids, vectors.vectors))
    embedding.begin_with(ids, rows, frozen=frozen)


def _large_batches(prepared: Prepared) -> Iterator[Batch]:
    return prepared.train.in_order_of_length(batch_rows=8192)


def _model_line(loop: Loop, prepared: Prepared) -> str:
    size = parameter_count(loop.state.model)
    share = padding_share(loop.order(0), loop.lengths)
    return (
        f"model: {prepared.recipe.model_name}, {size:,} parameters; {loop.total:,} steps, "
        f"{share:.1%} of the batches is padding"
    )


def parameter_count(network: nn.Module) -> int:
    """Number of trained numbers."""
    return sum(parameter.numel() for parameter in network.parameters())


def _finish(prepared: Prepared, loop: Loop, folder: Path | None) -> Trained:
    counters, network = loop.state.counters, loop.state.model
    network.load_state_dict(loop.state.best)
    task, scores = _finished_task(loop)
    passes = loop.passes(counters.step)
    training = {
        **prepared.facts,
        "parameters": parameter_count(network),
        "padding_share": padding_share(loop.order(0), loop.lengths),
        "steps": counters.step,
        "best_step": counters.best_step,
        "best_is_average": counters.best_is_average,
        "seconds": counters.seconds,
        "tokens_per_second": prepared.facts["tokens"] * passes / max(counters.seconds, 1e-9),
        "threads": prepared.recipe.training.threads or torch.get_num_threads(),
        "torch": torch.__version__,
    }
    metrics = {
        "validation": scores.to_json(),
        "training": training,
        "history": counters.history,
    }
    model = TextModel(prepared.recipe, prepared.tokenizer, task, network.cpu().eval(), metrics)
    if folder is not None:
        model.save(folder)
        remove_checkpoint(folder)
    return Trained(model, scores, folder, metrics)


def _finished_task(loop: Loop) -> tuple[Task, TaskScores]:
    """The task with all that it learns, and its scores on the validation part."""
    targets = loop.valid.targets
    assert targets is not None
    logits = logits_of(loop.state.model, loop.valid)
    task = loop.task.finished(logits, targets)
    return task, task.scores(logits, targets)
