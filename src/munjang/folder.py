"""The model folder: all that prediction needs, without pickle, written atomically, checksummed.

`munjang.layout` says which file holds what.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from munjang import __version__
from munjang.config import merge, read_yaml, to_yaml
from munjang.data.batches import Examples
from munjang.data.columns import text_column
from munjang.data.encode import EncodedTexts, encode_texts
from munjang.data.readers.values import ReadLabels
from munjang.errors import FolderError
from munjang.layout import CARD, CONFIG, FILES, METRICS, TOKENIZER, VOCABULARY, WEIGHTS
from munjang.manifest import FILE as MANIFEST
from munjang.manifest import check_manifest, write_atomically, write_manifest, written_whole
from munjang.models.registry import build_encoder
from munjang.recipe import DataSettings, Recipe
from munjang.tasks.figures import FIGURES
from munjang.tasks.task import Floats, Task
from munjang.text.registry import tokenizer_from_json
from munjang.text.tokenizer import Tokenizer
from munjang.text.vocabulary import Vocabulary
from munjang.training.inference import logits_of


@dataclass(frozen=True)
class TextModel:
    """A trained model: tokenizer, network and task.

    Attributes:
        recipe: how it was made.
        tokenizer: fitted.
        task: from logits to answers in people's words.
        network: in evaluation mode.
        metrics: what `metrics.json` holds.
    """

    recipe: Recipe
    tokenizer: Tokenizer
    task: Task
    network: nn.Module
    metrics: dict[str, Any]

    @property
    def columns(self) -> DataSettings:
        """The columns and the encoding of the files that it was trained on."""
        return self.recipe.data

    @property
    def read_labels(self) -> ReadLabels:
        """How its label column is read."""
        return self.task.reader(self.recipe.task_settings)

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the labels, in the order of the columns of `predict_proba`; empty if none."""
        return self.task.labels

    def predict(self, texts: str | Iterable[str]) -> list[Any]:
        """An answer to each text. One string counts as a list of one.

        Returns:
            What the task answers with: of `classify` a `munjang.tasks.classify.Prediction`, of
            `regress` a `munjang.tasks.regress.NumberAnswer`, of `multilabel` a
            `munjang.tasks.multilabel.LabelsAnswer`.

        Raises:
            DataError: a text is None or not a string; its place is named.
        """
        encoded = self._encode(texts)
        return list(self.task.answers(self._logits(encoded), encoded.truncated))

    def predict_proba(self, texts: str | Iterable[str]) -> Floats:
        """Probabilities [texts, classes]; columns in the order of `labels`.

        Raises:
            DataError: as `predict`.
            ConfigError: the task has no probabilities.
        """
        return self.task.probabilities(self.logits(texts))

    def logits(self, texts: str | Iterable[str]) -> Tensor:
        """What the head gives for each text, [texts, outputs].

        Raises:
            DataError: as `predict`.
        """
        return self._logits(self._encode(texts))

    def _encode(self, texts: str | Iterable[str]) -> EncodedTexts:
        longest, ends = self.recipe.longest_kept, self.recipe.tokenizer.ends
        return encode_texts(self.tokenizer, text_column(texts), max_length=longest, ends=ends)

    def _logits(self, encoded: EncodedTexts) -> Tensor:
        if len(encoded.column) == 0:
            return torch.empty(0, self.task.outputs)
        return logits_of(self.network, Examples(encoded.column))

    def save(self, folder: str | Path) -> Path:
        """Write the model folder; files of an earlier model in it are replaced."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        # half an old model and half a new one must not look whole
        (folder / MANIFEST).unlink(missing_ok=True)
        config = merge(self.recipe.to_dict(), self.task.learned())
        write_atomically(folder / CONFIG, to_yaml(config))
        write_atomically(folder / TOKENIZER, _json(self.tokenizer.to_json()))
        write_atomically(folder / VOCABULARY, _json(self.tokenizer.vocabulary.to_json()))
        _save_weights(folder / WEIGHTS, self.network.state_dict())
        write_atomically(folder / METRICS, _json(self.metrics, indent=2))
        write_atomically(folder / CARD, model_card(self))
        write_manifest(folder, FILES, __version__)
        return folder


def load(folder: str | Path) -> TextModel:
    """The model in `folder`, ready to predict on the CPU.

    Raises:
        FolderError: the folder is missing, unfinished, altered, or made by a newer version.
    """
    folder = Path(folder)
    check_manifest(folder, FILES)
    recipe = Recipe.parse(read_yaml(folder / CONFIG), where=str(folder / CONFIG))
    vocabulary = Vocabulary.from_json(_read_json(folder / VOCABULARY))
    tokenizer = tokenizer_from_json(_read_json(folder / TOKENIZER), vocabulary)
    task = recipe.task_row.task.restore(recipe.task_settings, recipe.labels or ())
    network = task.network(build_encoder(recipe.model, vocabulary.size))
    try:
        # copies: a tensor of safetensors is the mapped file itself, and whoever copies a new model
        # over this one would change it under a running server, or end it
        weights = {name: tensor.clone() for name, tensor in load_file(folder / WEIGHTS).items()}
        network.load_state_dict(weights, assign=True)
    except (SafetensorError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise FolderError(f"{folder / WEIGHTS}: these weights do not fit: {reason}") from None
    return TextModel(recipe, tokenizer, task, network.eval(), _read_json(folder / METRICS))


def _json(values: Any, indent: int | None = None) -> str:
    return json.dumps(values, ensure_ascii=False, indent=indent) + "\n"


def _read_json(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def _save_weights(path: Path, weights: dict[str, Tensor]) -> None:
    with written_whole(path) as partial:
        save_file({name: tensor.contiguous() for name, tensor in weights.items()}, partial)


def model_card(model: TextModel) -> str:
    """`README.md` of the folder: what the model is, how good, how it was made, how to use it."""
    scores = model.metrics["validation"]
    training = model.metrics["training"]
    card = model.task.card(scores)
    longest = model.recipe.longest_kept
    figures = ", ".join(
        f"{figure.title} {_figure(scores[name])}"
        for name, figure in FIGURES.items()
        if name in scores
    )
    return f"""# A {card.kind} made with munjang {__version__}

Architecture `{model.recipe.model_name}` on `{model.recipe.tokenizer.name}`, \
{sum(p.numel() for p in model.network.parameters()):,} parameters.
{card.about}

## How good it is

On {scores["rows"]:,} validation rows, which also chose the best step: {figures}.

{card.details}

## How it was made

Trained on {training["rows"]:,} rows of {training["files"]}, {training["steps"]:,} steps, \
{training["seconds"]:.0f} s. The recipe stands in `config.yaml`, all figures in `metrics.json`.

## How to use it

    import munjang
    munjang.load("path/to/this/folder").predict(["a text"])

or `munjang predict path/to/this/folder "a text"`.

## Limits

It knows only what stood in its training texts. {card.limits} Texts longer than {longest} tokens are
cut, and the answer says so. Check it on your own texts before you rely on it.
"""


def _figure(value: float | None) -> str:
    return "not defined" if value is None else f"{value:.4f}"
