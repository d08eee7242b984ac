"""The recipe: every setting of a run, from the column names to the number of passes.

`munjang.defaults` says what suits a model and a text.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Self, cast

from pydantic import Field, SerializeAsAny, field_validator, model_validator

from munjang.config import LONGEST, LONGEST_LABEL, MOST_IDS, Settings
from munjang.errors import ConfigError
from munjang.models.encoder import EncoderConfig
from munjang.models.registry import model_config
from munjang.tasks.classify import ClassifySettings
from munjang.tasks.multilabel import MultilabelSettings
from munjang.tasks.registry import TASKS, TaskRow, TextTask, row_of
from munjang.tasks.regress import RegressSettings
from munjang.tasks.task import Task
from munjang.text.registry import check_settings
from munjang.training.settings import TrainingSettings

Label = Annotated[str, Field(max_length=LONGEST_LABEL)]


class DataSettings(Settings):
    """Where texts and labels stand in the files."""

    text_column: str | None = Field(None, description="guessed and said aloud when left out")
    label_column: str | None = Field(None, description="guessed and said aloud when left out")
    encoding: str = Field("utf-8", description="of the files, such as cp949")
    skip_bad_rows: bool = Field(False, description="skip and count rows that cannot be used")
    valid: float = Field(0.1, gt=0, lt=1, description="share held out to validate on")


class TokenizerSettings(Settings):
    """How texts become ids."""

    name: str = Field("words", description="words, characters, jamo, morphemes, bpe, ...")
    min_frequency: int = Field(
        1, ge=1, le=10**9, description="rarer tokens read as out of vocabulary"
    )
    max_size: int | None = Field(
        None, ge=5, le=MOST_IDS, description="most ids, the reserved four included"
    )
    settings: dict[str, Any] = Field(default_factory=dict, description="of this tokenizer alone")
    max_length: int = Field(
        256,
        ge=1,
        le=LONGEST,
        description="tokens kept of a text, signs not counted; cut rows are counted",
    )
    ends: bool = Field(False, description="put GO before and EOS behind each text")

    @model_validator(mode="after")
    def _settings_of_its_own(self) -> Self:
        # as the tokenizer takes them, so that config.yaml says what was done
        self.settings.update(check_settings(self.name, self.settings))
        return self


class VectorSettings(Settings):
    """Pretrained vectors of tokens, with which the embedding begins."""

    file: str | None = Field(
        None, description="word2vec text or binary, fastText .vec or GloVe text, also gzipped"
    )
    freeze: bool = Field(False, description="rows that were found there never change")
    skip_bad_lines: bool = Field(False, description="skip and count lines that cannot be read")

    @model_validator(mode="after")
    def _something_to_freeze(self) -> Self:
        if self.freeze and self.file is None:
            raise ValueError(
                "freeze: there are no vectors to freeze; give vectors.file (--vectors)"
            )
        return self


class Recipe(Settings):
    """Everything that makes a run, as `config.yaml` holds it."""

    task: TextTask = "classify"
    seed: int = Field(0, ge=0, le=2**31 - 1)
    labels: tuple[Label, ...] | None = Field(None, description="known classes; found when left out")
    data: DataSettings = DataSettings()
    tokenizer: TokenizerSettings = TokenizerSettings()
    vectors: VectorSettings = VectorSettings()
    model: SerializeAsAny[EncoderConfig]
    classify: ClassifySettings = ClassifySettings()
    regress: RegressSettings = RegressSettings()
    multilabel: MultilabelSettings = MultilabelSettings()
    training: TrainingSettings = TrainingSettings()

    @field_validator("model", mode="before")
    @classmethod
    def _architecture(cls, model: object) -> object:
        return model_config(model) if isinstance(model, Mapping) else model

    @model_validator(mode="before")
    @classmethod
    def _own_section(cls, values: Any) -> Any:
        task = values.get("task", "classify")
        row = row_of(task)
        for other in TASKS:
            if row is not None and other != task and values.get(other):
                raise ConfigError(
                    f"{other}: the task is {task}, whose settings are "
                    f"{', '.join(f'{task}.{key}' for key in row.settings.model_fields)}"
                )
        return values

    @model_validator(mode="after")
    def _metric_of_task(self) -> Self:
        known = self.task_row.metrics
        if self.training.metric not in known:
            named = [f"'{name}'" for name in known]
            raise ConfigError(
                f"training.metric: for {self.task} it should be {', '.join(named[:-1])} or "
                f"{named[-1]}, got '{self.training.metric}'"
            )
        return self

    @model_validator(mode="after")
    def _classes_for_the_linear_model(self) -> Self:
        if self.model.linear_share and self.task == "regress":
            raise ValueError(
                "model.linear_share: the linear model beside a network is for classify and "
                "multilabel, and the task is regress; set it to 0"
            )
        return self

    @model_validator(mode="after")
    def _room_for_tokens(self) -> Self:
        if self.longest_kept < 1:
            raise ValueError(
                f"training.buckets: the last boundary ({self.training.buckets}) leaves no room for "
                "a token between GO and EOS; raise it, or set tokenizer.ends to false"
            )
        return self

    @model_validator(mode="after")
    def _places_for_tokens(self) -> Self:
        most, longest = self.model.most_tokens, self.longest_kept + 2 * self.tokenizer.ends
        if most is not None and longest > most:
            raise ValueError(
                f"tokenizer.max_length: a text may have {longest} tokens"
                f"{', GO and EOS included' if self.tokenizer.ends else ''}, and the positions of "
                f"the model end at {most}; lower it, raise model.longest, or set model.positions "
                "to sinusoidal or rotary"
            )
        return self

    @property
    def longest_kept(self) -> int:
        """Tokens kept of a text: `max_length`, or what fits into the last bucket if less."""
        boundaries = self.training.bucketing().boundaries
        if boundaries is None:
            return self.tokenizer.max_length
        return min(self.tokenizer.max_length, boundaries[-1] - 2 * self.tokenizer.ends)

    @property
    def room(self) -> int | None:
        """Tokens of a text in all, signs of capitals counted, GO and EOS not; None = any number.

        Buckets and learned positions end somewhere, whatever a token says.
        """
        boundaries = self.training.bucketing().boundaries
        ends = [boundaries[-1]] if boundaries is not None else []
        if self.model.most_tokens is not None:
            ends.append(self.model.most_tokens)
        return min(ends) - 2 * self.tokenizer.ends if ends else None

    @property
    def encoding(self) -> dict[str, Any]:
        """How `munjang.data.encode.encode_texts` makes what the model reads."""
        ends, spelled = self.tokenizer.ends, bool(self.model.spelling)
        most = {"max_length": self.tokenizer.max_length, "room": self.room}
        return {**most, "ends": ends, "spelled": spelled}

    @property
    def model_name(self) -> str:
        """Name of the architecture."""
        return str(self.model.model_dump()["name"])

    @property
    def answer_together(self) -> str:
        """What gives an answer where more than one network does, in words; else nothing."""
        members, share = self.model.members, self.model.linear_share
        if members == 1 and not share:
            return ""
        left = self.training.leave_out
        rows = f", each without {left:.0%} of the rows," if left else ""
        networks = f"{members} networks{rows}" if members > 1 else "a network"
        linear = f" and a linear model of n-grams, with {share:.0%} of the say," if share else ""
        return f"{networks}{linear} answer together"

    @property
    def task_row(self) -> TaskRow:
        """The row of the task."""
        return TASKS[self.task]

    @property
    def task_class(self) -> type[Task]:
        """The task itself."""
        return cast(type[Task], self.task_row.task)

    @property
    def task_settings(self) -> Settings:
        """The section of the task."""
        return cast(Settings, getattr(self, self.task))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for YAML, without the sections of other tasks and of no vectors."""
        others: set[str] = {name for name in TASKS if name != self.task}
        if self.vectors.file is None:
            others.add("vectors")
        return self.model_dump(mode="json", exclude=others)
