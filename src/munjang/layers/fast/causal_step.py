"""One more token per row through the layers of a causal Transformer, without gradients.

Called module by module, such a step takes longer to begin its operations than to compute. Here
the matrices are laid out once, hypotheses and heads are one dimension of every product, and the
places of all layers are looked up together.

`munjang.layers.causal_block.CausalBlock.step` is the same step of one layer, module by module.
"""

import torch
from torch import Tensor

from munjang.layers.fast.key_value_buffer import KeyValueBuffer


def can_step_layers(states: Tensor, is_training: bool) -> bool:
    """Return whether `step_layers` may read states: float32 on the CPU, without gradients."""
    return (
        not is_training
        and not torch.is_grad_enabled()
        and states.dtype == torch.float32
        and states.device.type == "cpu"
        and not torch.is_autocast_enabled("cpu")
        # a mode that counts or replaces operations knows those of PyTorch's modules
        and torch._C._len_torch_dispatch_stack() == 0
    )


def step_layers(states: Tensor, buffer: KeyValueBuffer) -> Tensor:
    """Read one more token of each hypothesis, and write its keys and values into the buffer.

    Args:
        states: vectors of the tokens, [hypotheses, dim].
        buffer: with a free place.

    Returns:
        [hypotheses, dim], before the last norm; those of a `CausalRow` less their mean, until the
        next step.
    """
    place, columns = buffer.filled, buffer.columns
    buffer.filled += 1
    if buffer.row is not None:
        return buffer.row.step(states, place)
    seen = columns.narrow(3, 0, place + 1)
    keys = seen.select(2, 0).transpose(2, 3).unbind(0)
    values = seen.select(2, 1).unbind(0)
    new = columns.select(3, place).unbind(0)
    bias = None if buffer.bias is None else buffer.bias.narrow(2, 0, place + 1)
    rotation = buffer.rotation.select(1, place)
    parts_shape = (len(states) * buffer.heads, 3, columns.shape[4])
    pairs_shape = (*parts_shape[:2], columns.shape[4] // 2, 2)
    every = zip(buffer.weights, keys, values, new, strict=True)
    for weights, layer_keys, layer_values, free in every:
        product = torch.mm(weights.attention_norm(states), weights.project)
        pairs = torch.view_as_complex(product.view(pairs_shape))
        pairs.narrow(1, 0, 2).mul_(rotation)  # query and key, not the value
        query, key_value = product.view(parts_shape).split_with_sizes((1, 2), 1)
        free.copy_(key_value)
        scores = torch.bmm(query, layer_keys)
        if bias is not None:
            scores = scores + bias
        taken = torch.bmm(scores.softmax(-1), layer_values).view(states.shape)
        states = torch.addmm(states, taken, weights.join)
        units = torch.addmm(weights.up_bias, weights.feed_forward_norm(states), weights.up)
        states = torch.addmm(states, weights.activation(units), weights.down)
        states.add_(weights.down_bias)
    return states
