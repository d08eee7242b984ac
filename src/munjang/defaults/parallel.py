"""Default settings for pairs of texts.

TokenizerPair of one script share a vocabulary of subwords; Hangul and another script have one each.
Texts of about one word, such as names, are split into letters.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from munjang.config import merge
from munjang.renamed_settings import RENAMED
from munjang.text.registry import SUBWORDS
from munjang.text.script import Script, script_of

# Target tokens per training, and the fewest and most epochs; see docs/log.md.
_SEEN, _FEWEST, _MOST = 12_000_000, 5, 60
# Target tokens per id of the vocabulary: rarer pieces of a small corpus are not learned.
_TOKENS_PER_ID = 60
# Any Korean text has some hundred syllables, each with an id of its own.
_SMALLEST: dict[Script, int] = {"other": 500, "korean": 2_000}
_LARGEST = 8_000
# estimated characters per token
_CHARACTERS_PER_TOKEN = {"korean": 2, "other": 4}
_FEW_WORDS = 2.0
# 하, 한 and 할 share jamo, so that what is learned for one helps with the others; see docs/log.md.
_LETTERS: dict[Script, str] = {"other": "characters", "korean": "jamo"}


_BY_MODEL: dict[str, dict[str, Any]] = {
    "seq2seq": {"training": {"learning_rate": 0.002}},
    "attentive": {"training": {"learning_rate": 0.002}},
    "transformer": {"training": {"learning_rate": 0.003}},
}


@dataclass(frozen=True)
class PairTexts:
    """Statistics of pairs that defaults depend on.

    Attributes:
        scripts: scripts of sources and targets.
        tokens: estimated number of target tokens.
        words: mean number of words per source.
    """

    scripts: tuple[Script, Script] = ("other", "other")
    tokens: int = 0
    words: float = 10.0


def measure(sources: pl.Series, targets: pl.Series) -> PairTexts:
    """Return the statistics of some pairs."""
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
        texts: statistics of the pairs.
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
        if isinstance(chosen, Mapping) and key in chosen:  # each replaces the other
            training[default] = None
    return merge({"training": training}, _BY_MODEL.get(str(given["model"]["name"]), {}))


def both_tokenizers(given: Mapping[str, Any], texts: PairTexts) -> dict[str, Any]:
    """Return the section `tokenizer` with a tokenizer per side; its own keys hold for both."""
    # an old name stays where it was given, so that the message about it names the new one
    own = {
        key: value
        for key, value in given.items()
        if key in ("shared_vocabulary", "long_sources") or f"tokenizer.{key}" in RENAMED
    }
    both = {k: v for k, v in given.items() if k not in {*own, "source", "target"}}
    least = [_SMALLEST[script] for script in texts.scripts]
    if given.get("shared_vocabulary"):
        least = [max(least)] * 2
    sides = {}
    for side, script, smallest in zip(("source", "target"), texts.scripts, least, strict=True):
        size = min(_LARGEST, max(smallest, texts.tokens // _TOKENS_PER_ID))
        own_side = given.get(side, {})
        if not isinstance(own_side, Mapping):
            return dict(given)  # validation of the settings raises
        name = _LETTERS[script] if texts.words < _FEW_WORDS else "bpe"
        chosen = {"name": name, **both, **own_side}
        if chosen["name"] in SUBWORDS:
            chosen = {"max_size": size, **chosen}
        sides[side] = chosen
    alike = [{k: v for k, v in side.items() if k != "max_length"} for side in sides.values()]
    return {
        "shared_vocabulary": texts.scripts[0] == texts.scripts[1] and alike[0] == alike[1],
        **own,
        **sides,
    }
