"""A checkpoint of transformers as a model."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from munjang.errors import ConfigError, FolderError
from munjang.folder.rebuild import build_on_meta, fill_empty
from munjang.folder.save import IMPORTED
from munjang.folder.sealed import as_folder_errors
from munjang.model import Model
from munjang.network import build_network
from munjang.pretrained.huggingface.config import (
    ARCHITECTURES,
    CONFIG,
    Checkpoint,
    Head,
    read_config,
)
from munjang.pretrained.huggingface.files import WEIGHTS, read_values, read_weights
from munjang.pretrained.huggingface.pooling import PoolingChoice, choose_pooling
from munjang.pretrained.huggingface.tokenizer import check_mask_token, read_tokenizer
from munjang.pretrained.huggingface.weights import (
    NEXT_SENTENCE,
    POOLER,
    Row,
    name_table,
    plain_names,
    tie_decoder,
    to_ours,
)
from munjang.pretrained.matching import Match, match_weights
from munjang.recipe import Recipe, make_recipe
from munjang.reporting import Report, discard, stage
from munjang.text.huggingface.tokenizer import HuggingFaceTokenizer

_MOST_NAMED = 3
# The class that also judges whether a text follows another.
_WITH_PAIRS = "BertForPreTraining"
# Input of rows that may have two texts, [CLS] first [SEP] second [SEP].
_WITH_SEGMENTS = "two_texts"


def is_checkpoint(path: str | Path) -> bool:
    """Return whether a folder looks like a checkpoint of transformers, not like one of ours."""
    folder = Path(path)
    return (folder / CONFIG).is_file() and not (folder / "config.yaml").exists()


def import_checkpoint(
    path: str | Path, *, pooling: PoolingChoice | None = None, report: Report = discard
) -> Model:
    """Read a BERT of Hugging Face transformers as a model, ready to predict.

    Args:
        path: folder with `config.json`, `model.safetensors`, and `tokenizer.json` or `vocab.txt`.
        pooling: how a checkpoint that predicts nothing makes one vector per text: `mean`, `first`
            or `max` of its states, or `pooled` by the layer on [CLS]; None for what the checkpoint
            says.
        report: called with lines for people: what matched, and what was left out.

    Returns:
        A model of the task `masked_lm` if the checkpoint predicts tokens, of `classify`,
        `multilabel` or `regress` if it predicts labels or numbers, and of `similarity` if it
        predicts nothing.

    Raises:
        FolderError: a file is missing or damaged, or the checkpoint has what `bert` has not.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise FolderError(
            f"{folder}: expected a folder that transformers wrote with save_pretrained(FOLDER)"
        )
    with as_folder_errors(folder), torch.no_grad():
        return _import(folder, pooling, report)


def _import(folder: Path, pooling: PoolingChoice | None, report: Report) -> Model:
    try:
        checkpoint = read_config(read_values(folder / CONFIG))
    except ConfigError as error:
        raise FolderError(f"{folder / CONFIG}: {error}") from None
    tokenizer = read_tokenizer(folder)
    weights, left_out = _read_plain(folder, checkpoint)
    head = _find_head(checkpoint, weights)
    if head == "tokens":
        check_mask_token(folder)
    has_pooler = any(name.startswith(POOLER) for name in weights)
    if head == "none":
        given = _task_of_vectors(pooling or choose_pooling(folder, has_pooler))
    elif pooling is not None:
        raise ConfigError(f"pooling: is for checkpoints that predict nothing; got {pooling!r}")
    else:
        given = _task_of(checkpoint, head, weights)
    recipe = _recipe(checkpoint, given, has_pooler=has_pooler or head == "rows")
    fitted = recipe.input_class(recipe, tokenizer)  # type: ignore[call-arg]
    task = recipe.task_class.restore(recipe).with_input(fitted)
    network, lines = _fill(
        folder, lambda: build_network(recipe, task, fitted.size), weights, tokenizer
    )
    left_out += lines
    for line in (*tokenizer.notes, f"weights: all {len(weights):,} tensors matched", *left_out):
        report(line)
    imported = {
        "source": checkpoint.name or folder.resolve().name,
        "architecture": checkpoint.architecture or "BertModel",
        "tensors": len(weights),
        "left_out": left_out,
    }
    # nothing was scored or trained here
    metrics = {"validation": {}, "training": {}, IMPORTED: imported}
    return Model(recipe, fitted, task, network, metrics)


