"""Whether the numbers that a network makes of a very long text have room in memory."""

from torch import nn

from munjang.data.dataset import AnyBatch
from munjang.errors import DataError
from munjang.layers.convolution import TimeConvolution
from munjang.layers.embedding import TokenEmbedding
from munjang.memory import available_memory

_FEW_TOKENS = 1 << 18  # of so many nobody asks: some hundred megabytes in the default networks
_FLOAT, _INT = 4, 8
_AT_ONCE = 2  # what a layer is given and what it gives lie side by side, and so do copies of both


def require_memory(network: nn.Module, batch: AnyBatch) -> None:
    """Refuse a batch that would not fit, before anything of it is allocated.

    Raises:
        DataError: naming how many tokens the longest text has, what it takes and what there is.
    """
    inputs = batch.inputs[0]
    if inputs.dim() != 2 or inputs.numel() <= _FEW_TOKENS:
        return
    there = available_memory()
    needed = inputs.numel() * bytes_per_token(network)
    if there is not None and needed > there:
        raise DataError(
            f"a text of {inputs.shape[1]:,} tokens takes about {needed / 1e9:.1f} GB in this "
            f"network, and {there / 1e9:.1f} GB of memory are free; shorten the text, or train "
            "with a lower tokenizer.max_length"
        )


def bytes_per_token(network: nn.Module) -> int:
    """Estimate the memory that the layers take per token of a text, in bytes."""
    return sum(map(_bytes_of_layer, network.modules()))


def _bytes_of_layer(layer: nn.Module) -> int:
    if isinstance(layer, TokenEmbedding):
        return layer.dim * _FLOAT + layer.ngrams * _INT * _AT_ONCE
    width = 0
    if isinstance(layer, nn.Linear):
        width = layer.out_features
    elif isinstance(layer, TimeConvolution):
        width = layer.bias.shape[0]
    elif isinstance(layer, nn.RNNBase):
        width = layer.hidden_size + len(layer.all_weights[0][1])  # the state and its gates
    return width * _FLOAT * _AT_ONCE
