"""Words of texts whose vectors moved most in the training of a model."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from munjang.data.columns import text_column
from munjang.errors import ConfigError, FolderError
from munjang.explain.moved_words import MovedWords, find_moved_words
from munjang.explain.redraw import is_pretrained, redraw_network
from munjang.folder.load import load
from munjang.model import Model
from munjang.text.columns import values_and_offsets
from munjang.word_vectors.model_words import words_of_model
from munjang.word_vectors.words import Words

# Rarer words are seen too seldom to move by more than their noise.
_LEAST_COUNT = 5


def compute_moved_words(
    model: Model, name: str, texts: Sequence[str], *, most: int = 20
) -> MovedWords:
    """Compare the embedding of a model with that before its training.

    That is the initial one, drawn anew from the seed; of a model that began from another folder
    the embedding of that folder.

    Args:
        model: a model with an embedding of tokens.
        name: its folder, for messages.
        texts: only tokens that they have at least five times count.
        most: words that are returned.

    Raises:
        ConfigError: the model has no embedding, or the folder that it began from is gone.
        DataError: no token is in the texts often enough.
    """
    after = words_of_model(model, name)
    before = _words_before(model, name)
    counts = _count(model, texts)
    words = [
        word
        for word in after.words
        if counts.get(word, 0) >= _LEAST_COUNT and word in before.places
    ]
    vectors = [known.vectors[[known.places[word] for word in words]] for known in (before, after)]
    return find_moved_words(words, *vectors, most=most)


def _words_before(model: Model, name: str) -> Words:
    if not is_pretrained(model):
        return words_of_model(replace(model, network=redraw_network(model)), name)
    source = model.metrics["training"].get("pretrained", {}).get("source")
    try:
        start = load(Path(str(source)))
    except FolderError:
        raise ConfigError(
            f"{name}: its training began from {source}, whose embedding is needed to compare; "
            "there is no such model folder any more"
        ) from None
    return words_of_model(start, str(source))


def _count(model: Model, texts: Sequence[str]) -> dict[str, int]:
    """Return how often each token is in the texts."""
    tokenizer = getattr(model.input, "tokenizer", None)
    if tokenizer is None:
        raise ConfigError("expected a model of texts with a tokenizer of one side")
    ids, _ = values_and_offsets(tokenizer.encode(text_column(list(texts))))
    counts = np.bincount(ids, minlength=tokenizer.vocabulary.size)
    return dict(zip(tokenizer.vocabulary.tokens, counts.tolist(), strict=False))
