"""Settings of pairs of texts: the sections `data` and `tokenizer` of `config.yaml`."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from munjang.config import LONGEST, MOST_IDS, Settings
from munjang.text.registry import check_settings


class PairDataSettings(Settings):
    """Columns and encoding of pairs, and which pairs are used."""

    source_column: str | None = Field(None, description="inferred and reported if omitted")
    target_column: str | None = Field(None, description="inferred and reported if omitted")
    encoding: str = Field("utf-8", description="encoding of the files, such as cp949")
    skip_bad_rows: bool = Field(False, description="skip and count pairs that cannot be used")
    max_length_ratio: float | None = Field(
        9.0,
        gt=1,
        le=10**6,
        description="largest factor between the length ratio of a pair and the median; null: any",
    )
    validation_split: float = Field(
        0.1, gt=0, lt=1, description="share of pairs held out for validation"
    )


class SideSettings(Settings):
    """Tokenizer, vocabulary and length of one side."""

    name: str = Field("bpe", description="words, characters, jamo, morphemes, bpe, ...")
    min_frequency: int = Field(1, ge=1, le=10**9, description="rarer tokens are out of vocabulary")
    max_size: int | None = Field(
        None, ge=5, le=MOST_IDS, description="largest vocabulary, the four reserved ids included"
    )
    settings: dict[str, Any] = Field(
        default_factory=dict, description="settings of this tokenizer alone"
    )
    max_length: int = Field(256, ge=1, le=LONGEST, description="most tokens of a text")

    @model_validator(mode="after")
    def _check_settings(self) -> Self:
        # as the tokenizer uses them, so that config.yaml holds what was done
        self.settings.update(check_settings(self.name, self.settings))
        return self


class PairTokenizerSettings(Settings):
    """Tokenizers of both sides."""

    shared_vocabulary: bool = Field(False, description="one vocabulary for both sides")
    long_sources: Literal["truncate", "refuse"] = Field(
        "truncate",
        description="sources longer than max_length in prediction",
    )
    source: SideSettings = SideSettings()
    target: SideSettings = SideSettings()

    @model_validator(mode="after")
    def _check_shared_vocabulary(self) -> Self:
        if self.shared_vocabulary:
            for key in ("name", "min_frequency", "max_size", "settings"):
                source, target = getattr(self.source, key), getattr(self.target, key)
                if source != target:
                    raise ValueError(
                        f"shared_vocabulary: expected one {key} for both sides, got {source!r} "
                        f"for source and {target!r} for target; make them equal, or set "
                        "shared_vocabulary to false"
                    )
        return self
