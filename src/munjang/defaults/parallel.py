"""Default settings from text to text.

Two sides of one script share a vocabulary of subwords; Hangul and another script have one each.
Texts of a word or so, such as names, go letter by letter.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from munjang.config import merge
from munjang.renamed_settings import RENAMED
from munjang.text.registry import SUBWORDS
from munjang.text.script import Script, script_of

# Target tokens to see in all, and the fewest and most passes over them; see docs/log.md.
_SEEN, _FEWEST, _MOST = 12_000_000, 5, 60
# An id a so many target tokens: rarer pieces of a small corpus are never learned.
_TOKENS_AN_ID = 60
# There are some hundred syllables of Hangul in any text, and each wants an id before pieces do.
_SMALLEST: dict[Script, int] = {"other": 500, "korean": 2_000}
_LARGEST = 8_000
# characters of a token, before there is a vocabulary that says so
_CHARACTERS_PER_TOKEN = {"korean": 2, "other": 4}
_FEW_WORDS = 2.0
# Settings of the section `tokenizer` that no side has alone.
_OF_BOTH = ("shared_vocabulary", "long_sources")
# 하, 한 and 할 share letters: what is learned of one helps with the others; see docs/log.md.
_LETTERS: dict[Script, str] = {"other": "characters", "korean": "jamo"}


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


def measure(sources: pl.Series, targets: pl.Series) -> PairTexts:
    """Return what the defaults ask of some pairs."""
    scripts = script_of(sources), script_of(targets)
    characters = int(targets.str.len_chars().sum() or 0)
    return PairTexts(
        scripts,
        tokens=characters // _CHARACTERS_PER_TOKEN[scripts[1]],
        words=float(sources.str.count_matches(r"\S+").mean() or 0),  # type: ignore[arg-type]
    )


def parallel_defaults(given: Mapping[str, Any], texts: PairTexts) -> dict[str, Any]:
    """Return the defaults for an architecture on pairs, nested as in `config.yaml`.

    Args:
        given: the user's settings, with the name of the model.
        texts: what the pairs are like.
    """
    epochs = min(_MOST, max(_FEWEST, round(_SEEN / max(1, texts.tokens))))
    training: dict[str, Any] = {
        "epochs": epochs,
        "batch_tokens": 2048,
        "beta2": 0.98,
        "average_after": 0.7,
    }
    chosen = given.get("training")
    for key, default in (("batch_size", "batch_tokens"), ("average_best", "average_after")):
        if isinstance(chosen, Mapping) and key in chosen:  # one takes the place of the other
            training[default] = None
    return merge({"training": training}, _BY_MODEL.get(str(given["model"]["name"]), {}))


def both_tokenizers(given: Mapping[str, Any], texts: PairTexts) -> dict[str, Any]:
    """The section `tokenizer`: what is said of it as such is said of both sides."""
    own = {key: given[key] for key in given if key in _OF_BOTH or f"tokenizer.{key}" in RENAMED}
    both = {k: v for k, v in given.items() if k not in {*own, "source", "target"}}
    least = [_SMALLEST[script] for script in texts.scripts]
    if given.get("shared_vocabulary"):
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
    return {
        "shared_vocabulary": texts.scripts[0] == texts.scripts[1] and alike[0] == alike[1],
        **own,
        **sides,
    }
