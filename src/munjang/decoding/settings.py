"""Settings of decoding: the section `decoding` of `config.yaml`."""

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from munjang.config import Settings

# Log-probabilities divided by it are numbers in float32. What is lower samples the same tokens: the
# most likely ones.
_LOWEST_TEMPERATURE = 1e-30


class DecodingSettings(Settings):
    """Method of decoding, and limits of the answers."""

    method: Literal["beam", "greedy", "sample"] = Field(
        "beam", description="beam search, the most likely token at each step, or random tokens"
    )
    beam: int = Field(5, ge=1, le=1000, description="beam size; 1 is greedy")
    nbest: int = Field(1, ge=1, le=1000, description="answers per source")
    length_penalty: float = Field(
        1.0,
        ge=0,
        allow_inf_nan=False,
        le=100,
        description="alpha of Wu et al. (2016): higher values prefer longer answers; 0 = off",
    )
    coverage_penalty: float = Field(
        0.0,
        ge=0,
        allow_inf_nan=False,
        le=100,
        description="beta of Wu et al. (2016): cost of source tokens without attention; 0 = off",
    )
    early_stopping: bool = Field(
        False, description="stop when `beam` answers are finished, even if a better one is possible"
    )
    no_repeat_ngram_size: int = Field(
        0,
        ge=0,
        le=10**4,
        description="n-grams of so many tokens occur once per answer at most; 0 = off",
    )
    min_length: int = Field(0, ge=0, le=10**5, description="fewest tokens of an answer")
    max_length: int = Field(
        200, ge=1, le=10**5, description="most steps of an answer, EOS included"
    )
    max_length_ratio: float = Field(
        3.0,
        ge=0,
        allow_inf_nan=False,
        le=10**4,
        description="most steps per source token, beside `extra_steps`",
    )
    extra_steps: int = Field(
        10, ge=1, le=10**5, description="steps added to those of `max_length_ratio`"
    )
    allow_unknown: bool = Field(False, description="answers may contain the unknown token")
    temperature: float = Field(
        1.0,
        gt=0,
        allow_inf_nan=False,
        le=1000,
        description="of sampling; below 1 prefers likely tokens",
    )
    top_k: int | None = Field(
        None, ge=1, le=2**24, description="sample from so many most likely tokens"
    )
    top_p: float = Field(
        1.0, gt=0, le=1, description="sample from the fewest tokens of so much probability together"
    )

    @field_validator("temperature")
    @classmethod
    def _raise_lowest(cls, temperature: float) -> float:
        return max(temperature, _LOWEST_TEMPERATURE)

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
        """Refuse settings that would have no effect."""
        for name in ("temperature", "top_k", "top_p"):
            value = getattr(self, name)
            if value != type(self).model_fields[name].default:
                raise ValueError(
                    f"{name} ({value}) is for method sample, and method is {self.method}; "
                    f"set method to sample or leave {name} out"
                )
