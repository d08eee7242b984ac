"""Ordered classes of series of numbers: the input, the task and the architecture."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torch import nn

from munjang.config import Settings
from munjang.data.collection import collect_texts
from munjang.data.settings import DataSettings
from munjang.errors import DataError
from munjang.explain.attention import Attention, AttentionMap
from munjang.inputs.arrays import ArrayInput, EncodedArrays
from munjang.inputs.text import read_texts
from munjang.layers.losses import binary_crossentropy
from munjang.models.encoder import EncoderOutput
from munjang.tasks.classify import Classify, ClassifySettings


@dataclass(frozen=True)
class SeriesInput(ArrayInput):
    """Numbers with spaces between them."""

    longest: int = 0
    noun: ClassVar = "series"
    sections: ClassVar = {"data": DataSettings}
    read = classmethod(read_texts)

    @classmethod
    def fit(cls, train, recipe):
        return cls(recipe, max(len(text.split()) for text in train["text"]))

    @classmethod
    def file_names(cls, recipe):
        return ("series.json",)

    @classmethod
    def load(cls, folder, recipe):
        return cls(recipe, int(folder.read_json("series.json")["longest"]))

    def files(self):
        return {"series.json": {"longest": self.longest}}

    @property
    def size(self):
        return self.longest

    def encode_values(self, values):
        texts = collect_texts(values)
        rows = np.zeros((len(texts), self.longest), dtype=np.float32)
        for index, text in enumerate(texts):
            try:
                numbers = [float(word) for word in text.split()][: self.longest]
            except ValueError:
                raise DataError(f"expected numbers, got {text[:40]!r}", row=index + 1) from None
            rows[index, : len(numbers)] = numbers
        return EncodedArrays(rows)

    def attention(self, network, task, text, target=None):
        values = next(self.encode_values([text]).dataset().in_order_of_length()).values
        weights = network.encoder(values).attention[0, 0].detach().numpy()
        words = text.split()[: self.longest]
        pooling = AttentionMap("pooling", 0, 0, weights[:, : len(words)])
        return Attention(tuple(words), None, (pooling,), text)


class Ordinal(Classify):
    """Cumulative logits (McCullagh 1980); whole numbers as labels are sorted by value."""

    sections: ClassVar = {"ordinal": ClassifySettings}

    @property
    def outputs(self):
        return len(self.labels) - 1

    def loss(self, logits, targets):
        above = (targets[:, None] > torch.arange(self.outputs)).to(logits.dtype)
        return binary_crossentropy(logits, above, 0.0).mean()

    def probabilities(self, logits):
        above = torch.sigmoid(logits.double()).cummin(dim=1).values
        ends = [torch.ones(len(above), 1), above, torch.zeros(len(above), 1)]
        return -torch.cat(ends, dim=1).diff(dim=1).numpy()


class AttentiveSeriesConfig(Settings):
    """Settings of `attentive_series`."""

    name: Literal["attentive_series"] = "attentive_series"
    filters: int = Field(16, ge=1, le=4096, description="filters of the convolution")


class AttentiveSeries(nn.Module):
    """Numbers [batch, time] to a vector per row."""

    def __init__(self, config, longest):
        super().__init__()
        self.convolution = nn.Conv1d(1, config.filters, 3, padding=1)
        self.score = nn.Linear(config.filters, 1)
        self.pooled_dim = config.filters

    def forward(self, values):
        states = torch.relu(self.convolution(values[:, None])).transpose(1, 2)
        weights = torch.softmax(self.score(states), dim=1)
        pooled, mask = (weights * states).sum(1), torch.ones_like(values).bool()
        return EncoderOutput(pooled, mask, attention=weights.mT[:, None])
