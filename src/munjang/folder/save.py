"""Writing of model folders: JSON, weights and the frame of the model card."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors.numpy import save_file as save_arrays
from safetensors.torch import save_file
from torch import nn

from munjang import __version__
from munjang.config import to_yaml
from munjang.folder.layout import CARD, CONFIG, METRICS_FILE, WEIGHTS, make_folder
from munjang.folder.lock import hold_lock
from munjang.folder.manifest import (
    list_manifest_files,
    write_atomically,
    write_manifest,
    write_whole,
)
from munjang.folder.packing import Packing, read_packing
from munjang.folder.replacement import replace_model
from munjang.layers.subword_table import computed_buffers
from munjang.reporting import escape_markdown
from munjang.tasks.metric_table import METRICS
from munjang.tasks.task import Card

# Section of `metrics.json` of a model whose weights come from elsewhere.
IMPORTED = "imported"
# The section of `metrics.json` of a model that is made of static vectors.
STATIC = "static_vectors"


def write_folder(
    folder: str | Path,
    *,
    config: Mapping[str, Any],
    network: nn.Module,
    metrics: Mapping[str, Any],
    card: str,
    others: Mapping[str, str],
) -> Path:
    """Write a model folder, manifest last; an earlier model stays until this one is complete.

    Args:
        folder: folder, which is made if it does not exist.
        config: content of `config.yaml`.
        network: network whose weights to save.
        metrics: content of `metrics.json`.
        card: content of `README.md`.
        others: contents of other files by name.

    Raises:
        FolderError: another process writes there, or the folder is not writable.
        OSError: a file cannot be written; it is named.
    """
    folder = make_folder(folder)
    texts = {
        CONFIG: to_yaml(config),
        **others,
        METRICS_FILE: to_json(metrics, indent=2),
        CARD: card,
    }
    with hold_lock(folder), replace_model(folder) as place:
        for name, text in texts.items():
            write_atomically(place / name, text)
        _save_weights(place / WEIGHTS, network, read_packing(metrics))
        written = [*texts, WEIGHTS]
        for name in list_manifest_files(place):
            if name not in written:  # of a model of another kind
                (place / name).unlink(missing_ok=True)
        write_manifest(place, written, __version__)
    return folder


def to_json(values: Any, indent: int | None = None) -> str:
    """Return JSON with a final line break and readable Hangul; NaN and infinity become null.

    JSON has no NaN and no infinity.
    """
    try:
        text = json.dumps(values, ensure_ascii=False, indent=indent, allow_nan=False)
    except ValueError:
        text = json.dumps(_finite(values), ensure_ascii=False, indent=indent, allow_nan=False)
    return f"{text}\n"


def _finite(values: Any) -> Any:
    """Return plain values with None for each number that is not finite."""
    if isinstance(values, Mapping):
        return {key: _finite(value) for key, value in values.items()}
    if isinstance(values, list | tuple):
        return [_finite(value) for value in values]
    return None if isinstance(values, float) and not math.isfinite(values) else values


def _save_weights(path: Path, network: nn.Module, packing: Packing | None) -> None:
    weights = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    with write_whole(path) as partial:
        if packing is None:
            save_file(weights, partial)
        else:
            for name in computed_buffers(network):
                del weights[name]
            arrays = {name: tensor.numpy(force=True) for name, tensor in weights.items()}
            save_arrays(packing.apply(arrays), partial)


def card_page(
    card: Card,
    metrics: Mapping[str, Any],
    *,
    made_of: str,
    rows: str,
    in_python: str,
    typed: str,
    limits: str,
    teachers: str = "",
    began: str = "",
) -> str:
    """Return `README.md` of the folder.

    Args:
        card: the task's part of the card.
        metrics: content of `metrics.json`.
        made_of: architecture and input.
        rows: plural noun for rows.
        in_python: argument of `predict` in Python.
        typed: argument of `munjang predict`.
        limits: limits of the model.
        teachers: section about the teachers of a distilled model.
        began: what its weights began from; "" if they were random.
    """
    scores, training = metrics["validation"], metrics["training"]
    values = ", ".join(
        f"{metric.title} {_format_metric(scores[name])}"
        for name, metric in METRICS.items()
        if name in scores
    )
    files = escape_markdown(training["files"], 300)
    article = "An" if card.kind[0] in "aeiou" else "A"
    return f"""# {article} {card.kind} made with munjang {__version__}

{made_of}
{card.about}

## How good it is

On {scores["rows"]:,} validation {rows}, which also chose the best step: {values}.

{card.details}

{teachers}## How it was made

Trained on {training["rows"]:,} {rows} of {files}, {training["steps"]:,} steps, \
{training["seconds"]:.0f} s.{began} The recipe is in `config.yaml`, all metrics in `metrics.json`.

## How to use it

    import munjang
    munjang.load("path/to/this/folder").predict({in_python})

or `munjang predict path/to/this/folder {typed}`.

## Limits

{limits}
"""


def imported_page(imported: Mapping[str, Any], *, made_of: str, limits: str) -> str:
    """Return `README.md` of a folder with an imported model.

    Args:
        imported: the section `IMPORTED` of `metrics.json`.
        made_of: architecture, input and task.
        limits: limits of the input.
    """
    source = escape_markdown(str(imported["source"]))
    left_out = "".join(f"- {escape_markdown(str(line), 300)}\n" for line in imported["left_out"])
    left_out = left_out and f"\n{left_out}"
    return f"""# A model imported with munjang {__version__}

{made_of}
Its weights are those of the checkpoint {source} (`{escape_markdown(str(imported["architecture"]))}`
of Hugging Face transformers). Its authors say how it was trained, and under which terms it may be
used.
{left_out}
## How to use it

    import munjang
    munjang.load("path/to/this/folder")

## Limits

No scores are known: nothing was trained or measured here. {limits}
"""


def static_page(static: Mapping[str, Any], *, made_of: str, limits: str) -> str:
    """Return `README.md` of a folder with static vectors.

    Args:
        static: the section `STATIC` of `metrics.json`.
        made_of: architecture, input and task.
        limits: limits of the input.
    """
    source, model = (escape_markdown(str(static[key])) for key in ("source", "model"))
    return f"""# Static vectors made with munjang {__version__}

{made_of}
The vector of each token is that of the token alone by the model {source} (`{model}`), shortened by
principal components and weighted by its frequency. The vector of a text is the mean of its tokens'.

## How to use it

    import munjang
    munjang.load("path/to/this/folder").embed(["a text"])

or `munjang embed path/to/this/folder`, and `munjang train --from path/to/this/folder`.

## Limits

No scores are known: nothing was trained or measured here. {limits}
"""


def _format_metric(value: float | None) -> str:
    return "not defined" if value is None else f"{value:.4f}"
