"""Whether heads fit the width that they share: what every Transformer asks of its settings."""

from munjang.layers.position import Positions


def check_heads(dim: int, heads: int, positions: Positions) -> None:
    """Refuse a width that its heads cannot share.

    Raises:
        ValueError: `dim` is no multiple of `heads`, or rotary positions find no pairs in a head.
    """
    if dim % heads:
        raise ValueError(f"heads: dim ({dim}) is no multiple of heads ({heads})")
    if positions == "rotary" and dim // heads % 2:
        raise ValueError(
            f"positions: rotary turns pairs of numbers, and a head of dim / heads = "
            f"{dim // heads} cannot be paired; choose an even width"
        )
