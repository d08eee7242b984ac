"""Attention: weights over places that say where a sum of states looks."""

from torch import Tensor, nn

from munjang.layers.masking import masked_softmax


class AttentionPooling(nn.Module):
    """Additive self-attention: states [batch, time, dim] to one weighted mean a row, [batch, dim].

    Yang et al. (2016), "Hierarchical attention networks for document classification": a place is
    asked by a learned query `v` how much it counts,

        score = v · tanh(W h + b)          a = softmax of the scores over the real places

    and the row's vector is the sum of a h. No place asks another, so this costs one matrix
    product beside the layer below.

    Args:
        dim: width of a state, and of the query.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.keys = nn.Linear(dim, dim)
        self.query = nn.Linear(dim, 1, bias=False)

    def forward(self, states: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """`states` [batch, time, dim] and `mask` [batch, time] to the mean and its weights.

        Returns:
            The weighted mean [batch, dim], and the weights [batch, time]: a row of them sums to
            1, with 0 at padding; a row without any real token gives zeros in both.
        """
        scores = self.query(self.keys(states).tanh())[..., 0]
        weights = masked_softmax(scores, mask)
        return (weights[:, None] @ states)[:, 0], weights
