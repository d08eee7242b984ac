"""Every setting there is, with absurd values: one line that says what is wrong, or a training.

Drawn by hypothesis for all fields of all recipes; what is accepted is trained with, a few steps on
a few texts.
"""

import types
from collections.abc import Iterator
from typing import Any, Union, get_args, get_origin

import annotated_types
import hypothesis.strategies as st
import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from pydantic import BaseModel

import munjang
from munjang.comparison.budget import parse_budget
from munjang.config import merge
from munjang.errors import ConfigError, MunjangError
from munjang.recipe import recipe_class
from munjang.registry import TASK_ALIASES
from munjang.tuning.run import tune
from tests.architectures import (
    ARCHITECTURES,
    IMAGE_ARCHITECTURES,
    PAIR_ARCHITECTURES,
    WORD_VECTOR_ARCHITECTURES,
)
from tests.synthetic import make_corpus

pytestmark = pytest.mark.usefixtures("one_thread")

TEXTS, LABELS = make_corpus(24)
IMAGES = list(np.random.default_rng(0).integers(0, 255, (24, 6, 6), dtype=np.uint8))
DATA: dict[str, Any] = {
    "classify": (TEXTS, LABELS),
    "regress": (TEXTS, [len(text) for text in TEXTS]),
    "multilabel": (TEXTS, LABELS),
    "masked_lm": pl.DataFrame({"text": TEXTS}),
    "vectors": pl.DataFrame({"text": TEXTS}),
    "images": (IMAGES, LABELS),
    "translate": (TEXTS, TEXTS),
}
# A training of two steps, whatever else is set.
FEW = {"training": {"max_steps": 2, "epochs": 1, "threads": 1}}
SMALL = {
    "text": {"tokenizer": {"name": "words"}, "model": {"dim": 8}},
    # every word, so that a tenth of the texts has words that are neighbors
    "lines": {
        "tokenizer": {"name": "words", "min_frequency": 1},
        "vectors": {"sample": 0},
        "model": {"dim": 8},
    },
    "image": {"model": {"filters": [4]}},
    "parallel": {
        "tokenizer": {"name": "words"},
        "model": {"dim": 8},
        "decoding": {"max_length": 5},
    },
}
RUNS = [("text", "classify", name) for name in ARCHITECTURES]
RUNS += [("text", "regress", "mean"), ("text", "multilabel", "mean")]
RUNS += [("text", "masked_lm", name) for name in ("bert", "gru")]
RUNS += [("lines", "vectors", name) for name in ("skipgram", "cbow")]
RUNS += [("image", "images", name) for name in IMAGE_ARCHITECTURES]
RUNS += [("parallel", "translate", name) for name in PAIR_ARCHITECTURES]

REGISTRIES: dict[str, Any] = {
    "text": ARCHITECTURES,
    "lines": WORD_VECTOR_ARCHITECTURES,
    "image": IMAGE_ARCHITECTURES,
    "parallel": PAIR_ARCHITECTURES,
}
# Such a column or file of vectors does not exist, and a cache would be written to the working
# directory; other tests cover these settings.
ELSEWHERE = {"pretrained.vectors", "task", "input", "data.cache"}


