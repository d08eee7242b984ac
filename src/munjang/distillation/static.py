"""Static vectors: an encoder's vector of each token alone becomes an embedding that is averaged.

model2vec (Tulkens and van Dongen 2024). Every token of the vocabulary is read by itself, as the
encoder reads a text of it alone (GO token EOS, or EOS token), and the mean of its states is its
vector. Principal components make the vectors short, and the
weights of Arora et al. (2017, "A simple but tough-to-beat baseline for sentence embeddings") make
frequent tokens small:

    a / (a + p)        p: the token's share of the text

A text is then the mean of its tokens' vectors, which needs no layers. The result is a model of the
architecture `mean` with the encoder's tokenizer: `munjang embed` and `munjang search` use it, and
other trainings begin from it (`--from`).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from munjang.errors import ConfigError
from munjang.folder.layout import open_for_training, refuse_occupied
from munjang.folder.load import load
from munjang.folder.save import STATIC
from munjang.inputs.text import HasTokenizer
from munjang.layers.randomness import seed_initialization
from munjang.model import Model
from munjang.models.vectors import GivesStates
from munjang.network import build_network
from munjang.recipe import make_recipe
from munjang.reporting import Report, discard, pluralize, stage
from munjang.tasks.heads import find_encoders
from munjang.text.vocabulary import EOS, GO, OOV, RESERVED, Vocabulary

# The constant a of the paper, for words; frequent pieces of words weigh less likewise.
_WEIGHT = 1e-4
# Width of vectors, if the encoder's states are not narrower.
_DIM = 256
# Tokens that are read at once.
_BATCH = 1024


def distil_static(
    teacher: str | Path,
    *,
    dim: int | None = None,
    out: str | Path | None = None,
    overwrite: bool = False,
    report: Report | None = None,
) -> Model:
    """Make static vectors of the tokens of a model, as a model of the architecture `mean`.

    Args:
        teacher: folder of a model whose encoder has one state per token, such as `bert`.
        dim: width of the vectors; 256 or the width of the states, whichever is smaller, if None.
        out: model folder to write; None keeps the model in memory only.
        overwrite: replace a model in `out`.
        report: function called with notes.

    Raises:
        FolderError: there is no complete model in `teacher`, or `out` is occupied.
        ConfigError: the model has no states per token, or `dim` is not smaller than they are wide.
    """
    report = report or discard
    refuse_occupied(out, overwrite=overwrite)
    model = load(teacher)
    if not isinstance(model, Model):
        raise ConfigError(f"{teacher}: this is the baseline {model.name}, which has no encoder")
    static = make_static(model, str(teacher), dim, report)
    if out is not None:
        with open_for_training(out, overwrite=overwrite, report=report) as place:
            static.save(place)
    return static


def make_static(model: Model, name: str, dim: int | None, report: Report) -> Model:
    """Return the model `mean` of the static vectors of a model.

    Args:
        model: the teacher.
        name: its name in messages and on the model card.
        dim: as for `distil_static`.
        report: called with notes.

    Raises:
        ConfigError: as for `distil_static`.
    """
    encoders = find_encoders(model.network)
    fitted: Any = model.input
    if not isinstance(fitted, HasTokenizer) or not encoders:
        raise ConfigError(f"{name}: expected a model that reads texts with an encoder")
    if not isinstance(encoders[0], GivesStates):
        raise ConfigError(
            f"{name}: the model {model.recipe.model_name} has no state per token; expected bert, "
            "transformer or another encoder that has"
        )
    vocabulary = fitted.tokenizer.vocabulary
    width = int(encoders[0].states_dim)
    wanted = min(_DIM, width) if dim is None else dim
    if not 1 <= wanted <= width:
        raise ConfigError(
            f"dim: the states of {name} have {width} numbers; expected 1 to {width}, got {wanted}"
        )
    before, after = marks_of(model.recipe.section("tokenizer"))
    with stage(f"reading {pluralize(vocabulary.size, 'token')}"):
        states = np.mean(
            [token_states(encoder, vocabulary.size, before, after) for encoder in encoders],
            axis=0,
        )
    vectors, kept = principal_components(states, wanted)
    vectors *= sif_weights(vocabulary)[:, None]
    norm = float(np.linalg.norm(vectors, axis=1).mean())
    report(
        f"static vectors: {len(vectors):,} tokens, {width} to {wanted} numbers, which keep "
        f"{kept:.1%} of the variance"
    )
    return _build(model, name, vocabulary, vectors / max(norm, 1e-12))


def marks_of(settings: Any) -> tuple[list[int], list[int]]:
    """Return the ids before and behind a text of one token.

    Args:
        settings: of the tokenizer of the encoder.
    """
    if getattr(settings, "line_breaks", False):
        return [EOS], []
    return ([GO], [EOS]) if getattr(settings, "add_go_eos", True) else ([], [])


@torch.inference_mode()
def token_states(
    encoder: Any, size: int, before: Sequence[int], after: Sequence[int]
) -> npt.NDArray[np.float64]:
    """Return the mean of the states of each token alone [tokens, states dim]: OOV, then id 4 on.

    Args:
        encoder: gives states; in evaluation mode.
        size: vocabulary size.
        before: ids before each token, as the encoder was trained.
        after: ids behind it.
    """
    ids = torch.tensor([OOV, *range(len(RESERVED), size)])
    vectors = np.empty((len(ids), int(encoder.states_dim)))
    for start in range(0, len(ids), _BATCH):
        tokens = ids[start : start + _BATCH, None]
        rows = F.pad(tokens, (len(before), len(after)))
        rows[:, : len(before)] = torch.tensor(before)
        rows[:, len(before) + 1 :] = torch.tensor(after)
        states = encoder.states(rows, torch.ones_like(rows, dtype=torch.bool))
        vectors[start : start + len(rows)] = states.double().mean(1).numpy()
    return vectors


def principal_components(
    vectors: npt.NDArray[np.float64], dim: int
) -> tuple[npt.NDArray[np.float64], float]:
    """Return vectors [rows, width] by their first `dim` principal components [rows, dim].

    The sign of each component is such that its largest weight is positive, on every machine.

    Returns:
        The centered and rotated vectors, and the share of the variance that they keep.
    """
    centered = vectors - vectors.mean(0)
    variances, axes = np.linalg.eigh(centered.T @ centered)
    order = np.argsort(variances)[::-1][:dim]
    axes = axes[:, order]
    largest = np.abs(axes).argmax(0)
    axes = axes * np.sign(axes[largest, np.arange(dim)])
    total = max(float(variances.clip(min=0).sum()), 1e-300)
    return centered @ axes, float(variances[order].clip(min=0).sum()) / total


def sif_weights(vocabulary: Vocabulary) -> npt.NDArray[np.float64]:
    """Return a / (a + p) of each token, OOV first, then id 4 on [tokens].

    p is the token's share of the texts that the tokenizer was fitted on. A vocabulary without
    counts is taken as sorted by frequency, with shares as 1 / rank (Zipf's law).
    """
    counts = np.asarray(vocabulary.counts[len(RESERVED) :], dtype=np.float64)
    if not counts.any():
        counts = 1 / np.arange(2.0, len(counts) + 2)
    # a token that OOV stands for is as rare as the rarest
    counts = np.concatenate([counts[counts > 0].min(keepdims=True), counts])
    weights: npt.NDArray[np.float64] = _WEIGHT / (_WEIGHT + counts / counts.sum())
    return weights


def _build(
    model: Model, name: str, vocabulary: Vocabulary, vectors: npt.NDArray[np.float64]
) -> Model:
    """Return the model `mean` with these vectors: OOV, then id 4 on."""
    tokenizer = model.recipe.section("tokenizer")
    recipe = make_recipe(
        {
            "input": "two_texts",
            "task": "similarity",
            "similarity": {"pooling": "pooled", "lowest": 0.0, "highest": 1.0},
            "tokenizer": {
                "name": tokenizer.name,
                "settings": dict(tokenizer.settings),
                "min_frequency": tokenizer.min_frequency,
                "max_size": tokenizer.max_size,
                "add_go_eos": True,
            },
            "model": {
                "name": "mean",
                "dim": vectors.shape[1],
                "combiner": "mean",
                "ngrams": 1,
                "subword_ngrams": 0,
            },
        }
    )
    teacher: Any = model.input
    fitted: Any = recipe.input_class(recipe, teacher.tokenizer)  # type: ignore[call-arg]
    task = recipe.task_class.restore(recipe).with_input(fitted)
    with seed_initialization(0):
        network = build_network(recipe, task, fitted.size)
    [encoder] = find_encoders(network)
    rows = torch.zeros(vocabulary.size, vectors.shape[1])
    rows[OOV] = torch.from_numpy(vectors[0]).float()
    rows[len(RESERVED) :] = torch.from_numpy(vectors[1:]).float()
    with torch.no_grad():
        encoder.embedding.weight.copy_(rows)
    metrics = {
        "validation": {},
        "training": {},
        STATIC: {"source": Path(name).name, "model": model.recipe.model_name},
    }
    return Model(recipe, fitted, task, network.eval(), metrics)
