"""Models trained for a moment, whose insides tests look at."""

from functools import cache
from typing import Any

import numpy as np

from munjang.api import train
from munjang.model import Model
from tests.synthetic import make_corpus

TEXTS, LABELS = make_corpus(60, korean=True)
_QUICK = (
    *("model.dim=8", "model.bag_dim=0", "training.epochs=1", "training.threads=1"),
    *("training.batch_size=16",),
)


@cache
def small_model(name: str, *overrides: str, tokenizer: str = "words", texts: int = 60) -> Model:
    """A classifier of Korean texts."""
    data = (TEXTS[:texts], LABELS[:texts])
    quick = [one for one in _QUICK if name != "mean" or "bag_dim" not in one]
    chosen = (*quick, *overrides)
    return train(data, model=name, tokenizer=tokenizer, overrides=chosen).model


@cache
def small_language_model(name: str) -> Model:
    """A language model of the same texts."""
    overrides = (*_QUICK, "data.window=8")
    chosen = [one for one in overrides if "bag_dim" not in one]
    return train(
        (TEXTS, LABELS), task="language", input="stream", model=name, overrides=chosen
    ).model


def first_token_texts(count: int, shortest: int, longest: int) -> tuple[list[str], list[str]]:
    """Texts whose label is their first token, and labels."""
    random = np.random.default_rng(0)
    texts, labels = [], []
    for _ in range(count):
        number = int(random.integers(2))
        others = random.choice(list("abcd"), int(random.integers(shortest, longest)))
        texts.append(" ".join(["XY"[number], *others]))
        labels.append(("no", "yes")[number])
    return texts, labels


def train_on_first_token(cell: str) -> tuple[Any, tuple[list[str], list[str]]]:
    """Train a recurrent network whose last state must still know the first token."""
    overrides = (
        *("model.dim=8", "model.bag_dim=0", "model.hidden_dim=16", "model.directions=1"),
        *("model.pooling=last", "model.subword_ngrams=0", "model.token_dropout=0"),
        *("model.dropout=0", "model.embedding_dropout=0", "tokenizer.add_go_eos=false"),
        *("training.threads=1", "training.batch_size=16", "training.learning_rate=0.02"),
        *("training.epochs=8", "training.weight_decay=0"),
    )
    valid = first_token_texts(60, 14, 15)
    trained = train(
        first_token_texts(400, 1, 14),
        valid=valid,
        model=cell,
        tokenizer="words",
        overrides=overrides,
    )
    return trained, valid