def _read_plain(folder: Path, checkpoint: Checkpoint) -> tuple[dict[str, Tensor], list[str]]:
    """Return the weights that are imported, under plain names, and lines on the others."""
    with stage(f"reading {folder / WEIGHTS}"):
        weights = plain_names(read_weights(folder))
    weights = tie_decoder(weights, tied=checkpoint.tied)
    if _judges_pairs(checkpoint, weights):
        return weights, []
    kept = {name: w for name, w in weights.items() if not name.startswith(NEXT_SENTENCE)}
    if len(kept) == len(weights):
        return kept, []
    return kept, ["left out: cls.seq_relationship, which judges pairs of sentences"]


def _judges_pairs(checkpoint: Checkpoint, weights: Mapping[str, Tensor]) -> bool:
    """Return whether the checkpoint predicts tokens and judges pairs, and has the weights of it."""
    needed = (f"{part}{kind}" for part in (NEXT_SENTENCE, POOLER) for kind in ("weight", "bias"))
    return checkpoint.architecture == _WITH_PAIRS and all(name in weights for name in needed)


def _find_head(checkpoint: Checkpoint, weights: Mapping[str, Tensor]) -> Head:
    """Return what the checkpoint predicts; weights of a head of tokens decide over its class."""
    if any(name.startswith("cls.predictions.") for name in weights):
        return "tokens"
    if checkpoint.architecture is not None:
        return ARCHITECTURES[checkpoint.architecture]
    if any(name.startswith("classifier.") for name in weights):
        raise FolderError(
            f"{CONFIG}: expected the class of the checkpoint in architectures, as its weights "
            "have a classifier, which may be one of texts or of tokens"
        )
    return "none"


def _recipe(checkpoint: Checkpoint, given: Mapping[str, Any], *, has_pooler: bool) -> Recipe:
    """Return the settings of the model.

    Args:
        checkpoint: what `config.json` says.
        given: settings of the task.
        has_pooler: whether there is a layer on [CLS], which the pooled vector comes from.
    """
    # texts may be as long as there are positions, [CLS] and one [SEP] per text not counted
    ends = 3 if given.get("input") == _WITH_SEGMENTS else 2
    return make_recipe(
        {
            **given,
            "tokenizer": {
                "name": "huggingface",
                "max_length": checkpoint.settings["max_positions"] - ends,
                "add_go_eos": True,
            },
            "model": {
                **checkpoint.settings,
                "pooling": "first" if has_pooler else "mean",
                "pooler": has_pooler,
            },
        }
    )


def _task_of_vectors(pooling: PoolingChoice) -> dict[str, Any]:
    """Return the settings of the task whose answers are made of vectors of texts."""
    return {
        "input": _WITH_SEGMENTS,
        "task": "similarity",
        "similarity": {"pooling": pooling, "lowest": 0.0, "highest": 1.0},
    }


