"""Settings of pairs of texts: the sections `data` and `tokenizer` of `config.yaml`."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from munjang.config import LONGEST, MOST_IDS, Settings
from munjang.text.registry import check_settings


class PairDataSettings(Settings):
    """Where sources and targets stand in the files, and which pairs are fit for use."""

    source_column: str | None = Field(None, description="guessed and said aloud when left out")
    target_column: str | None = Field(None, description="guessed and said aloud when left out")
    encoding: str = Field("utf-8", description="of the files, such as cp949")
    skip_bad_rows: bool = Field(False, description="skip and count pairs that cannot be used")
    max_length_ratio: float | None = Field(
        9.0,
        gt=1,
        le=10**6,
        description="how far from the usual ratio of lengths a pair may be; null: any",
    )
    validation_split: float = Field(0.1, gt=0, lt=1, description="share held out to validate on")


class SideSettings(Settings):
    """How the texts of one side become ids."""

    name: str = Field("bpe", description="words, characters, jamo, morphemes, bpe, ...")
    min_frequency: int = Field(
        1, ge=1, le=10**9, description="rarer tokens read as out of vocabulary"
    )
    max_size: int | None = Field(
        None, ge=5, le=MOST_IDS, description="most ids, the reserved four included"
    )
    settings: dict[str, Any] = Field(default_factory=dict, description="of this tokenizer alone")
    max_length: int = Field(256, ge=1, le=LONGEST, description="most tokens of a text")

    @model_validator(mode="after")
    def _settings_of_its_own(self) -> Self:
        # as the tokenizer takes them, so that config.yaml says what was done
        self.settings.update(check_settings(self.name, self.settings))
        return self


class PairTokenizerSettings(Settings):
    """How both sides become ids."""

    shared_vocabulary: bool = Field(False, description="one vocabulary for both sides")
    long_sources: Literal["truncate", "refuse"] = Field(
        "truncate",
        description="sources that are longer than max_length, when they are to be answered",
    )
    source: SideSettings = SideSettings()
    target: SideSettings = SideSettings()

    @model_validator(mode="after")
    def _one_for_both(self) -> Self:
        if self.shared_vocabulary:
            for key in ("name", "min_frequency", "max_size", "settings"):
                source, target = getattr(self.source, key), getattr(self.target, key)
                if source != target:
                    raise ValueError(
                        f"shared_vocabulary: one vocabulary has one {key}, and source has {source!r}, target "
                        f"{target!r}; make them equal, or shared_vocabulary false"
                    )
        return self
