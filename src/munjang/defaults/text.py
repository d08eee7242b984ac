"""Default settings for texts, by architecture, script and number of rows.

Korean is split into characters with hashed n-grams, since grammar is inside the words; other
scripts into words with subword n-grams.
"""

from collections.abc import Mapping
from typing import Any

import polars as pl

from munjang.config import merge
from munjang.defaults.engines import engine_defaults
from munjang.text.script import Script, script_of

# Defaults by script and architecture, tuned on validation parts; see docs/log.md.
_BY_SCRIPT: dict[Script, dict[str, Any]] = {
    "korean": {
        "tokenizer": {"name": "characters", "min_frequency": 2, "add_go_eos": True},
        "training": {"embedding_optimizer": "adagrad"},
    },
    "other": {
        "tokenizer": {"name": "words", "add_go_eos": True, "settings": {"capitals": True}},
        "training": {"embedding_optimizer": "adagrad", "learning_rate": 0.003},
    },
}

# An encoder of short n-grams, with a bag of long ones.
_WITH_BAG: dict[str, Any] = {
    "model": {
        "dim": 64,
        "ngrams": 2,
        "token_dropout": 0.1,
        "pooling": "max+mean",
        "bag_dim": 8,
        "bag_buckets": 2**20,
    },
    "training": {
        "batch_size": 128,
        "learning_rate": 0.003,
        "embedding_learning_rate": 0.1,
        "schedule": "cosine",
    },
}

# Words with subword n-grams, and a bag of word pairs and triples.
_WORDS_WITH_BAG: dict[str, Any] = {
    "model": {
        "dim": 64,
        "subword_ngrams": 5,
        "token_dropout": 0.1,
        "bag_dim": 16,
        "bag_ngrams": 3,
        "bag_buckets": 2**18,
        "bag_min_frequency": 1,
        "embedding_dropout": 0.3,
        "dropout": 0.4,
    },
    "training": {"embedding_learning_rate": 0.05},
}

# A tokenizer of a model's own replaces that of the script.
_BERT: dict[str, Any] = {
    "model": {"max_positions": 128},
    "tokenizer": {
        "name": "bert_wordpiece",
        "min_frequency": 2,
        "max_size": 8000,
        "max_length": 126,
        "add_go_eos": True,
    },
    "training": {
        "embedding_optimizer": "adamw",
        "learning_rate": 0.0005,
        "beta2": 0.98,
        "warmup": 0.06,
        "schedule": "linear",
    },
}

# Word vectors: an epoch is a run over all lines, and the learning rate falls to 0. A step is dozens
# of operations of a fraction of a millisecond each; several threads meet at the end of each one,
# and wait for each other as soon as anything else runs on their cores.
_WORD_VECTORS: dict[str, Any] = {
    "tokenizer": {"name": "words", "min_frequency": 5, "add_go_eos": False, "max_length": 1000},
    "training": {
        "batch_size": None,
        "batch_tokens": 4096,
        "embedding_optimizer": "adagrad",
        "embedding_learning_rate": 0.1,
        "warmup": 0.0,
        "schedule": "linear",
        "clip_norm": None,
        "threads": 1,
    },
}
# Syllables of Korean words change with their endings, jamo less so.
_KOREAN_WORD_VECTORS: dict[str, Any] = merge(
    _WORD_VECTORS, {"model": {"subword_ngrams": 5, "subword_units": "jamo"}}
)

_BY_MODEL: dict[tuple[str, Script], dict[str, Any]] = {
    ("mean", "korean"): {
        "model": {
            "dim": 8,
            "ngrams": 4,
            "ngram_buckets": 2**20,
            "ngram_min_frequency": 2,
            "combiner": "sqrtn",
        },
        "training": {
            "batch_size": 512,
            "learning_rate": 0.003,
            "embedding_learning_rate": 0.2,
            "schedule": "constant",
        },
    },
    ("cnn", "korean"): merge(
        _WITH_BAG,
        {
            "model": {
                "kernel_sizes": [2, 3, 4],
                "filters": 128,
                "embedding_dropout": 0.1,
                "dropout": 0.2,
            }
        },
    ),
    ("rnn", "korean"): _WITH_BAG,
    ("lstm", "korean"): _WITH_BAG,
    ("gru", "korean"): _WITH_BAG,
    ("transformer", "korean"): merge(
        _WITH_BAG, {"model": {"embedding_dropout": 0.2, "dropout": 0.2}}
    ),
    ("mean", "other"): {
        "model": {"dim": 32, "ngrams": 2, "subword_ngrams": 5, "combiner": "sqrtn"},
        "training": {"embedding_learning_rate": 0.1},
    },
    ("cnn", "other"): _WORDS_WITH_BAG,
    ("rnn", "other"): _WORDS_WITH_BAG,
    ("lstm", "other"): _WORDS_WITH_BAG,
    ("gru", "other"): _WORDS_WITH_BAG,
    ("transformer", "other"): _WORDS_WITH_BAG,
    ("bert", "korean"): _BERT,
    ("bert", "other"): _BERT,
    ("skipgram", "korean"): _KOREAN_WORD_VECTORS,
    ("skipgram", "other"): _WORD_VECTORS,
    ("cbow", "korean"): _KOREAN_WORD_VECTORS,
    ("cbow", "other"): _WORD_VECTORS,
}

