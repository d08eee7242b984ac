"""Reading of texts by a model, for the tokenizer of an export."""

from dataclasses import dataclass
from typing import Any

from munjang.export.onnx.inputs import describe_input, find_spelling, source_tokenizer
from munjang.export.onnx.tasks import describe_task
from munjang.inputs.parallel import ParallelInput
from munjang.inputs.stream import StreamInput
from munjang.model import Model
from munjang.tasks.heads import TwoTowers
from munjang.tasks.masked_lm import MaskedLm
from munjang.text.capitals import sign_ids
from munjang.text.tokenizer import Tokenizer

# Of texts without a limit; transformers takes such numbers for none.
_NO_LIMIT = 10**30


@dataclass(frozen=True)
class Reading:
    """Reading of texts by a model.

    Attributes:
        tokenizer: what cuts a text into tokens.
        kind: `text`, or `two_texts` that are read in one row.
        max_length: most tokens of a text, signs of capitals not counted; None: no limit.
        max_tokens: most tokens, signs counted; None: no limit.
        add_go_eos: whether GO and EOS stand around each text.
        line_breaks: whether a line begins with EOS.
        spelled_words: units of the letters of words out of the vocabulary; None: not spelled.
        masks: what `munjang.export.onnx.tasks` says of [MASK]; None if it is not read.
    """

    tokenizer: Tokenizer
    kind: str = "text"
    max_length: int | None = None
    max_tokens: int | None = None
    add_go_eos: bool = False
    line_breaks: bool = False
    spelled_words: str | None = None
    masks: dict[str, Any] | None = None

    @property
    def added(self) -> int:
        """Number of tokens that are added to a text, or to a pair of them."""
        ends = 3 if self.kind == "two_texts" else 2
        return ends * self.add_go_eos + self.line_breaks

    @property
    def has_signs(self) -> bool:
        """True if some tokens are signs of capitals."""
        return bool(sign_ids(self.tokenizer.vocabulary))

    @property
    def longest(self) -> int:
        """Most tokens of a row, added ones included."""
        if self.max_length is None:
            return _NO_LIMIT
        most = self.max_length * (2 if self.has_signs else 1)
        return min(most, self.max_tokens or most) + self.added


def find_reading(model: Model) -> Reading:
    """Return how a model reads the texts of a row.

    Raises:
        ConfigError: its rows are no texts.
    """
    tokenizer = source_tokenizer(model)
    if isinstance(model.input, StreamInput):
        return Reading(tokenizer, line_breaks=True)
    if isinstance(model.input, ParallelInput):
        longest = model.recipe.section("tokenizer").source.max_length
        return Reading(tokenizer, max_length=longest)
    described = describe_input(model)
    if isinstance(model.network, TwoTowers):
        described["kind"] = "text"  # each text has a vector of its own
    kept = ("kind", "max_length", "max_tokens", "add_go_eos", "line_breaks")
    masks = None
    if isinstance(model.task, MaskedLm):
        masks = describe_task(model.task, model.recipe.task)["masks"]
    return Reading(
        tokenizer,
        **{name: described[name] for name in kept},
        spelled_words=find_spelling(model),
        masks=masks,
    )
