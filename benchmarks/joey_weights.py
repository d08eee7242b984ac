"""The weights of Munjang's Transformer under the names of JoeyNMT's, which is the same network.

Both have the norms before the parts, sines and cosines for places, and an output that shares the
embedding of the target. What only JoeyNMT has is zero: biases of the projections of its attention.
"""

from pathlib import Path

import numpy as np
import torch
from joeynmt.transformer_layers import PositionalEncoding
from torch import Tensor

Weights = dict[str, Tensor]


def convert_weights(path: Path, layers: int) -> Weights:
    """`model_state` of a checkpoint of JoeyNMT from the arrays in `path`."""
    with np.load(path) as stored:
        ours = {name: torch.from_numpy(stored[name]) for name in stored.files}
    assert not ours["embedding.bias"].any(), "JoeyNMT's output has no bias"
    target = _convert_table(ours["embedding.target_table"])
    state = {
        "src_embed.lut.weight": _convert_table(ours["embedding.source_table"]),
        "trg_embed.lut.weight": target,
        "decoder.output_layer.weight": target,
    }
    for side, attentions, norms in (
        ("encoder", {"attention": "src_src_att"}, {"attention_norm": "layer_norm"}),
        (
            "decoder",
            {"attention": "trg_trg_att", "cross": "src_trg_att"},
            {"attention_norm": "x_layer_norm", "cross_norm": "dec_layer_norm"},
        ),
    ):
        parts = {
            **norms,
            "feed_forward_norm": "feed_forward.layer_norm",
            "up": "feed_forward.pwff_layer.0",
            "down": "feed_forward.pwff_layer.3",
        }
        for layer in range(layers):
            here, there = f"{side}.{layer}", f"{side}.layers.{layer}"
            for name, theirs in attentions.items():
                state |= _convert_attention(ours, f"{here}.{name}", f"{there}.{theirs}")
            for name, theirs in parts.items():
                state |= _rename(ours, f"{here}.{name}", f"{there}.{theirs}")
        state |= _rename(ours, f"{side}_norm", f"{side}.layer_norm")
        state[f"{side}.pe.pe"] = PositionalEncoding(target.shape[1]).pe  # kept among its weights
    return state


def _convert_table(ours: Tensor) -> Tensor:
    """Rows of the reserved ids as JoeyNMT orders them: unknown, padding, begin, end."""
    return ours[[1, 0, *range(2, len(ours))]]


def _rename(ours: Weights, here: str, there: str) -> Weights:
    return {f"{there}.{kind}": ours[f"{here}.{kind}"] for kind in ("weight", "bias")}


def _convert_attention(ours: Weights, here: str, there: str) -> Weights:
    """Our projections of queries, keys and values are one matrix, or of a source two."""
    one = ours[f"{here}.in_proj.weight"]
    width = one.shape[1]
    parts = list(one.split(width))
    if len(parts) == 2:
        parts.insert(0, ours[f"{here}.query.weight"])
    layers = dict(zip(("q_layer", "k_layer", "v_layer"), parts, strict=True))
    layers["output_layer"] = ours[f"{here}.out_proj.weight"]
    weights = {f"{there}.{name}.weight": weight for name, weight in layers.items()}
    return weights | {f"{there}.{name}.bias": torch.zeros(width) for name in layers}
