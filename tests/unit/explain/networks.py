"""Small encoders and language models, and rows that they read, for tests of what is inside."""

from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn

from munjang.explain.token_network import open_network
from munjang.registry import find_architectures
from munjang.tasks.classify import Classify
from tests.architectures import ARCHITECTURES, build_encoder, model_config
from tests.synthetic import pad_rows

VOCABULARY = 20
SMALL = {"dim": 8, "hidden_dim": 5, "filters": 4, "heads": 2, "layers": 2}
LABELS = ("a", "b", "c")


def make_network(name: str, labels: tuple[str, ...] = LABELS, **settings: Any) -> nn.Module:
    """A classifier with random weights, large enough that something depends on the tokens."""
    fields = ARCHITECTURES[name].config_class().model_fields
    small = {key: value for key, value in SMALL.items() if key in fields}
    torch.manual_seed(5)
    encoder = build_encoder(model_config({"name": name, **small, **settings}), VOCABULARY)
    with torch.no_grad():
        for table in encoder.parameters():
            table.mul_(2)
    return Classify(labels).network(encoder).eval()


def make_language_model(name: str) -> nn.Module:
    """A language model with random weights."""
    (row,) = [row for row in find_architectures("stream", "decoder") if row.name == name]
    settings = {"name": name, "dim": 8, "ngrams": 2, "ngram_buckets": 16, "layers": 2}
    wider = {"heads": 2, "context": 8} if name == "transformer" else {"hidden_dim": 5}
    torch.manual_seed(5)
    network: nn.Module = row.load()(
        row.config_class().parse({**settings, **wider}, where="model"), VOCABULARY
    )
    return network.eval()


def every_network() -> dict[str, nn.Module]:
    """Networks with one state per token, by name."""
    encoders = {
        "cnn": make_network("cnn"),
        "rnn": make_network("rnn", directions=1),
        "lstm": make_network("lstm", ngrams=2, ngram_buckets=16),
        "gru": make_network("gru"),
        "transformer": make_network("transformer", bag_dim=3, bag_buckets=16),
        "bert": make_network("bert"),
    }
    models = {f"language {n}": make_language_model(n) for n in ("rnn", "lstm", "gru")}
    return {**encoders, **models, "language transformer": make_language_model("transformer")}


def slow_squares(network: nn.Module, row: list[int], place: int, step: float = 1e-3) -> Tensor:
    """Squared norms of the Jacobian of one state by central differences, [tokens] float64."""
    reader = open_network(deepcopy(network).double())
    ids, mask = pad_rows([row])
    with torch.no_grad():
        vectors = reader.embed(ids, mask)
        squares = torch.zeros(len(row), dtype=torch.float64)
        for token in range(len(row)):
            for column in range(vectors.shape[2]):
                moved = []
                for sign in (1, -1):
                    changed = vectors.clone()
                    changed[0, token, column] += sign * step
                    moved.append(reader.states(changed, mask)[0, place])
                squares[token] += (((moved[0] - moved[1]) / (2 * step)) ** 2).sum()
    return squares
