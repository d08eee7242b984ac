"""Check that the activations of very long texts fit into memory."""

from torch import nn

from munjang.data.dataset import AnyBatch
from munjang.errors import DataError
from munjang.layers.embedding import TokenEmbedding
from munjang.layers.fast.convolution import TimeConvolution
from munjang.memory import available_memory

_UNCHECKED_TOKENS = 1 << 18  # some hundred megabytes in the default networks
_FLOAT_BYTES, _INT_BYTES = 4, 8
_BUFFERS = 2  # inputs and outputs of a layer are in memory at the same time


def require_memory(network: nn.Module, batch: AnyBatch) -> None:
    """Refuse a batch that would not fit into memory, before it is allocated.

    Raises:
        DataError: the longest text takes more memory than is free; both are named.
    """
    inputs = batch.inputs[0]
    if inputs.dim() != 2 or inputs.numel() <= _UNCHECKED_TOKENS:
        return
    available = available_memory()
    needed = inputs.numel() * bytes_per_token(network)
    if available is not None and needed > available:
        raise DataError(
            f"a text of {inputs.shape[1]:,} tokens takes about {needed / 1e9:.1f} GB in this "
            f"network, and {available / 1e9:.1f} GB of memory are free; shorten the text, or train "
            "with a lower tokenizer.max_length"
        )


def bytes_per_token(network: nn.Module) -> int:
    """Estimate the memory that the layers take per token of a text, in bytes."""
    return sum(map(_layer_bytes, network.modules()))


def _layer_bytes(layer: nn.Module) -> int:
    if isinstance(layer, TokenEmbedding):
        return layer.dim * _FLOAT_BYTES + layer.ngrams * _INT_BYTES * _BUFFERS
    width = 0
    if isinstance(layer, nn.Linear):
        width = layer.out_features
    elif isinstance(layer, TimeConvolution):
        width = layer.bias.shape[0]
    elif isinstance(layer, nn.RNNBase):
        width = layer.hidden_size + len(layer.all_weights[0][1])  # the state and its gates
    return width * _FLOAT_BYTES * _BUFFERS
