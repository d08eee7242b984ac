"""Settings of labeled text: the sections `data` and `tokenizer` of `config.yaml`."""

from typing import Any, Self

from pydantic import Field, model_validator

from munjang.config import LONGEST, MOST_IDS, Settings
from munjang.text.registry import check_settings


class DataSettings(Settings):
    """Columns, encoding and validation split of labeled texts."""

    text_column: str | None = Field(None, description="inferred and reported if omitted")
    label_column: str | None = Field(None, description="inferred and reported if omitted")
    encoding: str = Field("utf-8", description="encoding of the files, such as cp949")
    skip_bad_rows: bool = Field(False, description="skip and count rows that cannot be used")
    validation_split: float = Field(
        0.1, gt=0, lt=1, description="share of rows held out for validation"
    )


class TokenizerSettings(Settings):
    """Tokenizer, vocabulary and length of texts."""

    name: str = Field("words", description="words, characters, jamo, morphemes, bpe, ...")
    min_frequency: int = Field(1, ge=1, le=10**9, description="rarer tokens are out of vocabulary")
    max_size: int | None = Field(
        None, ge=5, le=MOST_IDS, description="largest vocabulary, the four reserved ids included"
    )
    settings: dict[str, Any] = Field(
        default_factory=dict, description="settings of this tokenizer alone"
    )
    max_length: int = Field(
        256,
        ge=1,
        le=LONGEST,
        description="most tokens of a text, capital signs not counted; longer texts are "
        "truncated and counted",
    )
    add_go_eos: bool = Field(False, description="put GO before and EOS after each text")
    line_breaks: bool = Field(
        False,
        description="put EOS before each text and for each line break in it, as language models "
        "read running text",
    )

    @property
    def added_tokens(self) -> int:
        """Number of tokens that are added to a text: GO and EOS, EOS before it, or none."""
        return 2 * self.add_go_eos + self.line_breaks

    @model_validator(mode="after")
    def _check_ends(self) -> Self:
        if self.line_breaks and self.add_go_eos:
            raise ValueError(
                "line_breaks: EOS stands for a line break or for the end of a text, not for both; "
                "set add_go_eos or line_breaks to false"
            )
        return self

    @model_validator(mode="after")
    def _check_settings(self) -> Self:
        # as the tokenizer uses them, so that config.yaml holds what was done
        self.settings.update(check_settings(self.name, self.settings))
        return self
