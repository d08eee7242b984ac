"""Masked tokens."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers.modeling_outputs import MaskedLMOutput

from munjang.export.hf.modelling.activations import ACTIVATIONS
from munjang.export.hf.modelling.base import MunjangPreTrainedModel, Tokens, put_back, read_batch
from munjang.export.hf.modelling.encoder import Encoder


class MaskedHead(nn.Module):
    """An encoder, a layer as BERT's, and an output layer that shares the token vectors."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.encoder = Encoder(config)
        dim = config.embedding["dim"]
        self.transform = nn.Linear(self.encoder.states_dim, dim)
        self.activation = ACTIVATIONS[config.head_activation]
        self.norm = nn.LayerNorm(dim, eps=config.head_norm_eps)
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))

    def forward(self, tokens: Tokens) -> Tensor:
        """Return logits [batch, time, vocabulary]."""
        states, _ = self.encoder(tokens)
        hidden = self.norm(self.activation(self.transform(states)))
        return F.linear(hidden, self.encoder.embedding.table.weight[: len(self.bias)], self.bias)


class MunjangForMaskedLM(MunjangPreTrainedModel):
    """Logits of the token at each place."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.network = MaskedHead(config)
        self.post_init()

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        **options: Any,
    ) -> MaskedLMOutput:
        """Return logits [batch, time, vocabulary] and, with `labels`, the loss.

        Args:
            input_ids: [batch, time].
            attention_mask: [batch, time], 1 = real token.
            labels: tokens that stand at the places, -100 where none is asked for, [batch, time].
            options: not used.
        """
        tokens, places = read_batch(input_ids, attention_mask)
        logits = put_back(self.network(tokens), places)
        loss = None
        if labels is not None:
            loss = F.cross_entropy(logits.flatten(0, 1), labels.flatten())
        return MaskedLMOutput(loss=loss, logits=logits)
