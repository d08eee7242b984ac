"""The search space of each architecture, one row per architecture."""

from munjang.recipe import Recipe
from munjang.tuning.parameters import Choice, Space, Span

_TRAINING: Space = {
    "training.learning_rate": Span(3e-4, 1e-2, log=True),
    "training.embedding_learning_rate": Span(1e-3, 3e-1, log=True),
    "training.batch_size": Choice((32, 64, 128, 256)),
    "training.epochs": Span(2, 10, whole=True),
}
_POOLED: Space = {
    "model.pooling": Choice(("max", "mean", "max+mean", "attention")),
    "model.embedding_dropout": Span(0.0, 0.5),
    "model.dropout": Span(0.0, 0.6),
}
_RECURRENT: Space = {
    **_TRAINING,
    "model.dim": Choice((32, 64, 128, 256)),
    "model.ngrams": Span(1, 2, whole=True),
    "model.hidden_dim": Choice((32, 64, 128, 256)),
    "model.layers": Span(1, 2, whole=True),
    **_POOLED,
}


# One row per encoder of texts. The defaults of the model are always included: see `searched`.
SPACES: dict[str, Space] = {
    "mean": {
        **_TRAINING,
        "model.dim": Choice((16, 32, 64, 128)),
        "model.ngrams": Span(1, 4, whole=True),
        "model.combiner": Choice(("mean", "sqrtn")),
        "model.token_dropout": Span(0.0, 0.3),
        "model.dropout": Span(0.0, 0.5),
    },
    "cnn": {
        **_TRAINING,
        "model.dim": Choice((32, 64, 128, 256)),
        "model.ngrams": Span(1, 2, whole=True),
        "model.filters": Choice((50, 100, 200)),
        **_POOLED,
    },
    "rnn": _RECURRENT,
    "lstm": _RECURRENT,
    "gru": _RECURRENT,
    "transformer": {
        **_TRAINING,
        "model.dim": Choice((32, 64, 128, 256)),
        "model.ngrams": Span(1, 2, whole=True),
        "model.layers": Span(1, 4, whole=True),
        "model.heads": Choice((1, 2, 4, 8)),
        **_POOLED,
    },
    "bert": {
        "training.learning_rate": Span(1e-4, 3e-3, log=True),
        "training.epochs": Span(2, 10, whole=True),
        "model.dim": Choice((64, 128, 256)),
        "model.layers": Span(1, 4, whole=True),
        "model.heads": Choice((1, 2, 4, 8)),
        **_POOLED,
    },
}

_PAIR_TRAINING: Space = {
    "training.learning_rate": Span(5e-4, 1e-2, log=True),
    "training.batch_tokens": Choice((1024, 2048, 4096)),
    "training.epochs": Span(5, 30, whole=True),
    "model.dim": Choice((64, 128, 256)),
}
_RECURRENT_PAIRS: Space = {
    **_PAIR_TRAINING,
    "model.cell": Choice(("lstm", "gru")),
    "model.hidden_dim": Choice((128, 256, 512)),
    "model.layers": Span(1, 2, whole=True),
    "model.embedding_dropout": Span(0.0, 0.5),
    "model.dropout": Span(0.0, 0.5),
}
# One row per model from text to text.
PAIR_SPACES: dict[str, Space] = {
    "seq2seq": {**_RECURRENT_PAIRS, "model.reverse_source": Choice((False, True))},
    "attentive": {
        **_RECURRENT_PAIRS,
        "model.attention": Choice(("general", "dot", "concat", "additive")),
        "model.input_feeding": Choice((False, True)),
    },
    "transformer": {
        **_PAIR_TRAINING,
        "model.layers": Span(1, 4, whole=True),
        "model.heads": Choice((1, 2, 4, 8)),
        "model.norm": Choice(("pre", "post")),
        "model.dropout": Span(0.0, 0.5),
    },
}
# One row per encoder of images.
IMAGE_SPACES: dict[str, Space] = {
    "image_cnn": {
        "training.learning_rate": Span(3e-4, 1e-2, log=True),
        "training.batch_size": Choice((16, 32, 64, 128)),
        "training.epochs": Span(3, 30, whole=True),
        "model.kernel_size": Choice((3, 5)),
        "model.pooling": Choice(("max", "mean")),
        "model.final_pooling": Choice(("flat", "max", "mean")),
        "model.random_shift": Span(0.0, 0.2),
        "model.dropout": Span(0.0, 0.6),
    },
}

SPACES_BY_INPUT = {"text": SPACES, "lines": SPACES, "parallel": PAIR_SPACES, "image": IMAGE_SPACES}
# Settings of training that every architecture has, for one without a row.
OF_ANY: Space = {"training.learning_rate": Span(3e-4, 1e-2, log=True)}


def space_of(recipe: Recipe) -> Space:
    """Return the search space of the architecture of a recipe."""
    return SPACES_BY_INPUT.get(recipe.input, {}).get(recipe.model_name, OF_ANY)