def list_fields(model: type[BaseModel], before: str = "") -> Iterator[tuple[str, Any]]:
    """Every setting by its key, and its field."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            if name != "model":  # that of the architecture stands for it
                yield from list_fields(field.annotation, f"{before}{name}.")
        else:
            yield before + name, field


def list_settings(kind: str, task: str, name: str) -> Iterator[tuple[str, Any]]:
    """Every setting of a recipe, and of an architecture, by its key."""
    task_name, _ = TASK_ALIASES.get(task, (task, kind))
    yield from list_fields(recipe_class(kind, task_name))
    yield from list_fields(REGISTRIES[kind][name].config_class(), "model.")


def list_keys(kind: str, task: str, name: str) -> list[str]:
    return [key for key, _ in list_settings(kind, task, name) if key not in ELSEWHERE]


NUMBERS = [0, -1, 1, 2, 3, 10**6, 2**31, 2**63, 10**9, 10**20, 10**5000, -(10**30)]
FLOATS = [float("nan"), float("inf"), -float("inf"), 1e300, -1e300, 1e-300, 5e-324, 0.001, 0.5]
WORDS = ["", "no", "yes please", "none", "NaN", "1e20", "mps", "meta", "x" * 100_000, "\n\0\x1b[2J"]
DEEPLY_NESTED: Any = []
for _ in range(5000):
    DEEPLY_NESTED = [DEEPLY_NESTED]
SHAPED = [
    [],
    [0],
    [10**9],
    [1] * 5000,
    {},
    {"a": 1},
    {"good": 0.0, "bad": -1},
    None,
    True,
    DEEPLY_NESTED,
]
EXTREME = st.sampled_from([*NUMBERS, *FLOATS, *WORDS, *SHAPED])


def make_nested(key: str, value: Any) -> dict[str, Any]:
    for part in reversed(key.split(".")):
        value = {part: value}
    return dict(value)


def train_or_refuse(kind: str, task: str, name: str, changed: dict[str, Any]) -> bool:
    """Return whether a training ends well; otherwise one line said why it did not begin."""
    own = {"multilabel": {"separator": "|"}} if task == "multilabel" else {}
    config = merge(merge(merge(SMALL[kind], FEW), own), changed)
    message = ""
    try:
        trained = munjang.train(DATA[task], task=task, model=name, config=config)
    except MunjangError as error:
        message = str(error)
    else:
        assert trained.scores.is_finite
    assert "\n" not in message, message[:300]
    assert len(message) < 1000
    return not message


@pytest.mark.parametrize(("kind", "task", "name"), RUNS)
@settings(
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_random_value_is_refused_in_one_line_or_harmless(
    kind: str, task: str, name: str, data: st.DataObject
) -> None:
    key = data.draw(st.sampled_from(list_keys(kind, task, name)), label="key")
    value = data.draw(EXTREME, label="value")
    if key in ("training.max_steps", "training.epochs") and isinstance(value, int):
        value = -abs(value)  # as many as are asked for are made
    train_or_refuse(kind, task, name, make_nested(key, value))


def read_bounds(field: Any) -> tuple[bool, bool]:
    """Return whether a number has a lower and an upper bound."""
    below = (annotated_types.Ge, annotated_types.Gt)
    above = (annotated_types.Le, annotated_types.Lt)
    result = [*field.metadata]
    for part in get_args(field.annotation):
        result += getattr(part, "__metadata__", ())
    return (
        any(isinstance(each, below) for each in result),
        any(isinstance(each, above) for each in result),
    )


def is_number(annotation: Any) -> bool:
    """Return whether a setting is a number, or may be left out."""
    if get_origin(annotation) in (Union, types.UnionType):
        return any(is_number(part) for part in get_args(annotation))
    return annotation in (int, float)


@pytest.mark.parametrize(("kind", "task", "name"), RUNS)
def test_every_number_is_bounded(kind: str, task: str, name: str) -> None:
    checked_by_hand = {
        "model.kernel_size",
        "model.stride",
        "model.pool_size",
    }  # a number, or one per layer
    open_ended = [
        key
        for key, field in list_settings(kind, task, name)
        if is_number(field.annotation)
        and read_bounds(field) != (True, True)
        and key not in checked_by_hand
    ]
    assert open_ended == []


CASES = {
    "threads": ("text", {"training": {"threads": 10**9}}, "training.threads: input should be"),
    "dim": (
        "text",
        {"model": {"dim": 1e20}},
        "model: dim: unable to parse input string as an integer",
    ),
    "infinite": ("text", {"training": {"learning_rate": float("inf")}}, "finite number"),
    "mps": ("text", {"training": {"device": "mps"}}, "expected cpu, cuda or cuda:N, got 'mps'"),
    "meta": ("text", {"training": {"device": "meta"}}, "expected cpu, cuda or cuda:N, got 'meta'"),
    "weight 0": ("text", {"classify": {"class_weights": {"good": 0}}}, "class_weights"),
    "weight -1": ("text", {"classify": {"class_weights": {"good": -1.0}}}, "class_weights"),
    "weight nan": ("text", {"classify": {"class_weights": {"good": float("nan")}}}, "finite"),
    "tokenizer": (
        "text",
        {"tokenizer": {"settings": {"capitals": "yes please"}}},
        "tokenizer 'words': capitals: input should be a valid boolean",
    ),
    "unknown": ("text", {"tokenizer": {"settings": {"lowr": True}}}, "did you mean 'lower'?"),
    "tiny dropout": ("text", {"model": {"name": "cnn", "dropout": 0.001}}, "more than 1/512"),
    "huge text": ("text", {"training": {"schedule": "x" * 10**6}}, "xxx..."),
    "digits": ("text", {"training": {"epochs": 10**5000}}, "a very large int"),
    "tables": ("image", {"training": {"embedding_optimizer": "adagrad"}}, "leave it out"),
    "tables' rate": ("image", {"training": {"embedding_learning_rate": 0.1}}, "leave it out"),
    "members": ("image", {"training": {"ensemble_leave_out": 0.2}}, "omit it"),
    "members of pairs": ("parallel", {"training": {"ensemble_leave_out": 0.2}}, "omit it"),
    "images": ("image", {"image": {"size": "999999x1"}}, "size"),
    "filters": ("image", {"model": {"filters": [10**9]}}, "at most 64 numbers up to 4096"),
    "beam": ("parallel", {"decoding": {"beam": 10**9}}, "decoding.beam: input should be"),
    "depth": ("text", {"tokenizer": {"settings": {"lower": DEEPLY_NESTED}}}, "valid boolean"),
}


@pytest.mark.parametrize("name", CASES)
def test_invalid_settings_are_refused(name: str) -> None:
    kind, changed, words = CASES[name]
    task, model = {
        "text": ("classify", "cnn" if "dropout" in name else "mean"),
        "image": ("images", "image_cnn"),
        "parallel": ("translate", "transformer"),
    }[kind]
    with pytest.raises(ConfigError) as caught:
        munjang.train(
            DATA[task], task=task, model=model, config=merge(merge(SMALL[kind], FEW), changed)
        )
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("changed", "largest"),
    [
        ({"model": {"name": "lstm", "hidden_dim": 2**16, "layers": 64}}, "recurrent."),
        ({"model": {"name": "gru", "hidden_dim": 10**7}}, "recurrent."),
        (
            {"model": {"name": "mean", "dim": 2**16, "ngrams": 2, "ngram_buckets": 2**24}},
            "embedding.",
        ),
    ],
)
def test_model_larger_than_memory_is_refused_before_allocation(
    changed: dict[str, Any], largest: str
) -> None:
    name = changed["model"]["name"]
    with pytest.raises(ConfigError, match=r"parameters need [\d,.]+ GB or more to train") as caught:
        munjang.train(DATA["classify"], model=name, config=merge(SMALL["text"], changed))
    assert largest in str(caught.value)


@pytest.mark.parametrize("name", ["mean", "cnn", "lstm", "transformer"])
def test_uncountable_parameters_are_refused(name: str) -> None:
    wide = {"model": {"dim": 10**13, "ngrams": 2, "ngram_buckets": 2**24}}
    with pytest.raises(ConfigError, match="model: out of memory: "):
        munjang.train(DATA["classify"], model=name, config=wide)


def test_batch_larger_than_memory_is_refused() -> None:
    changed: dict[str, Any] = {
        "training": {"length_buckets": "1000000"},
        "tokenizer": {"max_length": 10**6},
    }
    config = merge(
        merge(SMALL["text"], {"model": {"dim": 2**14, "ngrams": 1, "subword_ngrams": 0}}), changed
    )
    texts, labels = DATA["classify"]
    data = ([*texts, "a " * 10**6], [*labels, labels[0]])
    with pytest.raises(ConfigError, match=r"padded to 1,000,000 tokens, takes [\d,.]+ GB or more"):
        munjang.train(data, valid=DATA["classify"], model="mean", config=config)


def test_yaml_no_is_false_for_tokenizer_settings() -> None:
    for value in ("no", False, "false"):
        config = merge(merge(SMALL["text"], FEW), {"tokenizer": {"settings": {"lower": value}}})
        trained = munjang.train(DATA["classify"], model="mean", config=config)
        assert trained.model.input.tokenizer.lower is False
        assert trained.model.recipe.tokenizer.settings["lower"] is False


def test_large_max_size_takes_no_memory() -> None:
    config = merge(FEW, {"tokenizer": {"name": "bpe", "max_size": 2**24}, "model": {"dim": 8}})
    trained = munjang.train(DATA["classify"], model="mean", config=config)
    assert trained.model.input.tokenizer.vocabulary.size < 1000


@pytest.mark.parametrize("budget", ["1e400", "9" * 400, "9" * 400 + " tokens", "-1", "nan", "0s"])
def test_extreme_budgets_are_refused(budget: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_budget(budget)
    assert len(str(caught.value)) < 300


NON_FINITE = [{"trials": 10**30}, {"seconds": float("nan")}, {"seconds": 1e99}]


@pytest.mark.parametrize("settings", NON_FINITE)
def test_extreme_searches_are_refused(settings: dict[str, Any], tmp_path: Any) -> None:
    with pytest.raises(ConfigError, match="expected"):
        tune(DATA["classify"], out=tmp_path / "t", **settings)
