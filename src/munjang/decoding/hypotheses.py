"""What decoding is asked for, and what it gives."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Hypothesis:
    """One answer to one source.

    Attributes:
        ids: of the answer, without GO and EOS.
        score: by which it was ranked: the sum of the logarithms of the tokens' probabilities, EOS
            among them, with the penalties that were set (`munjang.decoding.penalties`).
        log_probability: the plain sum.
        finished: it ended by itself, with EOS; else it was cut at the longest length.
        attention: [tokens, tokens of the source], on the CPU: what each token took from the source;
            None where the model attends to nothing or nobody asked.
    """

    ids: tuple[int, ...]
    score: float
    log_probability: float
    finished: bool
    attention: Tensor | None = None
