"""Model folders, which PyTorch runs."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from munjang.baselines import Baseline
from munjang.errors import ConfigError
from munjang.folder.load import load
from munjang.inputs.arrays import ArrayInput
from munjang.model import EncodesTexts, Model
from munjang.serving.backend import Answer, Description
from munjang.serving.skills import (
    ANSWERS,
    CLASSIFIES,
    CONTINUES,
    EMBEDS,
    EXPLAINS,
    HAS_WORDS,
    RANKS_TOKENS,
    TRANSLATES,
    Skill,
)
from munjang.tasks.continuous import ContinuousTexts
from munjang.tasks.task import Decodes, Generates, GivesProbabilities, RanksTokens
from munjang.tasks.word_answers import NearWord
from munjang.word_vectors.model_words import has_words, words_of_model
from munjang.word_vectors.words import Words

# Skills that follow from the task.
_OF_TASKS: Mapping[Skill, Callable[[Any], bool]] = {
    CLASSIFIES: lambda task: isinstance(task, GivesProbabilities),
    RANKS_TOKENS: lambda task: isinstance(task, RanksTokens),
    CONTINUES: lambda task: isinstance(task, Generates),
    TRANSLATES: lambda task: isinstance(task, Decodes) and not isinstance(task, Generates),
}


class TrainedModel:
    """A model of a model folder.

    Args:
        model: the model.
    """

    def __init__(self, model: Model) -> None:
        self._model = model

    @cached_property
    def description(self) -> Description:
        """Facts about the model."""
        model, recipe = self._model, self._model.recipe
        of_words = [HAS_WORDS] if has_words(model) else []
        of_task = [skill for skill, is_of in _OF_TASKS.items() if is_of(model.task)]
        return Description(
            task=recipe.task,
            input=recipe.input,
            architecture=recipe.model_name,
            parameters=model.parameters,
            labels=model.labels,
            reads_pairs=isinstance(model.input, EncodesTexts),
            most_tokens=getattr(recipe.section("tokenizer"), "max_length", None),
            skills=(ANSWERS, EMBEDS, EXPLAINS, *of_words, *of_task),
        )

    def predict(self, values: Sequence[Any], **options: Any) -> Sequence[Answer]:
        """Return an answer per value; see `Model.predict`."""
        return self._model.predict(values, **options)

    def embed(self, values: Sequence[str], **options: Any) -> Any:
        """Return a vector per text; see `Model.embed`."""
        return self._model.embed(values, **options)

    @cached_property
    def _words(self) -> Words:
        """The tokens of the model with their vectors; computed when they are first asked for."""
        return words_of_model(self._model, "the model")

    def neighbors(self, words: Sequence[str], *, k: int) -> list[list[NearWord]]:
        """Return the words nearest to each word; see `Words.neighbors`."""
        return self._words.neighbors(words, k=k)

    def why(self, value: Any, **options: Any) -> Any:
        """Return how much each word gives to the answer; see `Model.why`."""
        return self._model.why(value, **options)

    def with_decoding(self, changes: Mapping[str, Any]) -> "TrainedModel":
        """Return the model with other settings of decoding."""
        return TrainedModel(self._model.with_decoding(changes))

    def open_texts(self) -> ContinuousTexts:
        """Return an empty collection of texts that are written together."""
        return ContinuousTexts(self._model)


def open_trained(folder: Path, threads: int) -> TrainedModel:
    """Load the model of a model folder.

    Args:
        folder: the folder.
        threads: threads of PyTorch, for all models of the process.

    Raises:
        ConfigError: a model that cannot be served.
        FolderError: a folder that cannot be loaded.
    """
    torch.set_num_threads(threads)
    model = load(folder)
    if isinstance(model, Baseline):
        raise ConfigError(f"{folder}: expected a trained model, got the baseline {model.name}")
    if isinstance(model.input, ArrayInput):
        raise ConfigError(
            f"{folder}: expected a model of texts, got one of the input {model.recipe.input}"
        )
    return TrainedModel(model)
