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
        [hypotheses, dim], before the last norm.
    """
    place, columns = buffer.filled, buffer.columns
    buffer.filled += 1
    seen = columns.narrow(3, 0, place + 1)
    keys = seen.select(2, 0).transpose(2, 3).unbind(0)
    values = seen.select(2, 1).unbind(0)
    new = columns.select(3, place).unbind(0)
    visible = buffer.visible.narrow(2, 0, place + 1)
    cos, sin = buffer.cos.select(1, place), buffer.sin.select(1, place)
    shape = (len(states) * buffer.heads, 3, columns.shape[4])
    scale, half = shape[2] ** -0.5, shape[2] // 2
    every = zip(buffer.weights, keys, values, new, strict=True)
    for weights, layer_keys, layer_values, free in every:
        parts = torch.mm(weights.attention_norm(states), weights.project).view(shape)
        both = parts.narrow(1, 0, 2)  # query and key
        partners = both.roll(half, 2)
        both.mul_(cos).addcmul_(partners, sin)
        free.copy_(parts.narrow(1, 1, 2))
        scores = torch.baddbmm(visible, both.narrow(1, 0, 1), layer_keys, alpha=scale)
        taken = torch.bmm(scores.softmax(-1), layer_values).view(states.shape)
        states = torch.addmm(states, taken, weights.join)
        hidden = torch.addmm(weights.up_bias, weights.feed_forward_norm(states), weights.up)
        states = torch.addmm(states, weights.activation(hidden), weights.down)
        states.add_(weights.down_bias)
    return states