# Texts without labels: what is masked is drawn anew in every epoch, so that nothing else has to
# keep a network from learning them by heart. States alone are trained: there is no bag of n-grams.
_PRETRAINING: dict[str, Any] = {
    "training": {
        "batch_size": None,
        "batch_tokens": 4096,
        "embedding_optimizer": "adamw",
        "learning_rate": 0.001,
        "embedding_learning_rate": None,
        "beta2": 0.98,
        "weight_decay": 0.01,
        "decay_embeddings": False,
        "clip_norm": 1.0,
        "warmup": 0.06,
        "schedule": "linear",
    },
}
_WITHOUT_DROPOUT = {"model": {"embedding_dropout": 0.0, "dropout": 0.0}}
_PRETRAINED_WIDE = merge(
    merge(_PRETRAINING, _WITHOUT_DROPOUT), {"model": {"token_dropout": 0.0, "bag_dim": 0}}
)

# Laid on the defaults of the architecture.
_BY_TASK: dict[tuple[str, str], dict[str, Any]] = {
    ("masked_lm", "bert"): merge(_PRETRAINING, _WITHOUT_DROPOUT),
    ("masked_lm", "cnn"): _PRETRAINED_WIDE,
    ("masked_lm", "rnn"): _PRETRAINED_WIDE,
    ("masked_lm", "lstm"): _PRETRAINED_WIDE,
    ("masked_lm", "gru"): _PRETRAINED_WIDE,
    ("masked_lm", "transformer"): _PRETRAINED_WIDE,
}

_TUNED = {name for name, _ in _BY_MODEL}

# Few texts have few n-grams of words and letters, so that smaller tables suffice.
_FEW_TEXTS = 20_000
_SMALL, _SMALL_SUBWORDS = 2**16, 2**14
# With many texts, words that occur once are OOV and made of subword vectors, as new words will be,
# and n-grams that occur once have no row.
_MANY_TEXTS = 1000

# Settings of a table of n-grams of words.
_WORD_NGRAMS = {"ngrams", "bag_dim"}

# Texts per training, and the fewest and most epochs. Models of long n-grams overfit in a second
# epoch over many texts; few texts need many epochs, of which the best is kept.
_EPOCHS: dict[tuple[str, Script], tuple[int, int, int]] = {
    ("mean", "korean"): (100_000, 1, 10),
    ("mean", "other"): (40_000, 1, 10),
}
_EPOCHS_BY_TASK: dict[str, tuple[int, int, int]] = {
    "masked_lm": (400_000, 5, 20),
    "vectors": (300_000, 5, 20),
}
_OTHER_EPOCHS: dict[Script, tuple[int, int, int]] = {
    "korean": (300_000, 2, 10),
    "other": (40_000, 2, 10),
}


def choose_epochs(model: str, script: Script, rows: int, task: str = "classify") -> int:
    """Return the default number of epochs for `rows` texts."""
    by_model = _EPOCHS.get((model, script), _OTHER_EPOCHS[script])
    texts, fewest, most = _EPOCHS_BY_TASK.get(task, by_model)
    return min(most, max(fewest, round(texts / max(1, rows))))


def text_defaults(given: Mapping[str, Any], texts: pl.Series | None) -> dict[str, Any]:
    """Return the defaults for an architecture on texts, nested as in `config.yaml`.

    Args:
        given: the user's settings, with the names of the model and the task.
        texts: one per row; None before they are read.
    """
    script: Script = "other" if texts is None else script_of(texts)
    return script_defaults(given, script, 0 if texts is None else len(texts))