def _task_of(checkpoint: Checkpoint, head: Head, weights: Mapping[str, Tensor]) -> dict[str, Any]:
    """Return the settings of the task that the head of the checkpoint belongs to."""
    if head == "tokens" and _judges_pairs(checkpoint, weights):
        return {
            "task": "masked_lm",
            "masked_lm": {"pairs": "next_sentence"},
            "data": {"join_next": True},
        }
    if head == "tokens":
        return {"task": "masked_lm"}
    classifier = weights.get("classifier.weight")
    if classifier is None or classifier.ndim != 2:
        raise FolderError(f"{CONFIG}: a classifier is named, and classifier.weight is no matrix")
    outputs, problem = len(classifier), checkpoint.problem
    if problem == "regression" or (problem is None and outputs == 1):
        if outputs != 1:
            raise FolderError(f"{CONFIG}: regress has one number per row, and this has {outputs}")
        return {"task": "regress", "regress": {"mean": 0.0, "scale": 1.0}}
    labels = checkpoint.labels or {number: f"LABEL_{number}" for number in range(outputs)}
    if len(labels) != outputs or outputs < 2:
        raise FolderError(
            f"{CONFIG}: id2label names {len(labels)} labels, and classifier.weight has {outputs} "
            "rows; expected as many, two or more"
        )
    names = [labels[number] for number in range(outputs)]
    if len(set(names)) < len(names) or not all(name.strip() for name in names):
        raise FolderError(f"{CONFIG}: id2label: a name is empty or occurs twice")
    if problem == "multi_label_classification":
        return {"task": "multilabel", "labels": names}
    # one output per class, also for two
    return {
        "task": "classify",
        "labels": names,
        "classify": {"loss": "sparse_categorical_crossentropy"},
    }


def _fill(
    folder: Path,
    build: Callable[[], nn.Module],
    weights: Mapping[str, Tensor],
    tokenizer: HuggingFaceTokenizer,
) -> tuple[nn.Module, list[str]]:
    """Build the network, and fill it with the weights.

    Returns:
        The network, and lines on what was left out.

    Raises:
        FolderError: a tensor is missing, left over or of another shape; it is named.
    """
    network = build_on_meta(folder / WEIGHTS, build, len(weights) + 8)
    table = name_table(network)
    ours, unused = to_ours(weights, table, tokenizer.huggingface_ids)
    match = match_weights(network.state_dict(), ours)
    if not match.is_whole:
        shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
        raise FolderError(f"{folder / WEIGHTS}: {_explain_mismatch(match, table, weights, shapes)}")
    network.load_state_dict(ours, assign=True)
    fill_empty(network)
    note = f"left out: {unused:,} rows of the word embedding, which no token has"
    return network.requires_grad_(True).eval(), [note] if unused else []


def _explain_mismatch(
    match: Match,
    table: list[Row],
    weights: Mapping[str, Tensor],
    shapes: Mapping[str, tuple[int, ...]],
) -> str:
    """Return what is missing, of another shape and left over, by the names of the checkpoint.

    Args:
        match: how the weights fit.
        table: of `name_table`.
        weights: the weights under plain names.
        shapes: shapes of the parameters of the network.
    """
    rows = {row.ours: row for row in table}
    wrong = [*match.missing, *(name for name, _, _ in match.other_shape)]
    theirs = {part: rows[name] for name in wrong if name in rows for part in rows[name].theirs}
    missing = [name for name in match.missing if name not in rows]
    missing += [part for part in theirs if part not in weights]
    misshapen = [
        f"{part}: expected the shape {wanted} by {CONFIG}, got {got}"
        for part, row in theirs.items()
        if part in weights
        and (got := list(weights[part].shape)) != (wanted := _shape_of_part(row, shapes, got))
    ]
    left_over = [name for name in match.left_over if name not in theirs]
    reasons = [f"missing: {_names(missing)}"] if missing else []
    reasons += misshapen[:1]
    if left_over:
        reasons.append(f"left over, which bert does not have: {_names(left_over)}")
    return f"the weights do not fit: {'; '.join(reasons)}"


def _shape_of_part(row: Row, shapes: Mapping[str, tuple[int, ...]], got: list[int]) -> list[int]:
    """Return the shape of each of a row's parts; as many rows of a vocabulary as there are."""
    first, *rest = shapes[row.ours]
    return [*(got[:1] if row.by_token else [first // len(row.theirs)]), *rest]


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(name[:100] for name in names[:_MOST_NAMED])
    return shown if len(names) <= _MOST_NAMED else f"{shown}, ... ({len(names):,} in all)"
