"""Result of decoding."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Hypothesis:
    """One answer for one row.

    Attributes:
        ids: of the tokens that were generated, without GO and EOS.
        score: by which answers are ranked: `log_probability` with length and coverage penalty
            (`munjang.decoding.penalties`).
        log_probability: sum of the log-probabilities of the tokens, EOS included.
        finished: True if it ended with EOS; False if it was cut at the limit of steps.
        attention: weights of the source tokens for each generated token, [tokens, source tokens],
            on the CPU; None where the model attends to no source or attention was not asked for.
    """

    ids: tuple[int, ...]
    score: float
    log_probability: float
    finished: bool
    attention: Tensor | None = None
