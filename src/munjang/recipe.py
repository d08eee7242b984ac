"""The recipe: every setting of a run, from the column names to the number of passes.

Defaults come from the model and from the script of the text: Hangul asks for characters with
hashed n-grams, since a Korean word carries its grammar inside; other scripts for words.
"""

from collections.abc import Mapping
from typing import Any, Literal, Self, cast

import polars as pl
from pydantic import Field, SerializeAsAny, field_validator, model_validator

from munjang.config import Settings, merge
from munjang.errors import ConfigError
from munjang.models.encoder import EncoderConfig
from munjang.models.registry import model_config
from munjang.tasks.classify import ClassifySettings
from munjang.tasks.multilabel import MultilabelSettings
from munjang.tasks.registry import TASKS, TaskRow, TextTask
from munjang.tasks.regress import RegressSettings
from munjang.tasks.task import Task
from munjang.training.settings import TrainingSettings

Script = Literal["korean", "other"]


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
    min_frequency: int = Field(1, ge=1, description="rarer tokens read as out of vocabulary")
    max_size: int | None = Field(None, ge=5, description="most ids, the reserved four included")
    settings: dict[str, Any] = Field(default_factory=dict, description="of this tokenizer alone")
    max_length: int = Field(256, ge=1, description="tokens kept of a text; cut rows are counted")
    ends: bool = Field(False, description="put GO before and EOS behind each text")


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
    labels: tuple[str, ...] | None = Field(None, description="known classes; found when left out")
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
        for other in TASKS:
            if task in TASKS and other != task and values.get(other):
                raise ConfigError(
                    f"{other}: the task is {task}, whose settings are "
                    f"{', '.join(f'{task}.{key}' for key in TASKS[task].settings.model_fields)}"
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
    def encoding(self) -> dict[str, Any]:
        """How `munjang.data.encode.encode_texts` makes what the model reads."""
        ends, spelled = self.tokenizer.ends, bool(self.model.spelling)
        return {"max_length": self.longest_kept, "ends": ends, "spelled": spelled}

    @property
    def model_name(self) -> str:
        """Name of the architecture."""
        return str(self.model.model_dump()["name"])

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


# What suits a script, and a model on it: found on validation parts, see docs/log.md.
_BY_SCRIPT: dict[Script, dict[str, Any]] = {
    "korean": {
        "tokenizer": {"name": "characters", "min_frequency": 2, "ends": True},
        "training": {"embedding_optimiser": "adagrad"},
    },
    "other": {
        "tokenizer": {"name": "words", "ends": True},
        "training": {"embedding_optimiser": "adagrad", "learning_rate": 0.003},
    },
}

# Beside a bag of long n-grams, an encoder reads short ones.
_WITH_BAG: dict[str, Any] = {
    "model": {
        "dim": 64,
        "ngrams": 2,
        "token_dropout": 0.1,
        "pooling": "max+mean",
        "bag_dim": 8,
        "bag_buckets": 2**20,
    },
    "training": {
        "batch_rows": 128,
        "learning_rate": 0.003,
        "embedding_learning_rate": 0.1,
        "schedule": "cosine",
    },
}

# Words know their letters, and pairs and triples of them stand beside.
_WORDS_WITH_BAG: dict[str, Any] = {
    "model": {
        "dim": 64,
        "spelling": 5,
        "token_dropout": 0.1,
        "bag_dim": 16,
        "bag_ngrams": 3,
        "bag_buckets": 2**18,
        "bag_min_frequency": 1,
        "embedding_dropout": 0.3,
        "dropout": 0.4,
    },
    "training": {"embedding_learning_rate": 0.05},
}

_BY_MODEL: dict[tuple[str, Script], dict[str, Any]] = {
    ("mean", "korean"): {
        "model": {
            "dim": 8,
            "ngrams": 4,
            "buckets": 2**20,
            "ngram_min_frequency": 2,
            "combiner": "sqrtn",
        },
        "training": {
            "batch_rows": 512,
            "learning_rate": 0.003,
            "embedding_learning_rate": 0.2,
            "schedule": "constant",
        },
    },
    ("cnn", "korean"): merge(
        _WITH_BAG,
        {
            "model": {
                "widths": [2, 3, 4],
                "filters": 128,
                "embedding_dropout": 0.1,
                "dropout": 0.2,
            }
        },
    ),
    ("rnn", "korean"): _WITH_BAG,
    ("lstm", "korean"): _WITH_BAG,
    ("gru", "korean"): _WITH_BAG,
    ("transformer", "korean"): merge(
        _WITH_BAG, {"model": {"embedding_dropout": 0.2, "dropout": 0.2}}
    ),
    ("mean", "other"): {
        "model": {"dim": 32, "ngrams": 2, "spelling": 5, "combiner": "sqrtn"},
        "training": {"embedding_learning_rate": 0.1},
    },
    ("cnn", "other"): _WORDS_WITH_BAG,
    ("rnn", "other"): _WORDS_WITH_BAG,
    ("lstm", "other"): _WORDS_WITH_BAG,
    ("gru", "other"): _WORDS_WITH_BAG,
    ("transformer", "other"): _WORDS_WITH_BAG,
}

# Texts to see in all, and the fewest and most passes over them. Long n-grams alone are learned by
# heart in a second pass over many texts; few texts need many passes, of which the best is kept.
_PASSES: dict[tuple[str, Script], tuple[int, int, int]] = {
    ("mean", "korean"): (100_000, 1, 10),
    ("mean", "other"): (40_000, 1, 10),
}
_OTHER_PASSES: dict[Script, tuple[int, int, int]] = {
    "korean": (300_000, 2, 10),
    "other": (40_000, 2, 10),
}


def passes(model: str, script: Script, rows: int) -> int:
    """How many passes over `rows` texts to make when the user does not say."""
    texts, fewest, most = _PASSES.get((model, script), _OTHER_PASSES[script])
    return min(most, max(fewest, round(texts / max(1, rows))))


def script_of(texts: pl.Series) -> Script:
    """`korean` when at least a fifth of the letters of (the first 5,000) texts are Hangul."""
    head = texts.head(5000)
    hangul = int(head.str.count_matches(r"\p{Hangul}").sum() or 0)
    letters = int(head.str.count_matches(r"\p{L}").sum() or 0)
    return "korean" if letters and hangul / letters >= 0.2 else "other"


def make_recipe(model: str, script: Script, rows: int, given: Mapping[str, Any]) -> Recipe:
    """The defaults for `model` on `rows` texts of a script, with what the user gave laid on them.

    Raises:
        ConfigError: an unknown setting, or a value that it cannot take.
    """
    chosen = given.get("model", {})
    if not isinstance(chosen, Mapping):
        raise ConfigError(f"model: expected settings such as 'dim: 64', got {chosen!r}")
    name = str(chosen.get("name", model))
    defaults = merge(_BY_SCRIPT[script], _BY_MODEL.get((name, script), {}))
    if _other_tokenizer(given, defaults):
        # what was tuned for characters, such as long n-grams, does not carry over to longer tokens
        defaults = merge(_BY_SCRIPT["other"], _BY_MODEL.get((name, "other"), {}))
        defaults["tokenizer"] = {}
    training: dict[str, Any] = {"epochs": passes(name, script, rows)}
    row = TASKS.get(given.get("task", "classify"))
    if row is not None:
        training["metric"] = row.metrics[0]
    basis = {"model": {"name": name}, "training": training}
    values = merge(merge(basis, defaults), given)
    return Recipe.parse(values)


def _other_tokenizer(given: Mapping[str, Any], defaults: Mapping[str, Any]) -> bool:
    asked = given.get("tokenizer", {})
    named = asked.get("name") if isinstance(asked, Mapping) else None
    return named is not None and named != defaults["tokenizer"]["name"]
