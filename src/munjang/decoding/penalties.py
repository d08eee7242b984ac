"""How hypotheses are ranked.

Wu et al. (2016), "Google's neural machine translation system", section 7:

    s(Y, X) = log P(Y | X) / lp(Y) + cp(X; Y)
    lp(Y) = (5 + |Y|)^α / (5 + 1)^α
    cp(X; Y) = β Σ_i log(min(Σ_j p_ij, 1))

|Y| counts every token whose probability is in P: the end among them where an answer has one.
p_ij is what token j of the answer, or its end, took from token i of the source.
"""

from torch import Tensor

from munjang.decoding.settings import DecodingSettings

# of a source token that nothing attended to: log 0 would rank all such answers alike
_LEAST = 1e-6


def score(
    log_probability: Tensor,
    length: Tensor,
    attention: Tensor | None,
    source_mask: Tensor,
    settings: DecodingSettings,
) -> Tensor:
    """s(Y, X), [sentences, beam] float64.

    Args:
        log_probability: log P(Y | X), [sentences, beam]; -inf where there is no hypothesis.
        length: |Y|, broadcast to [sentences, beam].
        attention: p, [sentences, beam, tokens, source time]; needed where β is not 0.
        source_mask: [sentences, source time].
    """
    ranked = log_probability / length_penalty(length, settings.length_penalty)
    if settings.coverage_penalty and attention is not None:
        ranked = ranked + coverage_penalty(attention, source_mask, settings.coverage_penalty)
    return ranked


def length_penalty(length: Tensor, alpha: float) -> Tensor:
    """lp(Y) for |Y| of any shape, float64: 1 or more, and rising with the length."""
    return ((5.0 + length.double()) / 6.0) ** alpha


def coverage_penalty(attention: Tensor, source_mask: Tensor, beta: float) -> Tensor:
    """cp(X; Y), [sentences, beam] float64: 0 or less. Arguments as those of `score`."""
    taken = attention.double().sum(2).clamp(_LEAST, 1.0)
    return beta * taken.log().masked_fill(~source_mask[:, None], 0.0).sum(-1)
