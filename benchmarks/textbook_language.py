"""Language models in PyTorch as textbooks show them, for `language_rate.py`.

`nn.Embedding`; `nn.RNN`, `nn.LSTM` or `nn.GRU` whose state is carried and detached, or
`nn.TransformerEncoderLayer` with a causal mask; `nn.Linear` over the vocabulary; `AdamW` and
`clip_grad_norm_`.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

CELLS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


class Recurrent(nn.Module):
    def __init__(self, cell: str, vocabulary: int, dim: int, hidden: int, layers: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, dim)
        self.layer = CELLS[cell](dim, hidden, layers, batch_first=True)
        self.output = nn.Linear(hidden, vocabulary)

    def forward(self, ids: Tensor, state: Any) -> tuple[Tensor, Any]:
        states, state = self.layer(self.embedding(ids), state)
        is_pair = isinstance(state, tuple)
        return self.output(states), tuple(s.detach() for s in state) if is_pair else state.detach()


class Transformer(nn.Module):
    def __init__(self, vocabulary: int, window: int, dim: int, layers: int, heads: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, dim)
        self.positions = nn.Embedding(window, dim)
        layer = nn.TransformerEncoderLayer(
            dim, heads, 4 * dim, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(
            layer, layers, norm=nn.LayerNorm(dim), enable_nested_tensor=False
        )
        self.output = nn.Linear(dim, vocabulary)
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(window))

    def forward(self, ids: Tensor, state: None) -> tuple[Tensor, None]:
        vectors = self.embedding(ids) + self.positions.weight[: ids.shape[1]]
        return self.output(self.encoder(vectors, mask=self.mask, is_causal=True)), None


def continued_batches(
    ids: np.ndarray, rows: int, window: int
) -> Iterator[tuple[Tensor, Tensor, bool]]:
    """Yield inputs and targets [rows, window] of rows that go on, and whether they begin."""
    length = (len(ids) - 1) // rows
    text = torch.from_numpy(ids.astype(np.int64))
    inputs, targets = (text[first : first + rows * length].view(rows, length) for first in (0, 1))
    while True:
        for start in range(0, length - window + 1, window):
            part = slice(start, start + window)
            yield inputs[:, part], targets[:, part], start == 0


def make_step(
    model: str,
    ids: np.ndarray,
    rows: int,
    window: int,
    *,
    dim: int,
    hidden: int,
    layers: int,
    heads: int,
    vocabulary: int,
) -> Callable[[], int]:
    """Return a function that takes a training step and returns the number of its tokens."""
    torch.manual_seed(0)
    if model == "transformer":
        network: nn.Module = Transformer(vocabulary, window, dim, layers, heads)
    else:
        network = Recurrent(model, vocabulary, dim, hidden, layers)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)
    batches, state = continued_batches(ids, rows, window), None

    def step() -> int:
        nonlocal state
        inputs, targets, begins = next(batches)
        optimizer.zero_grad()
        logits, state = network(inputs, None if begins else state)
        loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten())
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        loss.item()
        return inputs.numel()

    return step
