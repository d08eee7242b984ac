"""Recurrent encoder-decoder with attention (Bahdanau et al. 2015; Luong et al. 2015)."""

from typing import Any

import torch
from torch import Tensor, nn

from munjang.export.hf.modelling.recurrent_encoder_decoder import RecurrentEncoderDecoder


class GlobalAttention(nn.Module):
    """Weighted means of source states: scores q · k, q · W k, or v · tanh(W q + U k + b)."""

    def __init__(self, score: str, width: int) -> None:
        super().__init__()
        is_additive = score == "additive"
        self.key_projection = None if score == "dot" else nn.Linear(width, width, is_additive)
        self.query_projection = nn.Linear(width, width, bias=False) if is_additive else None
        self.score_projection = nn.Linear(width, 1, bias=False) if is_additive else None

    def project_keys(self, states: Tensor) -> Tensor:
        """Return source states [batch, source time, width] as the score compares them."""
        return states if self.key_projection is None else self.key_projection(states)

    def forward(self, query: Tensor, keys: Tensor, source: Any) -> Tensor:
        """Return the context [batch, width] of `query` [batch, width]."""
        if self.query_projection is None or self.score_projection is None:
            scores = (keys @ query[..., None])[..., 0]
        else:
            hidden = (self.query_projection(query)[:, None] + keys).tanh()
            scores = self.score_projection(hidden)[..., 0]
        lowest = torch.finfo(scores.dtype).min
        weights = scores.masked_fill(~source.mask, lowest).softmax(1) * source.mask
        return (weights[:, None] @ source.last_hidden_state)[:, 0]


class EncoderDecoder(RecurrentEncoderDecoder):
    """Luong's decoder, or with additive attention Bahdanau's.

    With the token's vector x, the decoder's state h, the context c that h attends to, and the
    attentional state s, which the output layer reads:

        Luong      h' = cell(x, h), with input feeding cell([x; s], h)    c = attention(h')
        Bahdanau   c = attention(h)    h' = cell([x; c], h)
        both       s' = tanh(W [c; h'])
    """

    def __init__(self, config: Any) -> None:
        hidden = config.hidden_dim
        self_feeding = config.attends_before_cell or config.input_feeding
        super().__init__(config, extra_dim=hidden if self_feeding else 0)
        self.attends_before_cell = config.attends_before_cell
        self.input_feeding = config.input_feeding
        self.attention = GlobalAttention(config.score, hidden)
        self.combine = nn.Linear(2 * hidden, hidden, bias=False)

    def decode(self, vectors: Tensor, source: Any) -> Tensor:
        """Return states [batch, time, out_dim] of decoder inputs [batch, time, dim]."""
        keys, state = self.attention.project_keys(source.last_hidden_state), self.begin(source)
        hidden = state[0][-1] if self.parts == 2 else state[-1]  # of the highest layer
        attentional, outputs = torch.zeros_like(hidden), []
        for x in vectors.unbind(1):
            if self.attends_before_cell:
                context = self.attention(hidden, keys, source)
                x = torch.cat([x, context], dim=1)
            elif self.input_feeding:
                x = torch.cat([x, attentional], dim=1)
            states, state = self.decoder(x[:, None], state)
            hidden = states[:, 0]
            if not self.attends_before_cell:
                context = self.attention(hidden, keys, source)
            attentional = self.combine(torch.cat([context, hidden], dim=1)).tanh()
            outputs.append(attentional)
        return self.to_output(torch.stack(outputs, dim=1))
