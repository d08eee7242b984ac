"""The model folder: all that prediction needs, without pickle, written atomically, checksummed.

config.yaml         the recipe, labels included
tokenizer.json      settings and state of the tokenizer
vocabulary.json     tokens and counts
model.safetensors   weights
metrics.json        scores on the validation part, history, and how it was trained
README.md           a model card
manifest.json       checksums of all of these; written last
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from munjang import __version__
from munjang.config import read_yaml, to_yaml
from munjang.data.batches import Examples
from munjang.data.encode import EncodedTexts, encode_texts
from munjang.errors import ConfigError, DataError, FolderError
from munjang.manifest import FILE as MANIFEST
from munjang.manifest import check_manifest, write_atomically, write_manifest
from munjang.models.registry import build_encoder
from munjang.recipe import Recipe
from munjang.tasks.classify import Classify, Floats
from munjang.text.registry import tokenizer_from_json
from munjang.text.tokenizer import Tokenizer
from munjang.text.vocabulary import Vocabulary
from munjang.training.checkpoints import FILE as CHECKPOINT
from munjang.training.inference import logits_of

CONFIG, TOKENIZER, VOCABULARY = "config.yaml", "tokenizer.json", "vocabulary.json"
WEIGHTS, METRICS, CARD = "model.safetensors", "metrics.json", "README.md"
LOGS = ("metrics.jsonl", "tensorboard")
FILES = (CONFIG, TOKENIZER, VOCABULARY, WEIGHTS, METRICS, CARD)


@dataclass(frozen=True)
class Prediction:
    """What the model says of one text.

    Attributes:
        label: the likeliest class.
        probability: its probability.
        probabilities: of every class, by label.
        truncated: the text was longer than the model reads; only its beginning counted.
    """

    label: str
    probability: float
    probabilities: dict[str, float]
    truncated: bool = False


@dataclass(frozen=True)
class TextModel:
    """A trained classifier: tokenizer, network and labels.

    Attributes:
        recipe: how it was made.
        tokenizer: fitted.
        task: labels, and logits to probabilities.
        network: in evaluation mode.
        metrics: what `metrics.json` holds.
    """

    recipe: Recipe
    tokenizer: Tokenizer
    task: Classify
    network: nn.Module
    metrics: dict[str, Any]

    @property
    def labels(self) -> tuple[str, ...]:
        """Class names, in the order of the columns of `predict_proba`."""
        return self.task.labels

    def predict(self, texts: str | Iterable[str]) -> list[Prediction]:
        """Label and probabilities of each text. One string counts as a list of one.

        Raises:
            DataError: a text is None or not a string; its place is named.
        """
        encoded = self._encode([texts] if isinstance(texts, str) else texts)
        chances = self._probabilities(encoded)
        best = chances.argmax(1)
        return [
            Prediction(
                label=self.labels[b],
                probability=float(row[b]),
                probabilities=dict(zip(self.labels, row.tolist(), strict=True)),
                truncated=bool(cut),
            )
            for b, row, cut in zip(best, chances, encoded.truncated, strict=True)
        ]

    def predict_proba(self, texts: Iterable[str]) -> Floats:
        """Probabilities [texts, classes]; columns in the order of `labels`."""
        return self._probabilities(self._encode(texts))

    def _encode(self, texts: Iterable[str]) -> EncodedTexts:
        longest, ends = self.recipe.longest_kept, self.recipe.tokenizer.ends
        return encode_texts(self.tokenizer, text_column(texts), max_length=longest, ends=ends)

    def _probabilities(self, encoded: EncodedTexts) -> Floats:
        if len(encoded.column) == 0:
            return np.empty((0, len(self.labels)))
        return self.task.probabilities(logits_of(self.network, Examples(encoded.column)))

    def save(self, folder: str | Path) -> Path:
        """Write the model folder; files of an earlier model in it are replaced."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        config = {**self.recipe.to_dict(), "labels": list(self.labels)}
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
    check_manifest(folder)
    recipe = Recipe.parse(read_yaml(folder / CONFIG), where=str(folder / CONFIG))
    vocabulary = Vocabulary.from_json(_read_json(folder / VOCABULARY))
    tokenizer = tokenizer_from_json(_read_json(folder / TOKENIZER), vocabulary)
    task = Classify(recipe.labels or (), recipe.classify)
    network = task.network(build_encoder(recipe.model, vocabulary.size))
    try:
        network.load_state_dict(load_file(folder / WEIGHTS), assign=True)
    except (SafetensorError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise FolderError(f"{folder / WEIGHTS}: these weights do not fit: {reason}") from None
    return TextModel(recipe, tokenizer, task, network.eval(), _read_json(folder / METRICS))


def text_column(texts: Iterable[str]) -> pl.Series:
    """A column of texts from any iterable of strings.

    Raises:
        DataError: an entry is None, not a string, or holds half of a surrogate pair.
    """
    if isinstance(texts, pl.Series) and texts.dtype == pl.String and not texts.null_count():
        return texts
    listed = list(texts)
    for place, text in enumerate(listed):
        if not isinstance(text, str):
            raise DataError(f"texts[{place}]: expected a string, got {type(text).__name__}")
    try:
        return pl.Series("text", listed, dtype=pl.String)
    except UnicodeEncodeError:
        place = next(i for i, text in enumerate(listed) if not _is_unicode(text))
        raise DataError(
            f"texts[{place}]: holds half of a surrogate pair, which is no character; decode the "
            "text with errors='replace'"
        ) from None


def _is_unicode(text: str) -> bool:
    return not any(0xD800 <= ord(character) <= 0xDFFF for character in text)


def _json(values: Any, indent: int | None = None) -> str:
    return json.dumps(values, ensure_ascii=False, indent=indent) + "\n"


def _read_json(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def _save_weights(path: Path, weights: dict[str, Tensor]) -> None:
    partial = path.with_name(path.name + ".partial")
    save_file({name: tensor.contiguous() for name, tensor in weights.items()}, partial)
    partial.replace(path)


def model_card(model: TextModel) -> str:
    """`README.md` of the folder: what the model is, how good, how it was made, how to use it."""
    scores = model.metrics["validation"]
    training = model.metrics["training"]
    kinds = "\n".join(
        f"| {c['label']} | {c['precision']:.3f} | {c['recall']:.3f} | {c['f1']:.3f} | {c['rows']} |"
        for c in scores["classes"]
    )
    return f"""# A text classifier made with munjang {__version__}

Architecture `{model.recipe.model_name}` on `{model.recipe.tokenizer.name}`, \
{sum(p.numel() for p in model.network.parameters()):,} parameters.
Classes: {", ".join(model.labels)}.

## How good it is

On {scores["rows"]:,} validation rows, which also chose the best step: accuracy \
{scores["accuracy"]:.4f}, macro F1 {scores["macro_f1"]:.4f}, log loss {scores["log_loss"]:.4f}, \
calibration error {scores["calibration_error"]:.4f}.

| class | precision | recall | F1 | rows |
|---|---|---|---|---|
{kinds}

## How it was made

Trained on {training["rows"]:,} rows of {training["files"]}, {training["steps"]:,} steps, \
{training["seconds"]:.0f} s. The recipe stands in `config.yaml`, all figures in `metrics.json`.

## How to use it

    import munjang
    munjang.load("path/to/this/folder").predict(["a text"])

or `munjang predict path/to/this/folder "a text"`.

## Limits

It knows only what stood in its training texts. It always answers with one of the classes above,
also for a text of none of them. Texts longer than {model.recipe.longest_kept} tokens are
cut, and the answer says so. Check it on your own texts before you rely on it.
"""


def open_for_training(
    out: str | Path | None, *, resume: bool = False, overwrite: bool = False
) -> Path | None:
    """Make the folder of a training, so that nothing in it is overwritten unasked.

    Raises:
        FolderError: a file, a finished model, an unfinished run or other files stand there.
        ConfigError: `resume` without a folder.
    """
    if out is None:
        if resume:
            raise ConfigError("resume needs the folder of the run to go on with")
        return None
    folder = Path(out)
    if folder.exists() and not folder.is_dir():
        raise FolderError(f"{folder}: expected a folder to write the model to, this is a file")
    if folder.exists() and not overwrite:
        _refuse_occupied(folder, resume)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FolderError(f"{folder}: cannot make this folder: {error.strerror}") from None
    (folder / MANIFEST).unlink(missing_ok=True)
    if overwrite and not resume:
        (folder / CHECKPOINT).unlink(missing_ok=True)
    return folder


def _refuse_occupied(folder: Path, resume: bool) -> None:
    if (folder / MANIFEST).exists():
        raise FolderError(
            f"{folder}: a finished model stands here; choose another folder, or --overwrite"
        )
    if resume:
        return
    if (folder / CHECKPOINT).exists():
        raise FolderError(
            f"{folder}: an unfinished training stands here; --resume goes on with it, "
            "--overwrite begins anew"
        )
    ours = {*FILES, *LOGS}
    foreign = sorted(path.name for path in folder.iterdir() if path.name not in ours)
    if foreign:
        raise FolderError(
            f"{folder}: this folder holds other files ({foreign[0]}); choose an empty one"
        )
