"""The recipe of a training from text to text: every setting of the run, with the defaults.

Two sides of one script share a vocabulary of subwords; Hangul and another script have one each.
Texts of a word or so, such as names, go letter by letter.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from pydantic import Field, SerializeAsAny, field_validator, model_validator

from munjang.config import Settings, merge
from munjang.data.pairs.settings import PairDataSettings, PairTokenizerSettings
from munjang.decoding.settings import DecodingSettings
from munjang.defaults import Script
from munjang.models.registry import pair_config
from munjang.models.sequence_to_sequence.model import EncoderDecoderConfig
from munjang.tasks.registry import TASKS
from munjang.tasks.translate import TranslateSettings
from munjang.text.registry import SUBWORDS
from munjang.training.settings import TrainingSettings, refuse_embedding_settings

# Target tokens to see in all, and the fewest and most passes over them; see docs/log.md.
_SEEN, _FEWEST, _MOST = 12_000_000, 5, 60
# An id a so many target tokens: rarer pieces of a small corpus are never learned.
_TOKENS_AN_ID = 60
# There are some hundred syllables of Hangul in any text, and each wants an id before pieces do.
_SMALLEST: dict[Script, int] = {"other": 500, "korean": 2_000}
_LARGEST = 8_000
_FEW_WORDS = 2.0
# 하, 한 and 할 share letters: what is learned of one helps with the others; see docs/log.md.
_LETTERS: dict[Script, str] = {"other": "characters", "korean": "jamo"}


class PairRecipe(Settings):
    """Everything that makes a run, as `config.yaml` holds it."""

    task: Literal["translate"] = "translate"
    seed: int = Field(0, ge=0, le=2**31 - 1)
    data: PairDataSettings = PairDataSettings()
    tokenizer: PairTokenizerSettings = PairTokenizerSettings()
    model: SerializeAsAny[EncoderDecoderConfig]
    translate: TranslateSettings = TranslateSettings()
    decoding: DecodingSettings = DecodingSettings()
    training: TrainingSettings = TrainingSettings()

    @field_validator("model", mode="before")
    @classmethod
    def _architecture(cls, model: object) -> object:
        return pair_config(model) if isinstance(model, Mapping) else model

    @model_validator(mode="after")
    def _metric_of_task(self) -> Self:
        known = TASKS["translate"].metrics
        if self.training.metric not in known:
            raise ValueError(
                f"training.metric: for translate it should be one of {', '.join(known)}, got "
                f"'{self.training.metric}'"
            )
        return self

    @model_validator(mode="after")
    def _places_for_tokens(self) -> Self:
        most = self.model.most_tokens
        if most is None:
            return self
        sides = {
            "tokenizer.source.max_length": self.tokenizer.source.max_length,
            # GO stands before it
            "tokenizer.target.max_length": self.tokenizer.target.max_length + 1,
            "decoding.max_length": self.decoding.max_length,
        }
        for key, longest in sides.items():
            if longest > most:
                raise ValueError(
                    f"{key}: up to {longest} tokens, and the positions of the model end at {most}; "
                    "lower it, raise model.longest, or set model.positions to sinusoidal or rotary"
                )
        return self

    @model_validator(mode="after")
    def _something_to_copy_by(self) -> Self:
        if self.translate.copy_unknown and not self.model.has_attention:
            raise ValueError(
                f"translate.copy_unknown: {self.model_name} attends to no word that it could copy; "
                "choose attentive or transformer, or set it to false"
            )
        return self

    @model_validator(mode="after")
    def _no_boundaries(self) -> Self:
        refuse_embedding_settings(
            self.training, "those of pairs, which the output shares, learn as all else does"
        )
        if self.training.buckets is not None:
            raise ValueError(
                "training.buckets: pairs have two lengths and are sorted by both; set "
                "training.batch_tokens"
            )
        return self

    @property
    def model_name(self) -> str:
        """Name of the architecture."""
        return str(self.model.model_dump()["name"])

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for YAML."""
        return self.model_dump(mode="json")


_BY_MODEL: dict[str, dict[str, Any]] = {
    "seq2seq": {"training": {"learning_rate": 0.002}},
    "attentive": {"training": {"learning_rate": 0.002}},
    "transformer": {"training": {"learning_rate": 0.003}},
}


@dataclass(frozen=True)
class PairTexts:
    """What the defaults ask of the texts.

    Attributes:
        scripts: of sources and targets.
        tokens: about how many target tokens there are.
        words: of a source, on average.
    """

    scripts: tuple[Script, Script] = ("other", "other")
    tokens: int = 0
    words: float = 10.0


def make_pair_recipe(model: str, texts: PairTexts, given: Mapping[str, Any]) -> PairRecipe:
    """The defaults for `model`, with what the user gave laid on them.

    Args:
        model: name of the architecture.
        texts: that it will be trained on.
        given: the user's settings, nested as in `config.yaml`; `tokenizer.name` and the like stand
            for both sides.

    Raises:
        ConfigError: an unknown setting, or a value that it cannot take.
    """
    passes = min(_MOST, max(_FEWEST, round(_SEEN / max(1, texts.tokens))))
    training: dict[str, Any] = {
        "epochs": passes,
        "batch_tokens": 2048,
        "beta2": 0.98,
        "averaging": 0.7,
        "metric": TASKS["translate"].metrics[0],
    }
    basis = {"model": {"name": model}, "training": training}
    asked = given.get("model")
    name = asked.get("name", model) if isinstance(asked, Mapping) else model
    chosen = given.get("training")
    for key, default in (("batch_rows", "batch_tokens"), ("average_best", "averaging")):
        if isinstance(chosen, Mapping) and key in chosen:  # one takes the place of the other
            training[default] = None
    values = merge(merge(basis, _BY_MODEL.get(name, {})), given)
    tokenizer = values.get("tokenizer", {})
    if isinstance(tokenizer, Mapping):
        values["tokenizer"] = _tokenizer(tokenizer, texts)
    return PairRecipe.parse(values)


def _tokenizer(given: Mapping[str, Any], texts: PairTexts) -> dict[str, Any]:
    """The section `tokenizer`: what is said of it as such is said of both sides."""
    own = {key: given[key] for key in ("shared", "too_long") if key in given}
    both = {k: v for k, v in given.items() if k not in {*own, "source", "target"}}
    least = [_SMALLEST[script] for script in texts.scripts]
    if given.get("shared"):
        least = [max(least)] * 2
    sides = {}
    for side, script, smallest in zip(("source", "target"), texts.scripts, least, strict=True):
        size = min(_LARGEST, max(smallest, texts.tokens // _TOKENS_AN_ID))
        asked = given.get(side, {})
        if not isinstance(asked, Mapping):
            return dict(given)  # the settings will say what is wrong
        name = _LETTERS[script] if texts.words < _FEW_WORDS else "bpe"
        chosen = {"name": name, **both, **asked}
        if chosen["name"] in SUBWORDS:
            chosen = {"max_size": size, **chosen}
        sides[side] = chosen
    alike = [{k: v for k, v in side.items() if k != "max_length"} for side in sides.values()]
    return {"shared": texts.scripts[0] == texts.scripts[1] and alike[0] == alike[1], **own, **sides}
