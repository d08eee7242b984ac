"""PyTorch as textbooks show it: `nn.Embedding`, `nn.Conv1d`, packed `nn.LSTM`, dense Adam."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from textbook import (
    DROPOUT,
    FEED_FORWARD,
    FILTERS,
    HEADS,
    HIDDEN,
    LAYERS,
    LONGEST,
    VOCABULARY,
    WIDTH,
    WIDTHS,
    Arrays,
    random_batches,
    sinusoids,
    time_steps_per_second,
)


def masked_mean(states: Tensor, ids: Tensor) -> Tensor:
    mask = (ids != 0).unsqueeze(-1).float()
    return (states * mask).sum(1) / mask.sum(1).clamp(min=1)


class Mean(nn.Module):
    width = WIDTH

    def forward(self, x: Tensor, ids: Tensor, lengths: Tensor) -> Tensor:
        return masked_mean(x, ids)


class Cnn(nn.Module):
    width = FILTERS * len(WIDTHS)

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv1d(WIDTH, FILTERS, w) for w in WIDTHS)
        self.dropout = nn.Dropout(0.5)

    def forward(self, x: Tensor, ids: Tensor, lengths: Tensor) -> Tensor:
        x = x.transpose(1, 2)
        maps = [F.relu(conv(x)) for conv in self.convs]
        return self.dropout(torch.cat([m.max(dim=2).values for m in maps], dim=1))


class Recurrent(nn.Module):
    width = HIDDEN

    def __init__(self, layer: type[nn.RNNBase]) -> None:
        super().__init__()
        self.layer = layer(WIDTH, HIDDEN, batch_first=True)

    def forward(self, x: Tensor, ids: Tensor, lengths: Tensor) -> Tensor:
        packed = nn.utils.rnn.pack_padded_sequence(
            x, lengths.cpu(), batch_first=True, enforce_sorted=False
        )
        _, hidden = self.layer(packed)
        return (hidden[0] if isinstance(hidden, tuple) else hidden)[-1]


class Transformer(nn.Module):
    width = WIDTH

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("places", torch.from_numpy(sinusoids(LONGEST)))
        layer = nn.TransformerEncoderLayer(
            WIDTH, HEADS, FEED_FORWARD, DROPOUT, activation="gelu", batch_first=True,
            norm_first=True,
        )  # fmt: skip
        self.encoder = nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False)
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, x: Tensor, ids: Tensor, lengths: Tensor) -> Tensor:
        x = self.dropout(x + self.places[: x.shape[1]])
        return masked_mean(self.encoder(x, src_key_padding_mask=ids == 0), ids)


ENCODERS = {
    "mean": Mean,
    "cnn": Cnn,
    "rnn": lambda: Recurrent(nn.RNN),
    "lstm": lambda: Recurrent(nn.LSTM),
    "gru": lambda: Recurrent(nn.GRU),
    "transformer": Transformer,
}


class Classifier(nn.Module):
    def __init__(self, model: str) -> None:
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, WIDTH, padding_idx=0)
        self.encoder = ENCODERS[model]()
        self.head = nn.Linear(self.encoder.width, 1)

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        return self.head(self.encoder(self.embedding(ids), ids, lengths)).squeeze(1)


def run(model: str, arrays: Arrays, seconds: float, device: str = "cpu") -> tuple[int, float]:
    """Tokens and seconds of PyTorch as it is taught; on a GPU with bfloat16 autocast."""
    torch.manual_seed(0)
    network = Classifier(model).to(device)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    batches = random_batches(arrays, 1)

    def step() -> int:
        ids, lengths, targets = next(batches)
        if ids.shape[1] < max(WIDTHS):  # a Conv1d needs a whole window
            ids = np.pad(ids, ((0, 0), (0, max(WIDTHS) - ids.shape[1])))
        optimizer.zero_grad()
        tensors = [torch.from_numpy(array).to(device) for array in (ids, lengths, targets)]
        with torch.autocast("cuda", torch.bfloat16, enabled=device != "cpu"):
            logits = network(tensors[0], tensors[1])
        loss = F.binary_cross_entropy_with_logits(logits.float(), tensors[2].float())
        loss.backward()
        optimizer.step()
        loss.item()
        return int(lengths.sum())

    return time_steps_per_second(step, seconds)
