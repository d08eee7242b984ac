"""The model folder of texts: all that prediction needs, written atomically, checksummed.

`munjang.layout` says which file holds what; `munjang.media.load` reads folders of any kind.
"""

from collections import Counter
from collections.abc import Iterable, Sequence, Sized
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy.typing as npt
import polars as pl
import torch
from torch import Tensor, nn

from munjang.config import merge
from munjang.contents import card_page, to_json, write_folder
from munjang.data.batches import Examples
from munjang.data.collection import texts_of
from munjang.data.columns import text_column
from munjang.data.encode import EncodedTexts, encode_texts
from munjang.data.few import EncodedFew, encode_few
from munjang.data.readers.values import ReadLabels
from munjang.errors import ConfigError
from munjang.explain.attention import Attention
from munjang.explain.text_attention import text_attention
from munjang.forked import is_forked
from munjang.layers.subword_embedding import with_oov_words
from munjang.layout import CARD, FILES, TOKENIZER, VOCABULARY
from munjang.loading import (
    check_labels,
    check_numbers,
    load_metrics,
    load_network,
    load_recipe,
    load_tokenizer,
    reading_metrics,
)
from munjang.recipe import DataSettings, Recipe
from munjang.sealed import SealedFolder, as_folder_errors, open_sealed
from munjang.tasks.inference import logits_of
from munjang.tasks.task import Floats, Task, TaskScores
from munjang.text.tokenizer import Tokenizer
from munjang.text_network import text_network

_FEW = 128


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

    def usable(
        self, texts: Sequence[str], skipped: Counter[str] | None
    ) -> tuple[Sequence[int], Sequence[str]]:
        """Places from 1, and texts: any text can be answered."""
        return range(1, len(texts) + 1), texts

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

    def scores(self, texts: pl.Series, targets: npt.NDArray[Any]) -> TaskScores:
        """Judge the answers to `texts` against the task's `targets` [texts, ...]."""
        encoded = encode_texts(self.tokenizer, texts, **self._encoding)
        network = with_oov_words(self.network, encoded.unknown)
        return self.task.judge(network, Examples(encoded.column, targets))

    def attention(self, text: str, target: str | None = None) -> Attention:
        """What the model looks at in one text.

        Raises:
            DataError: there is no token in the text.
            ConfigError: the model has no attention, or `target` is given, which
                goes with models that answer with a text.
        """
        if target is not None:
            raise ConfigError("a target is for models that answer with a text; this one does not")
        encoded = encode_texts(self.tokenizer, text_column(text), **self._encoding)
        return text_attention(
            text,
            encoded,
            tokenizer=self.tokenizer,
            network=with_oov_words(self.network, encoded.unknown),
            ends=self.recipe.tokenizer.ends,
        )

    @cached_property
    def _encoding(self) -> dict[str, Any]:
        return self.recipe.encoding

    def _encode(self, texts: str | Iterable[str]) -> EncodedFew | EncodedTexts:
        if is_forked() or isinstance(texts, str) or _are_few(texts):
            return encode_few(self.tokenizer, texts_of(texts), **self._encoding)
        return encode_texts(self.tokenizer, text_column(texts), **self._encoding)

    def _logits(self, encoded: EncodedFew | EncodedTexts) -> Tensor:
        rows = encoded.rows if isinstance(encoded, EncodedFew) else Examples(encoded.column)
        if len(rows) == 0:
            return torch.empty(0, self.task.outputs)
        return logits_of(with_oov_words(self.network, encoded.unknown), rows)

    def save(self, folder: str | Path) -> Path:
        """Write the model folder; files of an earlier model in it are replaced."""
        return write_folder(
            folder,
            config=merge(self.recipe.to_dict(), self.task.learned()),
            network=self.network,
            metrics=self.metrics,
            card=model_card(self),
            others={
                TOKENIZER: to_json(self.tokenizer.to_json()),
                VOCABULARY: to_json(self.tokenizer.vocabulary.to_json()),
            },
        )


def _are_few(texts: object) -> bool:
    """Whether the way of one text is the shorter one; a column pays off from some hundreds on."""
    no_rows = getattr(texts, "shape", None) == ()  # one value of NumPy, which has no length
    return no_rows or (isinstance(texts, Sized) and len(texts) <= _FEW)


def load(folder: str | Path | SealedFolder) -> TextModel:
    """The text model in `folder`, ready to predict on the CPU. No random number is drawn.

    Raises:
        FolderError: the folder is missing, unfinished, altered, or of another format.
    """
    with as_folder_errors(folder):
        sealed = open_sealed(folder)
        sealed.expect(FILES)
        recipe = load_recipe(sealed, Recipe)
        check_labels(sealed, recipe.labels, named=recipe.task != "regress")
        check_numbers(sealed, "regress", recipe.regress.model_dump(include={"mean", "scale"}))
        check_numbers(sealed, "multilabel.thresholds", recipe.multilabel.thresholds or {})
        asked = recipe.tokenizer
        tokenizer = load_tokenizer(
            sealed, TOKENIZER, VOCABULARY, name=asked.name, settings=asked.settings
        )
        task = recipe.task_class.restore(recipe.task_settings, recipe.labels or ())
        size = tokenizer.vocabulary.size
        network = load_network(sealed, lambda: text_network(recipe, task, size))
        metrics = load_metrics(sealed)
        sealed.check(CARD)
        model = TextModel(recipe, tokenizer, task, network, metrics)
        with reading_metrics(sealed):
            model_card(model)  # whoever saves it again writes one
        return model


def model_card(model: TextModel) -> str:
    """`README.md` of the folder: what the model is, how good, how it was made, how to use it."""
    card = model.task.card(model.metrics["validation"])
    numbers = sum(p.numel() for p in model.network.parameters())
    together = model.recipe.answer_together and f"; {model.recipe.answer_together}"
    return card_page(
        card,
        model.metrics,
        made_of=f"Architecture `{model.recipe.model_name}` on `{model.recipe.tokenizer.name}`, "
        f"{numbers:,} parameters{together}.",
        rows="rows",
        in_python='["a text"]',
        typed='"a text"',
        limits=f"It knows only what stood in its training texts. {card.limits} Texts longer than "
        f"{model.recipe.longest_kept} tokens are\ncut, and the answer says so. Check it on your "
        "own texts before you rely on it.",
    )
