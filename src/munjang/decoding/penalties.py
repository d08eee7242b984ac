"""Ranking score of hypotheses, with length and coverage penalty.

Wu et al. (2016), "Google's neural machine translation system", section 7:

    s(Y, X) = log P(Y | X) / lp(Y) + cp(X; Y)
    lp(Y) = (5 + |Y|)^α / (5 + 1)^α
    cp(X; Y) = β Σ_i log(min(Σ_j p_ij, 1))

|Y| counts every token whose probability is in P, EOS included where an answer has one.
p_ij is the attention weight of source token i for token j of the answer, or for its EOS.
"""

from torch import Tensor

from munjang.decoding.settings import DecodingSettings

# lowest coverage of a source token: log 0 would make all answers that miss one equal
_MIN_COVERAGE = 1e-6


def score(
    log_probability: Tensor,
    length: Tensor,
    attention: Tensor | None,
    source_mask: Tensor | None,
    settings: DecodingSettings,
) -> Tensor:
    """Compute s(Y, X), [rows, beam] float64.

    Args:
        log_probability: log P(Y | X), [rows, beam]; -inf where there is no hypothesis.
        length: |Y|, broadcast to [rows, beam].
        attention: p, [rows, beam, tokens, source time]; needed where β is not 0.
        source_mask: [rows, source time], True = real token; needed where β is not 0.
        settings: `length_penalty` is α and `coverage_penalty` is β.
    """
    scores = log_probability / length_penalty(length, settings.length_penalty)
    if settings.coverage_penalty and attention is not None and source_mask is not None:
        scores = scores + coverage_penalty(attention, source_mask, settings.coverage_penalty)
    return scores


def length_penalty(length: Tensor, alpha: float) -> Tensor:
    """Compute lp(Y) of |Y| of any shape, float64: 1 or more, and rising with the length."""
    return ((5.0 + length.double()) / 6.0) ** alpha


def coverage_penalty(attention: Tensor, source_mask: Tensor, beta: float) -> Tensor:
    """Compute cp(X; Y), [rows, beam] float64: 0 or less. Arguments as those of `score`."""
    coverage = attention.double().sum(2).clamp(_MIN_COVERAGE, 1.0)
    return beta * coverage.log().masked_fill(~source_mask[:, None], 0.0).sum(-1)
