"""Parts that recurrent encoder-decoders share."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from munjang.export.hf.modelling.base import Tokens

LAYERS = {"lstm": nn.LSTM, "gru": nn.GRU}


class RecurrentEncoderDecoder(nn.Module):
    """An encoder, and a decoder that begins in the encoder's last state.

    Args:
        config: content of config.json.
        extra_dim: width of what is concatenated to each decoder input.
    """

    def __init__(self, config: Any, extra_dim: int = 0) -> None:
        super().__init__()
        cell, hidden, layers = LAYERS[config.cell], config.hidden_dim, config.layers
        self.parts = 2 if config.cell == "lstm" else 1  # tensors of a state
        self.is_reversed = config.reverse_source
        self.encoder = cell(
            config.dim,
            hidden // config.directions,
            layers,
            batch_first=True,
            bidirectional=config.directions == 2,
        )
        # tanh(W x + b) of the last states of two directions, for each layer and part
        self.bridge = None
        if config.directions == 2:
            self.bridge = nn.ModuleList(
                nn.Linear(hidden, hidden) for _ in range(layers * self.parts)
            )
        self.decoder = cell(config.dim + extra_dim, hidden, layers, batch_first=True)
        is_wider = config.out_dim != hidden
        self.to_out_dim = nn.Linear(hidden, config.out_dim, bias=False) if is_wider else None

    def encode(self, vectors: Tensor, tokens: Tokens) -> dict[str, Tensor]:
        """Return the states of the source, and the first state of the decoder."""
        lengths = tokens.lengths.clamp(min=1)
        if self.is_reversed:
            place = torch.arange(vectors.shape[1], device=vectors.device)
            mirrored = torch.where(tokens.mask, lengths[:, None] - 1 - place, place)
            vectors = vectors.gather(1, mirrored[..., None].expand_as(vectors))
        packed = pack_padded_sequence(
            vectors, lengths.cpu(), batch_first=True, enforce_sorted=False
        )
        outputs, ends = self.encoder(packed)
        states, _ = pad_packed_sequence(outputs, batch_first=True, total_length=vectors.shape[1])
        ends = ends if isinstance(ends, tuple) else (ends,)
        return {"last_hidden_state": states, "initial": self.initial_state(ends, tokens)}

    def initial_state(self, ends: tuple[Tensor, ...], tokens: Tokens) -> Tensor:
        """Return the first state of the decoder, [batch, parts, layers, hidden].

        Args:
            ends: last states of the encoder, one per part, [layers x directions, batch, width].
            tokens: the source.
        """
        batch = len(tokens.ids)
        layers = self.decoder.num_layers
        # [parts, layers, directions, batch, width] -> [batch, parts, layers, hidden]
        joined = torch.stack(ends).view(self.parts, layers, -1, batch, self.encoder.hidden_size)
        initial = joined.permute(3, 0, 1, 2, 4).flatten(3)
        initial = initial * tokens.mask.any(1)[:, None, None, None]
        if self.bridge is None:
            return initial
        flat = initial.transpose(1, 2).flatten(1, 2).unbind(1)  # layer by layer
        mapped = [linear(end).tanh() for linear, end in zip(self.bridge, flat, strict=True)]
        return torch.stack(mapped, dim=1).view(batch, layers, self.parts, -1).transpose(1, 2)

    def begin(self, source: Any) -> Any:
        """Return the first state as PyTorch takes it: a pair for an lstm, else a tensor."""
        parts = [part.transpose(0, 1).contiguous() for part in source.initial.unbind(1)]
        return tuple(parts) if self.parts == 2 else parts[0]

    def to_output(self, states: Tensor) -> Tensor:
        """Return states of the width that the output layer reads."""
        return states if self.to_out_dim is None else self.to_out_dim(states)
