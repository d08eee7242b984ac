"""How much a state changes with each token vector: norms of the Jacobian.

For the state h_t [states dim] at a place t and the vector x_s [dim] of a token s

    |∂h_t / ∂x_s|² = Σ_i |∂h_t[i] / ∂x_s|²          the squared Frobenius norm

One backward pass gives one row of the Jacobian, so the exact norm takes as many as a state has
units. A random vector v of signs +1 and -1 gives an estimate of it in one: the mean of
|vᵀ ∂h_t / ∂x_s|² over v is the squared norm (Hutchinson 1990, "A stochastic estimator of the trace
of the influence matrix for Laplacian smoothing splines"). A row of a batch is one vector v of one
place t, so that a batch takes one backward pass.
"""

import torch
from torch import Tensor

from munjang.explain.token_network import TokenNetwork, embed_rows
from munjang.tasks.inference import limit_threads_if_forked

# Vectors v per place: the error of an average over some texts is then a few percent.
PROBES = 16
# Numbers in the states and vectors of one backward pass.
_MOST_NUMBERS = 2**23


def squared_norms(
    network: TokenNetwork,
    ids: Tensor,
    mask: Tensor,
    places: Tensor,
    *,
    probes: int | None = PROBES,
    seed: int = 0,
) -> Tensor:
    """Return the squared norm of the Jacobian of a state of each row, by token.

    Args:
        network: in evaluation mode.
        ids: [batch, time].
        mask: [batch, time], True = real token.
        places: the place of the state of each row, [batch].
        probes: random vectors per state; None, or at least as many as a state has units, for the
            exact norm.
        seed: random seed of the vectors.

    Returns:
        [batch, time] float64, on the CPU; zeros at padding and at tokens that the state does not
        depend on.
    """
    limit_threads_if_forked()
    vectors = embed_rows(network, ids, mask)
    with torch.inference_mode(False), torch.no_grad():
        width = network.states(vectors[:1], mask[:1].clone()).shape[-1]
    signs, weight = _probes(width, probes, seed, vectors)
    numbers = vectors.shape[1] * (vectors.shape[2] + width) * len(signs)
    step = max(1, _MOST_NUMBERS // max(1, numbers))
    parts = [
        _project(network, vectors[part], mask[part], places[part], signs)
        for part in (slice(start, start + step) for start in range(0, len(ids), step))
    ]
    return weight * torch.cat(parts) if parts else torch.zeros(ids.shape, dtype=torch.float64)


def _probes(width: int, probes: int | None, seed: int, like: Tensor) -> tuple[Tensor, float]:
    """Return the vectors [probes, width], and the factor on the sum of their squared norms."""
    if probes is None or probes >= width:
        return torch.eye(width, dtype=like.dtype, device=like.device), 1.0
    generator = torch.Generator().manual_seed(seed)
    signs = torch.randint(0, 2, (probes, width), generator=generator) * 2 - 1
    return signs.to(like), 1.0 / probes


def _project(
    network: TokenNetwork, vectors: Tensor, mask: Tensor, places: Tensor, signs: Tensor
) -> Tensor:
    """Return the sum over v of |vᵀ ∂h / ∂x|² of each row, [batch, time] float64."""
    count = len(signs)
    with torch.inference_mode(False), torch.enable_grad():
        inputs = vectors.repeat_interleave(count, 0).requires_grad_()
        real = mask.clone().repeat_interleave(count, 0)
        states = network.states(inputs, real)
        chosen = states[torch.arange(len(inputs)), places.repeat_interleave(count)]
        total = (chosen * signs.repeat(len(vectors), 1)).sum()
        (gradient,) = torch.autograd.grad(total, inputs)
    # squared as float64: far back, a norm may be below the root of the least float32
    squares = gradient.double().square().sum(-1)
    return squares.view(len(vectors), count, -1).sum(1).cpu()
