"""Forward and backward passes of `nn.RNN` and `nn.GRU` in few operations per step, for training.

PyTorch has no CPU kernel for these cells. It records a dozen operations per token, and each of them
is undone by itself, the gradients of the weights included. Here the sums over the inputs, the
derivatives of all activations and the gradients of all weights are computed for all steps at once.
What is left of a step is one product with the hidden state, and one to four operations in place.

Symbols are those of `munjang.layers.cells`. Tensors are [time, batch, ...] here, so that the rows
of a step are contiguous.
"""

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor, nn


class _Rnn(torch.autograd.Function):
    """Hidden states [time, batch, hidden] of tokens [time, batch, dim], with h' = tanh(sums + h U).

    With e the gradient of the sums at a step, that of the hidden state before is e U, and
    e = (gradient of h) (1 - h^2).
    """

    @staticmethod
    def forward(
        ctx: Any, tokens: Tensor, first: Tensor, w: Tensor, u: Tensor, b: Tensor, d: Tensor
    ) -> Tensor:
        hidden = _sums(tokens, w, b + d)
        before, on_hidden = first, u.T.contiguous()
        for state in hidden.unbind(0):
            before = state.addmm_(before, on_hidden).tanh_()
        ctx.save_for_backward(tokens, first, hidden, w, u)
        return hidden

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        tokens, first, hidden, w, u = ctx.saved_tensors
        slopes = torch.addcmul(torch.ones_like(hidden), hidden, hidden, value=-1)
        errors = grads[0].clone(memory_format=torch.contiguous_format)
        steps, after = list(zip(errors.unbind(0), slopes.unbind(0), strict=True)), None
        for error, slope in reversed(steps):
            if after is not None:
                error.addmm_(after, u)
            after = error.mul_(slope)
        flat = errors.flatten(0, 1)
        to_bias = flat.sum(0)
        return (
            (flat @ w).view_as(tokens) if ctx.needs_input_grad[0] else None,
            errors[0] @ u if ctx.needs_input_grad[1] else None,
            flat.T @ tokens.flatten(0, 1),
            flat.T @ _before(first, hidden).flatten(0, 1),
            to_bias,
            to_bias,
        )


class _Gru(torch.autograd.Function):
    """Hidden states [time, batch, hidden] of tokens [time, batch, dim].

        r, z = sigmoid(sums + h U)    c = d + h U    n = tanh(sum + r c)    h' = n + z (h - n)

    The gradients at a step stand side by side as n, z, r, c: the first three are those of the sums
    over the inputs, the last three those of the products with the hidden state.
    """

    @staticmethod
    def forward(
        ctx: Any, tokens: Tensor, first: Tensor, w: Tensor, u: Tensor, b: Tensor, d: Tensor
    ) -> Tensor:
        size = u.shape[1]
        sums = _sums(tokens, w, torch.cat([b[: 2 * size] + d[: 2 * size], b[2 * size :]]))
        new = sums[..., 2 * size :].clone()
        sums[..., 2 * size :] = d[2 * size :]
        hidden = torch.empty_like(new)
        before, on_hidden = first, u.T.contiguous()
        for step, candidate, state in zip(
            sums.unbind(0), new.unbind(0), hidden.unbind(0), strict=True
        ):
            step.addmm_(before, on_hidden)
            reset, update, product = step.chunk(3, dim=1)
            step[:, : 2 * size].sigmoid_()
            candidate.addcmul_(product, reset).tanh_()
            before = torch.lerp(candidate, before, update, out=state)
        ctx.save_for_backward(tokens, first, sums, new, hidden, w, u)
        return hidden

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        tokens, first, sums, new, hidden, w, u = ctx.saved_tensors
        size = u.shape[1]
        reset, update, product = sums.chunk(3, dim=2)
        before = _before(first, hidden)
        # of n and z, as factors of the gradient of h'; of r and c, as factors of that of n
        outer = torch.stack(
            [
                (1 - update) * (1 - new * new),
                (before - new) * update * (1 - update),
            ],
            dim=2,
        )
        inner = torch.stack([product * reset * (1 - reset), reset], dim=2)
        errors = torch.empty(*new.shape[:2], 4 * size, dtype=new.dtype)
        to_hidden = torch.cat([u[size : 2 * size], u[:size], u[2 * size :]])
        flows = grads[0].clone(memory_format=torch.contiguous_format)
        to_first = _flow_back(flows, errors, outer, inner, update, to_hidden)
        flat = errors.flatten(0, 1)
        of_sums, of_products = flat[:, : 3 * size], flat[:, size:]
        n, z, r = w[2 * size :], w[size : 2 * size], w[:size]
        to_tokens = (
            (of_sums @ torch.cat([n, z, r])).view_as(tokens) if ctx.needs_input_grad[0] else None
        )
        return (
            to_tokens,
            to_first,
            _in_order(of_sums.T @ tokens.flatten(0, 1), (2, 1, 0)),
            _in_order(of_products.T @ before.flatten(0, 1), (1, 0, 2)),
            _in_order(of_sums.sum(0), (2, 1, 0)),
            _in_order(of_products.sum(0), (1, 0, 2)),
        )


