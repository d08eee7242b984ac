"""Texts whose label a made-up word decides, and small models that learned it."""

from functools import cache
from typing import Any

import numpy as np

from munjang.api import train
from munjang.model import Model
from tests.synthetic import QUICK

# The word that decides each label, and words that decide nothing.
PLANTED = {"yes": "zorpel", "no": "blimga"}
FILLERS = ["the", "film", "plot", "and", "actors", "was", "music", "영화", "배우", "정말"]
ARCHITECTURES = ["mean", "cnn", "rnn", "lstm", "gru", "transformer", "bert"]
_SMALL = {
    "transformer": ("model.layers=1", "model.heads=2"),
    "bert": (
        *("model.layers=1", "model.heads=2", "model.dim=16", "model.dropout=0"),
        *("training.learning_rate=0.01", "training.epochs=14", "model.embedding_dropout=0"),
    ),
}


def make_planted(rows: int, *, seed: int = 0) -> tuple[list[str], list[str]]:
    """Return texts and labels; one word of each text decides."""
    random = np.random.default_rng(seed)
    texts, labels = [], []
    for number in range(rows):
        label = ("yes", "no")[number % 2]
        words = [*random.choice(FILLERS, random.integers(3, 9)), PLANTED[label]]
        random.shuffle(words)
        texts.append(" ".join(words))
        labels.append(label)
    return texts, labels


@cache
def planted_model(architecture: str, *overrides: str) -> Model:
    """Return a trained model that all tests of a process share."""
    settings = [*QUICK, "tokenizer.name=words", *_SMALL.get(architecture, ()), *overrides]
    data: Any = make_planted(160)
    model: Model = train(data, task="classify", model=architecture, overrides=settings).model
    return model
