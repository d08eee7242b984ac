"""Check of the number of attention heads, shared by all Transformers."""

from munjang.layers.position import Positions


def check_heads(dim: int, heads: int, positions: Positions) -> None:
    """Raise if `dim` cannot be divided among `heads`.

    Raises:
        ValueError: `dim` is not a multiple of `heads`, or rotary positions need an even head dim.
    """
    if dim % heads:
        raise ValueError(f"heads: dim ({dim}) is no multiple of heads ({heads})")
    if positions == "rotary" and dim // heads % 2:
        raise ValueError(
            f"positions: rotary rotates pairs of features, and a head of dim / heads = "
            f"{dim // heads} cannot be paired; choose dim and heads of an even quotient"
        )
