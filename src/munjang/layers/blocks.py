"""Layers of a Transformer: attention and a feed-forward part, each beside a way that goes past it.

Vaswani et al. (2017), "Attention is all you need", have the norm behind each part ("post-norm");
Xiong et al. (2020), "On layer normalization in the Transformer architecture", before it
("pre-norm"), so that the way past stays free and training needs little warm-up:

    post: x = Norm(x + Part(x))        pre: x = x + Part(Norm(x))
"""

from collections.abc import Callable
from typing import Literal, cast

from torch import Tensor, nn

from munjang.layers.activations import Activation, activation
from munjang.layers.attention import CrossAttention, KeysValues, SelfAttention
from munjang.layers.dropout import Dropout
from munjang.layers.position import Turns

Norm = Literal["pre", "post"]
Part = Callable[[Tensor], Tensor]


class _Layer(nn.Module):
    """What layers of both sides share: the feed-forward part and the way past.

        FeedForward(x) = W_2 f(W_1 x + b_1) + b_2

    Args:
        dropout: share dropped of what each part adds.
        norm: where the norms stand.
    """

    def __init__(self, *, dropout: float, norm: Norm) -> None:
        super().__init__()
        self.norm_first = norm == "pre"
        self.dropout = Dropout(dropout)

    def _add_feed_forward(self, dim: int, inner: int, inside: Activation) -> None:
        """Last of the parts, as its weights are drawn in the order in which the parts stand."""
        self.feed_norm = nn.LayerNorm(dim)
        self.widen = nn.Linear(dim, inner)
        self.inside = activation(inside)
        self.narrow = nn.Linear(inner, dim)

    def beside(self, states: Tensor, norm: nn.LayerNorm, part: Part) -> Tensor:
        """`states` with what `part` makes of them added."""
        if self.norm_first:
            return states + cast(Tensor, self.dropout(part(norm(states))))
        return cast(Tensor, norm(states + self.dropout(part(states))))

    def fed(self, states: Tensor) -> Tensor:
        """`states` behind the feed-forward part."""
        return self.beside(states, self.feed_norm, self._feed_forward)

    def _feed_forward(self, states: Tensor) -> Tensor:
        return cast(Tensor, self.narrow(self.inside(self.widen(states))))


class Block(_Layer):
    """One layer of an encoder: attention to each other, then a feed-forward part.

    Args:
        dim: width of a state.
        heads: of the attention.
        inner: width inside the feed-forward part.
        inside: name of its activation.
        dropout: share dropped of what each part adds.
        norm: where the norms stand.
    """

    def __init__(
        self,
        dim: int,
        heads: int,
        *,
        inner: int,
        inside: Activation,
        dropout: float,
        norm: Norm = "pre",
    ) -> None:
        super().__init__(dropout=dropout, norm=norm)
        self.attention_norm = nn.LayerNorm(dim)
        self.attention = SelfAttention(dim, heads)
        self._add_feed_forward(dim, inner, inside)

    def forward(self, states: Tensor, visible: Tensor | None, turns: Turns | None) -> Tensor:
        """`states` [batch, time, dim] to the same shape."""
        return self.fed(
            self.beside(states, self.attention_norm, lambda x: self.attention(x, visible, turns))
        )

    def written_out(
        self, states: Tensor, visible: Tensor | None, turns: Turns | None
    ) -> tuple[Tensor, Tensor]:
        """As `forward`, with the attention's weights [batch, heads, time, time]."""
        kept: list[Tensor] = []

        def attention(x: Tensor) -> Tensor:
            taken, weights = self.attention.written_out(x, visible, turns)
            kept.append(weights)
            return taken

        return self.fed(self.beside(states, self.attention_norm, attention)), kept[0]


class DecoderBlock(_Layer):
    """One layer of a decoder: attention to earlier words, to the source, then a feed-forward part.

    Args:
        dim: width of a state.
        heads: of each attention.
        inner: width inside the feed-forward part.
        inside: name of its activation.
        dropout: share dropped of what each part adds.
        norm: where the norms stand.
    """

    def __init__(
        self,
        dim: int,
        heads: int,
        *,
        inner: int,
        inside: Activation,
        dropout: float,
        norm: Norm = "pre",
    ) -> None:
        super().__init__(dropout=dropout, norm=norm)
        self.attention_norm = nn.LayerNorm(dim)
        self.attention = SelfAttention(dim, heads)
        self.cross_norm = nn.LayerNorm(dim)
        self.cross = CrossAttention(dim, heads)
        self._add_feed_forward(dim, inner, inside)

    def forward(
        self, states: Tensor, memory: KeysValues, visible: Tensor | None, turns: Turns | None
    ) -> Tensor:
        """All places at once; each sees the source and no later place.

        Args:
            states: [batch, time, dim].
            memory: of `cross.remembered`.
            visible: source tokens that may be looked at, of `visible_keys`.
            turns: with rotary positions.

        Returns:
            [batch, time, dim].
        """
        states = self.beside(
            states, self.attention_norm, lambda x: self.attention(x, None, turns, causal=True)
        )
        return self.fed(
            self.beside(states, self.cross_norm, lambda x: self.cross(x, memory, visible))
        )

    def written_out(
        self,
        states: Tensor,
        memory: KeysValues,
        visible: Tensor | None,
        turns: Turns | None,
        earlier: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """As `forward`, with the weights on target and source.

        `earlier` [time, time] says which places each may see. The weights are [batch, heads, time,
        time] and [batch, heads, time, source time].
        """
        kept: list[Tensor] = []

        def attention(x: Tensor) -> Tensor:
            taken, weights = self.attention.written_out(x, earlier, turns)
            kept.append(weights)
            return taken

        def cross(x: Tensor) -> Tensor:
            taken, weights = self.cross.written_out(x, memory, visible)
            kept.append(weights)
            return taken

        states = self.beside(states, self.attention_norm, attention)
        states = self.fed(self.beside(states, self.cross_norm, cross))
        return states, kept[0], kept[1]

    def step(
        self,
        states: Tensor,
        past: KeysValues | None,
        memory: KeysValues,
        visible: Tensor | None,
        turns: Turns | None,
        past_visible: Tensor | None = None,
    ) -> tuple[Tensor, KeysValues, Tensor]:
        """One place of every hypothesis.

        Args:
            states: [sentences, beam, dim].
            past: keys and values of the earlier places, each [sentences x beam, heads, places,
                dim / heads]; None at the first.
            memory: of the sentences: the hypotheses of one are so many queries on it.
            visible: as in `forward`.
            turns: of this place alone.
            past_visible: places that may be attended to, this one as the last, [sentences x beam,
                1, 1, places + 1]; None: all.

        Returns:
            [sentences, beam, dim], the past with this place, and the weights on the source
            [sentences, heads, beam, source time].
        """
        kept: list[Tensor] = []
        now: list[KeysValues] = []
        shape = states.shape

        def attention(x: Tensor) -> Tensor:
            taken, seen = self.attention.step(x.view(-1, 1, shape[-1]), past, turns, past_visible)
            now.append(seen)
            return taken.view(shape)

        def cross(x: Tensor) -> Tensor:
            taken, weights = self.cross.written_out(x, memory, visible)
            kept.append(weights)
            return taken

        states = self.beside(states, self.attention_norm, attention)
        states = self.fed(self.beside(states, self.cross_norm, cross))
        return states, now[0], kept[0]
