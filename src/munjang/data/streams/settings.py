"""Settings of running text that is read as one stream: the sections `data` and `tokenizer`."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from munjang.config import LONGEST, MOST_IDS, Settings
from munjang.text.registry import check_settings


class StreamSettings(Settings):
    """Reading, validation part and batches of running text."""

    text_column: str | None = Field(
        None, description="column of tables; inferred and reported if omitted"
    )
    encoding: str = Field("utf-8", description="encoding of the files, such as cp949")
    skip_bad_rows: bool = Field(False, description="skip and count rows that cannot be used")
    validation_split: float = Field(
        0.1, gt=0, lt=1, description="share of the characters, at the end, held out for validation"
    )
    window: int = Field(64, ge=1, le=LONGEST, description="tokens of a row of a training batch")


class StreamTokenizerSettings(Settings):
    """Tokenizer and vocabulary of running text.

    Attributes:
        of_texts: settings of a tokenizer of texts, in addition, that gives a text the ids that it
            has at the beginning of a line of running text.
    """

    of_texts: ClassVar[Mapping[str, Any]] = {"add_go_eos": False, "line_breaks": True}

    name: str = Field("characters", description="words, characters, jamo, morphemes, bpe, ...")
    min_frequency: int = Field(1, ge=1, le=10**9, description="rarer tokens are out of vocabulary")
    max_size: int | None = Field(
        None, ge=5, le=MOST_IDS, description="largest vocabulary, the four reserved ids included"
    )
    settings: dict[str, Any] = Field(
        default_factory=dict, description="settings of this tokenizer alone"
    )

    @model_validator(mode="after")
    def _check_settings(self) -> Self:
        # as the tokenizer uses them, so that config.yaml holds what was done
        self.settings.update(check_settings(self.name, self.settings))
        return self
