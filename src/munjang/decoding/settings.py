"""Settings of decoding: the section `decoding` of `config.yaml`."""

from typing import Literal, Self

from pydantic import Field, model_validator

from munjang.config import Settings


class DecodingSettings(Settings):
    """How answers are looked for, and how long they may be."""

    method: Literal["beam", "greedy", "sample"] = Field(
        "beam", description="the best of several, the likeliest word each time, or drawn by lot"
    )
    beam: int = Field(5, ge=1, le=1000, description="hypotheses kept at each step; 1 is greedy")
    nbest: int = Field(1, ge=1, le=1000, description="answers to each source")
    length_penalty: float = Field(
        1.0,
        ge=0,
        allow_inf_nan=False,
        le=100,
        description="alpha of Wu et al. (2016): how much longer answers are preferred; 0 = not",
    )
    coverage_penalty: float = Field(
        0.0,
        ge=0,
        allow_inf_nan=False,
        le=100,
        description="beta of Wu et al. (2016): how much source that nothing attended to costs",
    )
    early_stop: bool = Field(
        False, description="stop when `beam` answers have ended, be a better one possible or not"
    )
    no_repeat_ngram: int = Field(
        0, ge=0, le=10**4, description="no run of so many tokens twice in an answer; 0 = any"
    )
    min_length: int = Field(0, ge=0, le=10**5, description="tokens before an answer may end")
    max_length: int = Field(
        200, ge=1, le=10**5, description="most steps of an answer, the end among them"
    )
    max_ratio: float = Field(
        3.0,
        ge=0,
        allow_inf_nan=False,
        le=10**4,
        description="most steps for each source token, and",
    )
    max_extra: int = Field(10, ge=1, le=10**5, description="so many more")
    allow_unknown: bool = Field(False, description="answers may hold the token of unknown words")
    temperature: float = Field(
        1.0, gt=0, allow_inf_nan=False, le=1000, description="sampling: below 1 is more cautious"
    )
    top_k: int | None = Field(
        None, ge=1, le=2**24, description="sampling: from so many tokens at most"
    )
    top_p: float = Field(
        1.0, gt=0, le=1, description="sampling: from the fewest tokens that are so likely together"
    )

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.min_length > self.max_length:
            raise ValueError(
                f"min_length ({self.min_length}) should be at most max_length ({self.max_length})"
            )
        if self.method == "beam" and self.nbest > self.beam:
            raise ValueError(
                f"nbest ({self.nbest}) should be at most beam ({self.beam}): a beam gives no more"
            )
        if self.method == "greedy" and self.nbest > 1:
            raise ValueError(
                f"nbest ({self.nbest}) should be 1 where method is greedy; beam or sample give more"
            )
        if self.method != "sample":
            self._refuse_sampling()
        return self

    def _refuse_sampling(self) -> None:
        """What would change nothing is refused rather than dropped."""
        for name in ("temperature", "top_k", "top_p"):
            value = getattr(self, name)
            if value != type(self).model_fields[name].default:
                raise ValueError(
                    f"{name} ({value}) is for method sample, and method is {self.method}; "
                    f"set method to sample or leave {name} out"
                )
