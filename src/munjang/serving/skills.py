"""Skills: what endpoints ask of a model."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Skill:
    """Requirement of an endpoint on a model.

    Attributes:
        name: name of the skill in GET /models.
        about: a model that has it, in words after "one".
    """

    name: str
    about: str


ANSWERS = Skill("predict", "that answers")
CLASSIFIES = Skill("classify", "with probabilities of labels")
RANKS_TOKENS = Skill("rank tokens", "whose answers are the likeliest tokens")
EMBEDS = Skill("embed", "with vectors of texts")
HAS_WORDS = Skill("neighbors", "with an embedding of tokens, as those of model folders have")
EXPLAINS = Skill("explain", "whose answers can be explained, as those of model folders can")
TRANSLATES = Skill("translate", "of the task translate")
CONTINUES = Skill("generate", "of the task language")