# Encoders that compare the tokens of two texts in one row, once they are pretrained. The others
# answer better if they read each text apart and compare the vectors.
_JOINED = ("bert",)


def two_texts_defaults(
    given: Mapping[str, Any], texts: pl.Series | None, *, compares: bool
) -> dict[str, Any]:
    """Return the defaults for an architecture on two texts per row, nested as in `config.yaml`.

    Args:
        given: the user's settings, with the names of the model and the task.
        texts: the first and the second texts of all rows; None before they are read.
        compares: True if the head of the task can compare two vectors.
    """
    script: Script = "other" if texts is None else script_of(texts)
    defaults = script_defaults(given, script, 0 if texts is None else len(texts) // 2)
    tokenizer = {**defaults["tokenizer"], "add_go_eos": True}
    model = merge(defaults.get("model", {}), given["model"])
    if isinstance(positions := model.get("max_positions"), int):
        room = max(1, positions - 3)  # GO, and EOS after each text
        tokenizer["max_length"] = min(tokenizer.get("max_length", room), room)
    is_joined = not compares or model["name"] in _JOINED or model.get("linear_weight")
    reading = {"reading": "joined" if is_joined else "towers"}
    return {**defaults, "tokenizer": tokenizer, "two_texts": reading}


def script_defaults(given: Mapping[str, Any], script: Script, rows: int) -> dict[str, Any]:
    """Return the defaults for an architecture on `rows` texts of a script; 0 rows = unknown."""
    name = str(given["model"]["name"])
    defaults = _join(script, name)
    if name not in _TUNED:
        # an architecture of another distribution has settings of its own
        defaults = {**defaults, "model": {}}
    if _names_other_tokenizer(given, defaults):
        # settings tuned for characters, such as long n-grams, do not suit longer tokens
        own = _BY_MODEL.get((name, "other"), {}).get("tokenizer", {})
        defaults = _join("other", name)
        defaults["tokenizer"] = {
            key: own[key] for key in ("max_length", "add_go_eos") if key in own
        }
    if "settings" in defaults["tokenizer"] and _is_without_capitals(given):
        defaults = merge(defaults, {"tokenizer": {"settings": {"capitals": False}}})
    task = str(given.get("task"))
    defaults = merge(_by_rows(defaults, rows), _BY_TASK.get((task, name), {}))
    defaults = merge(defaults, engine_defaults(given, defaults))
    return merge({"training": {"epochs": choose_epochs(name, script, rows, task)}}, defaults)


def _join(script: Script, name: str) -> dict[str, Any]:
    """Return the defaults of a script, updated with those of a model on it."""
    own = _BY_MODEL.get((name, script), {})
    shared = _BY_SCRIPT[script]
    return merge({**shared, "tokenizer": {}} if "tokenizer" in own else shared, own)


def _by_rows(defaults: dict[str, Any], rows: int) -> dict[str, Any]:
    """Return `defaults` with what suits the number of texts; 0 is unknown."""
    model = defaults.get("model", {})
    # word vectors have subwords, and no n-grams of words
    if not model.get("subword_ngrams") or not rows or model.keys().isdisjoint(_WORD_NGRAMS):
        return defaults
    if "bag_dim" in model:
        table, rarest = "bag_buckets", "bag_min_frequency"
    else:
        table, rarest = "ngram_buckets", "ngram_min_frequency"
    changes: dict[str, Any] = {"model": {}, "tokenizer": {}}
    if rows < _FEW_TEXTS:
        changes["model"] = {table: _SMALL, "subword_buckets": _SMALL_SUBWORDS}
    if rows >= _MANY_TEXTS:
        changes["model"][rarest] = 2
        # only for the tokenizer words
        changes["tokenizer"] = {"min_frequency": 2} if defaults["tokenizer"] else {}
    return merge(defaults, changes)


def _is_without_capitals(given: Mapping[str, Any]) -> bool:
    """Return whether the user's settings of `words` exclude capital signs."""
    tokenizer = given.get("tokenizer", {})
    settings = tokenizer.get("settings", {}) if isinstance(tokenizer, Mapping) else {}
    if not isinstance(settings, Mapping):
        return False
    return settings.get("lower", True) is not True or settings.get("split") == "keras"


def _names_other_tokenizer(given: Mapping[str, Any], defaults: Mapping[str, Any]) -> bool:
    tokenizer = given.get("tokenizer", {})
    name = tokenizer.get("name") if isinstance(tokenizer, Mapping) else None
    return name is not None and name != defaults["tokenizer"]["name"]
