"""The head of word vectors: output vectors, and losses of the words in each window."""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from munjang.layers.fast.sparse_rows import sum_rows
from munjang.layers.negative_sampling import Windows
from munjang.registry import Gives


@dataclass(frozen=True)
class SampledLoss:
    """The loss of a batch.

    Attributes:
        total: sum over all predictions, in nats, a scalar.
        predicted: how often each token was predicted, [tokens].
    """

    total: Tensor
    predicted: Tensor


class WordHead(nn.Module):
    """An encoder of word vectors, and an output vector per word.

    Args:
        encoder: a `munjang.models.word_vectors.WordVectorEncoder`.
        vocabulary_size: number of ids.
        window: the largest window.
        negatives: number of negatives per prediction.
    """

    reads: ClassVar[Gives] = "vectors"
    embedding_tables: ClassVar = ("output",)

    def __init__(
        self, encoder: Any, vocabulary_size: int, *, window: int, negatives: float
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.window = window
        self.negatives = negatives
        self.output = nn.Parameter(torch.zeros(vocabulary_size, encoder.states_dim))

    def forward(self, ids: Tensor, lines: Tensor, windows: Tensor, noise: Tensor) -> SampledLoss:
        """Return the loss of a `munjang.tasks.word_windows.WindowBatch`.

        Args:
            ids: tokens, [tokens].
            lines: number of each token's line, [tokens].
            windows: window of each token, [tokens].
            noise: ids of the negatives of each group of tokens, [groups, shared].
        """
        found = Windows.of(lines, windows, self.window)
        inputs = self.encoder.states(ids[None], torch.ones_like(ids[None], dtype=torch.bool))[0]
        # read together, so that the table has one row-sparse gradient
        outputs = sum_rows(self.output, torch.cat([ids, noise.flatten()])[:, None])
        total = self.encoder.sampled_loss(
            inputs,
            outputs[: len(ids)],
            outputs[len(ids) :].view(*noise.shape, -1),
            found,
            self.negatives,
        )
        return SampledLoss(total, self.encoder.count_predictions(found))
