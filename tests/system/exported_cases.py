"""Small models of every task that can be exported."""

from pathlib import Path
from typing import Any

import polars as pl

import munjang
from munjang.model import Model
from tests.synthetic import make_corpus

TEXTS, LABELS = make_corpus(90, korean=True)
OTHERS = [*TEXTS[1:], TEXTS[0]]
ASKED = [*TEXTS[:4], "", "\u1112\u1161\u11ab 👍🏽 NASA!", "처음 보는 낱말들 " * 9]
SMALL = {"dim": 8, "layers": 1}
# small tables of n-grams, so that a training and a file take no time
LIGHT = {"ngram_buckets": 256}
BAG = {"bag_buckets": 256, **LIGHT}
LABELED = pl.DataFrame({"text": TEXTS, "label": LABELS})
NUMBERS = pl.DataFrame({"text": TEXTS, "label": [float(len(text)) for text in TEXTS]})
SETS = pl.DataFrame({"text": TEXTS, "label": [f"{label}|x" for label in LABELS]})
PAIRS = pl.DataFrame({"first": TEXTS, "second": OTHERS, "label": LABELS})
SIMILAR = pl.DataFrame({"first": TEXTS, "second": OTHERS, "label": [n % 5 for n in range(90)]})
LINES = pl.DataFrame({"text": TEXTS})
TRANSLATED = pl.DataFrame({"source": TEXTS, "target": [text[::-1] for text in TEXTS]})

Case = tuple[Any, dict[str, Any], dict[str, Any]]
# data, arguments of the training, and its settings
CASES: dict[str, Case] = {
    "classify an ensemble with a linear model": (
        LABELED,
        {"model": "lstm"},
        {
            "model": {
                **BAG,
                "hidden_dim": 6,
                "ensemble_size": 2,
                "linear_weight": 0.3,
                "linear_buckets": 64,
            }
        },
    ),
    "classify words out of vocabulary": (
        LABELED,
        {"model": "mean", "tokenizer": "words"},
        {
            "model": {**LIGHT, "subword_ngrams": 4},
            "tokenizer": {"min_frequency": 2, "max_length": 7},
        },
    ),
    "classify jamo": (
        LABELED,
        {"model": "cnn", "tokenizer": "jamo"},
        {"model": {**LIGHT, "dim": 8}, "tokenizer": {"max_length": 40}},
    ),
    "classify pieces": (
        LABELED,
        {"model": "gru", "tokenizer": "bpe"},
        {"model": {**BAG, "hidden_dim": 6}, "tokenizer": {"max_size": 200}},
    ),
    "classify capitals": (
        LABELED,
        {"model": "mean", "tokenizer": "words"},
        {"model": LIGHT, "tokenizer": {"settings": {"capitals": True}}},
    ),
    "regress": (NUMBERS, {"task": "regress", "model": "rnn"}, {"model": {**BAG, "hidden_dim": 6}}),
    "regress counts": (
        NUMBERS,
        {"task": "regress", "model": "cnn"},
        {"regress": {"loss": "poisson"}},
    ),
    "multilabel": (SETS, {"task": "multilabel", "model": "mean"}, {"model": LIGHT}),
    "pairs joined": (
        PAIRS,
        {"input": "two_texts", "model": "bert"},
        {"model": {**SMALL, "heads": 2}, "tokenizer": {"max_length": 9}},
    ),
    "pairs apart": (
        PAIRS,
        {"input": "two_texts", "model": "gru", "tokenizer": "words"},
        {
            "two_texts": {"reading": "towers"},
            "model": {**BAG, "hidden_dim": 6, "subword_ngrams": 4},
        },
    ),
    "similarity": (SIMILAR, {"task": "similarity", "model": "mean"}, {"model": LIGHT}),
    "similarity without numbers": (
        SIMILAR,
        {"task": "similarity", "model": "transformer"},
        {"similarity": {"loss": "in_batch_negatives"}, "model": {**SMALL, "heads": 2}},
    ),
    "masked tokens, [MASK] known": (
        LINES,
        {"task": "masked_lm", "input": "text", "model": "bert", "tokenizer": "bert_wordpiece"},
        {"model": {**SMALL, "heads": 2}, "tokenizer": {"max_size": 200}},
    ),
    "masked tokens between pieces": (
        LINES,
        {"task": "masked_lm", "input": "text", "model": "gru", "tokenizer": "bpe"},
        {"model": {**BAG, "hidden_dim": 6}, "tokenizer": {"max_size": 200}},
    ),
    "language, recurrent": (
        None,
        {"task": "language", "model": "gru", "tokenizer": "bpe"},
        {"model": {"dim": 8, "hidden_dim": 10}, "tokenizer": {"max_size": 200}},
    ),
    "language, windows": (
        None,
        {"task": "language", "model": "transformer", "tokenizer": "characters"},
        {"model": {**SMALL, "heads": 2, "context": 16}, "data": {"window": 16}},
    ),
    "translate without attention": (
        TRANSLATED,
        {"task": "translate", "model": "seq2seq"},
        {"model": {**SMALL, "hidden_dim": 10}, "decoding": {"max_length": 12, "nbest": 3}},
    ),
    "translate with attention": (
        TRANSLATED,
        {"task": "translate", "model": "attentive"},
        {
            "model": {**SMALL, "hidden_dim": 10, "input_feeding": True},
            "decoding": {"max_length": 12, "no_repeat_ngram_size": 2, "min_length": 3},
        },
    ),
    "translate by sampling": (
        TRANSLATED,
        {"task": "translate", "model": "transformer"},
        {
            "model": {**SMALL, "heads": 2},
            "decoding": {"method": "sample", "nbest": 2, "top_k": 30, "max_length": 12},
        },
    ),
    "translate greedily by words": (
        TRANSLATED,
        {"task": "translate", "model": "transformer"},
        {
            "model": {**SMALL, "heads": 2, "positions": "learned"},
            "tokenizer": {"source": {"name": "words"}, "target": {"name": "words"}},
            "decoding": {"method": "greedy", "max_length": 12},
        },
    ),
}


def train_case(name: str, place: Path) -> tuple[Model, list[Any]]:
    """Train a model, and return it with values to ask it.

    Args:
        name: of `CASES`.
        place: folder for the text of a language model.
    """
    data, arguments, settings = CASES[name]
    if data is None:
        data = place / "text.txt"
        data.write_text("\n".join(TEXTS) + "\n", encoding="utf-8")
    config = {**settings, "training": {"epochs": 1, "batch_size": 32}}
    model = munjang.train(data, config=config, seed=3, **arguments).model
    if arguments.get("input") == "two_texts" or arguments.get("task") == "similarity":
        return model, list(zip(ASKED, [*ASKED[2:], *ASKED[:2]], strict=True))
    if arguments.get("task") == "masked_lm":
        return model, [f"{text} [MASK]  영화 [MASK]" for text in ASKED]
    return model, list(ASKED)
