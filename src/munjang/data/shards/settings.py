"""Settings of running text: the section `data` of `config.yaml` for the input `lines`."""

from pydantic import Field

from munjang.config import Settings
from munjang.data.settings import TokenizerSettings


class LinesSettings(Settings):
    """Reading, validation split and encoded files of running text."""

    text_column: str | None = Field(
        None, description="column of tables; inferred and reported if omitted"
    )
    encoding: str = Field("utf-8", description="encoding of the files, such as cp949")
    skip_bad_rows: bool = Field(False, description="skip and count rows that cannot be used")
    validation_split: float = Field(
        0.1, gt=0, lt=1, description="share of lines held out for validation"
    )
    validation_rows: int = Field(
        5000, ge=1, le=10**7, description="most lines held out, however many the share would be"
    )
    tokenizer_sample: float = Field(
        8.0,
        gt=0,
        le=10**5,
        description="megabytes of text, drawn at random, from which the tokenizer is learned",
    )
    join_next: bool = Field(
        False, description="make a row of two neighboring lines of a document: GO a EOS b EOS"
    )
    shard_tokens: int = Field(
        2**23, ge=16, le=2**28, description="tokens per encoded file, of four bytes each"
    )
    window_shards: int = Field(
        4, ge=1, le=2**10, description="encoded files whose rows are shuffled together"
    )
    # where files lie changes no step: neither saved nor compared when a run is resumed
    cache: str | None = Field(
        None,
        exclude=True,
        description="folder in which the encoded text is kept; beside the checkpoint, until the "
        "model is saved, if omitted",
    )


class LinesTokenizerSettings(TokenizerSettings):
    """Tokenizer, vocabulary and length of rows of running text."""

    add_go_eos: bool = Field(True, description="put GO before and EOS after each row")
