"""Small tasks that are learned whole: strings and dates that the model has never seen.

Each training takes seconds. What is asked of a model here is exact: every character right.
"""

import random
from datetime import date, timedelta
from typing import Any

import pytest

import munjang

pytestmark = pytest.mark.usefixtures("one_thread")

Pairs = list[tuple[str, str]]

MONTHS = "January February March April May June July August September October November December"
UNSEEN = 600
SHARED: dict[str, Any] = {
    "tokenizer.name": "characters",
    "translate.label_smoothing": 0,
    # exact match on a hundred pairs is whole long before it is on all: it could not choose
    "training.metric": "cross_entropy",
    "training.learning_rate": 0.005,
    "training.batch_tokens": "null",
    "decoding.beam": 1,
}
RECURRENT = SHARED | {
    "model.dim": 32,
    "model.hidden_dim": 96,
    "model.dropout": 0,
    "model.embedding_dropout": 0,
    "training.epochs": 6,
    "training.batch_size": 32,
}
SETTINGS: dict[str, dict[str, Any]] = {
    "seq2seq": RECURRENT,
    "attentive": RECURRENT,
    "transformer": SHARED
    | {
        "model.dim": 64,
        "model.layers": 1,
        "model.dropout": 0,
        "model.positions": "sinusoidal",
        "training.epochs": 6,
        "training.batch_size": 64,
    },
}


def random_strings(count: int, shortest: int, longest: int) -> list[str]:
    strings, draw = set[str](), random.Random(0)
    while len(strings) < count:
        strings.add("".join(draw.choices("abcdefghij", k=draw.randint(shortest, longest))))
    result = sorted(strings)
    draw.shuffle(result)
    return result


def random_dates(count: int) -> Pairs:
    days = [
        date(1900, 1, 1) + timedelta(days=n) for n in random.Random(0).sample(range(80_000), count)
    ]
    return [(f"{d.day} {MONTHS.split()[d.month - 1]} {d.year}", d.isoformat()) for d in days]


def make_pairs(task: str) -> Pairs:
    if task == "date":
        return random_dates(7000 + UNSEEN)
    answer = {"copy": str, "reverse": lambda s: s[::-1], "sort": lambda s: "".join(sorted(s))}[task]
    return [(s, answer(s)) for s in random_strings(7000 + UNSEEN, 2, 6)]


def train_and_score(model: str, pairs: Pairs, **changed: Any) -> float:
    """Share of the last pairs, which no training sees, that are answered right."""
    train, valid, unseen = pairs[:-UNSEEN], pairs[-UNSEEN : -UNSEEN + 100], pairs[-UNSEEN + 100 :]
    settings = SETTINGS[model] | changed
    trained = munjang.train(
        tuple(map(list, zip(*train, strict=True))),
        task="translate",
        model=model,
        valid=tuple(map(list, zip(*valid, strict=True))),
        overrides=[f"{key}={value}" for key, value in settings.items()],
    )
    answers = trained.model.predict([source for source, _ in unseen])
    right = [a.text == expected for a, (_, expected) in zip(answers, unseen, strict=True)]
    return sum(right) / len(right)


# each model learns one task; the other tasks in the whole suite
@pytest.mark.parametrize(
    ("task", "model"),
    [
        ("reverse", "attentive"),
        ("date", "transformer"),
        pytest.param("copy", "transformer", marks=pytest.mark.slow),
        pytest.param("sort", "attentive", marks=pytest.mark.slow),
        pytest.param("copy", "attentive", marks=pytest.mark.slow),
        pytest.param("reverse", "transformer", marks=pytest.mark.slow),
        pytest.param("sort", "transformer", marks=pytest.mark.slow),
        pytest.param("date", "attentive", marks=pytest.mark.slow),
    ],
)
def test_task_is_generalized(task: str, model: str) -> None:
    # where characters of the answer depend on several of the source, it takes longer
    more = {"training.epochs": 8} if task in ("sort", "date") else {}
    assert train_and_score(model, make_pairs(task), **more) >= 0.99


def test_attention_solves_longer_reversal_than_one_vector() -> None:
    """Strings of up to sixteen characters backwards: the state handed over has to hold them all."""
    long = [(s, s[::-1]) for s in random_strings(3000 + UNSEEN, 10, 16)]
    result = {name: train_and_score(name, long) for name in ("seq2seq", "attentive")}
    assert result["attentive"] >= result["seq2seq"] + 0.4
