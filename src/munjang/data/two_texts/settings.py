"""Settings of two texts per row: the sections `data` and `tokenizer` of `config.yaml`."""

from typing import Literal

from pydantic import Field

from munjang.config import LONGEST, Settings
from munjang.data.settings import TokenizerSettings


class TwoTextsDataSettings(Settings):
    """Columns, encoding and validation split of two texts per row."""

    first_column: str | None = Field(None, description="inferred and reported if omitted")
    second_column: str | None = Field(None, description="inferred and reported if omitted")
    label_column: str | None = Field(None, description="inferred and reported if omitted")
    encoding: str = Field("utf-8", description="encoding of the files, such as cp949")
    skip_bad_rows: bool = Field(False, description="skip and count rows that cannot be used")
    validation_split: float = Field(
        0.1, gt=0, lt=1, description="share of rows held out for validation"
    )


class TwoTextsSettings(Settings):
    """Reading of two texts by a network."""

    reading: Literal["joined", "towers"] = Field(
        "joined",
        description="joined: the network reads GO first EOS second EOS; towers: it reads each "
        "text apart, and the head compares the two vectors",
    )


class TwoTextsTokenizerSettings(TokenizerSettings):
    """Tokenizer, vocabulary and length of both texts of a row."""

    max_length: int = Field(
        256,
        ge=1,
        le=LONGEST,
        description="most tokens of both texts together, capital signs not counted; the longer "
        "text is truncated first",
    )
    add_go_eos: Literal[True] = Field(
        True, description="a row is GO first EOS second EOS; always true"
    )
    line_breaks: Literal[False] = Field(
        False, description="EOS ends each text, and is no line break; always false"
    )

    @property
    def added_tokens(self) -> int:
        """Number of tokens added to a row: GO, and EOS after each text."""
        return 3