def _flow_back(
    flows: Tensor, errors: Tensor, outer: Tensor, inner: Tensor, update: Tensor, u: Tensor
) -> Tensor:
    """Fill `errors` [time, batch, 4 hidden] from the last step to the first.

    Returns:
        The gradient of the state before the first token, [batch, hidden].
    """
    size = flows.shape[2]
    slots = errors.view(*flows.shape[:2], 4, size)
    for t in range(len(flows) - 1, -1, -1):
        flow, slot = flows[t], slots[t]
        torch.mul(flow[:, None], outer[t], out=slot[:, :2])
        torch.mul(slot[:, :1], inner[t], out=slot[:, 2:])
        before = flows[t - 1].addcmul_(flow, update[t]) if t else flow * update[t]
        before.addmm_(errors[t][:, size:], u)
    return before


def _sums(tokens: Tensor, w: Tensor, bias: Tensor) -> Tensor:
    """Return the sums over the inputs of all steps, [time, batch, gates x hidden]."""
    return torch.addmm(bias, tokens.flatten(0, 1), w.T).view(*tokens.shape[:2], len(w))


def _before(first: Tensor, hidden: Tensor) -> Tensor:
    """Return the hidden state before each step, [time, batch, hidden]."""
    return torch.cat([first[None], hidden[:-1]])


def _in_order(blocks: Tensor, order: tuple[int, ...]) -> Tensor:
    """Return equal blocks of rows in another order."""
    parts = blocks.chunk(len(order))
    return torch.cat([parts[number] for number in order])


_FUNCTIONS: dict[type[nn.RNNBase], Callable[..., Tensor]] = {
    nn.RNN: _Rnn.apply,
    nn.GRU: _Gru.apply,
}


def can_train(layer: nn.Module, states: Tensor) -> bool:
    """Return whether `train_steps` computes this layer: with gradients, in float32 on the CPU.

    A layer with hooks is called as it is, so that they are called, too.
    """
    return (
        type(layer) in _FUNCTIONS
        and not (layer._forward_hooks or layer._forward_pre_hooks)
        and torch.is_grad_enabled()
        and states.device.type == "cpu"
        and states.dtype == torch.float32
        and not torch.is_autocast_enabled("cpu")
        and states.shape[1] > 0
    )


def train_steps(
    layer: nn.RNNBase, states: Tensor, first: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Compute what `nn.RNN` or `nn.GRU` of one layer and direction returns.

    Args:
        layer: batch first.
        states: [batch, time, dim], with a token at least.
        first: state before the first token, [1, batch, hidden]; zeros if omitted.

    Returns:
        Hidden states [batch, time, hidden], and the last one [1, batch, hidden].
    """
    begin = states.new_zeros(len(states), layer.hidden_size) if first is None else first[0]
    tokens = states.transpose(0, 1).contiguous()
    run = _FUNCTIONS[type(layer)]
    hidden = run(tokens, begin, *cast(list[Tensor], layer.all_weights[0]))
    return hidden.transpose(0, 1), hidden[-1:]
