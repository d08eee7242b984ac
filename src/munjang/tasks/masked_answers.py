"""Answers of masked language models: the likeliest tokens of each [MASK] in a text."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from munjang.config import shown
from munjang.data.batches import Batch
from munjang.data.dataset import Dataset
from munjang.errors import ConfigError
from munjang.layers.projection import Projected
from munjang.tasks.inference import evaluating
from munjang.tasks.memory_check import require_memory
from munjang.text.masks import MASKED, TokenTexts, find_predictable

# Tokens per mask that an answer has unless asked, and the most that may be asked.
DEFAULT_TOP, MOST_TOP = 5, 1000
# Rows per batch, and logits of one chunk: 16 MB of float32.
_BATCH_ROWS, _CHUNK = 256, 1 << 22


@dataclass(frozen=True)
class MaskCandidate:
    """A token for a masked place.

    Attributes:
        token: the token as people read it.
        piece: the token as the vocabulary has it, such as `##는` or `▁영화`.
        probability: among all tokens that may stand in a masked place.
    """

    token: str
    piece: str
    probability: float


@dataclass(frozen=True)
class MaskAnswer:
    """The likeliest tokens of each [MASK] of a text.

    Attributes:
        masks: candidates of each [MASK], the likeliest first.
        truncated: True if the text was longer than the model reads and its end was ignored.
    """

    masks: tuple[tuple[MaskCandidate, ...], ...] = field(default=())
    truncated: bool = False

    def lines(self, row: int, text: str) -> list[list[str]]:
        """Return row, number of the mask, probability and token, a line per candidate."""
        lines = [
            [str(row), str(number), f"{candidate.probability:.4f}", candidate.token]
            for number, candidates in enumerate(self.masks, start=1)
            for candidate in candidates
        ]
        return lines or [[str(row)]]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        masks = [[asdict(candidate) for candidate in candidates] for candidates in self.masks]
        return {"masks": masks, "truncated": self.truncated}


def read_top(options: Mapping[str, Any]) -> int:
    """Return the number of tokens per mask.

    Raises:
        ConfigError: another option is given, or the number is out of range.
    """
    other = next((name for name in options if name != "top"), None)
    if other is not None:
        raise ConfigError(f"{other}: expected a model that generates text (task translate)")
    top = options.get("top")
    top = DEFAULT_TOP if top is None else top
    if isinstance(top, bool) or not isinstance(top, int) or not 1 <= top <= MOST_TOP:
        raise ConfigError(
            f"top: expected a number of tokens from 1 to {MOST_TOP}, got {shown(top)}"
        )
    return top


def fill_masks(
    network: nn.Module, data: Dataset, *, mask_id: int, texts: TokenTexts, top: int
) -> list[tuple[tuple[MaskCandidate, ...], ...]]:
    """Return the candidates of each mask of each row.

    Args:
        network: a masked language model.
        data: rows with the id `MASKED` at masked places.
        mask_id: id of [MASK].
        texts: texts of tokens.
        top: number of candidates per mask.
    """
    found: list[list[tuple[MaskCandidate, ...]]] = [[] for _ in range(len(data))]
    device = next(network.parameters()).device
    with evaluating(network), torch.inference_mode():
        for batch in data.in_order_of_length(_BATCH_ROWS):
            require_memory(network, batch)
            assert isinstance(batch, Batch)
            masked = batch.ids == MASKED
            rows = batch.rows[masked.nonzero()[:, 0]].tolist()
            if not rows:
                continue
            ids = batch.ids.masked_fill(masked, mask_id).to(device)
            places = masked.flatten().nonzero()[:, 0].to(device)
            outputs = network(ids, batch.mask.to(device), places)
            for row, candidates in zip(rows, _candidates(outputs.tokens, texts, top), strict=True):
                found[row].append(candidates)
    return [tuple(masks) for masks in found]


def _candidates(
    tokens: Projected, texts: TokenTexts, top: int
) -> Iterator[tuple[MaskCandidate, ...]]:
    """Yield the candidates of each place, with the logits of a chunk of places at a time."""
    vocabulary = texts.tokenizer.vocabulary
    pieces: Sequence[str] = vocabulary.tokens
    predictable = torch.from_numpy(find_predictable(vocabulary)).to(tokens.states.device)
    top = min(top, int(predictable.sum()))
    size = max(1, _CHUNK // len(pieces))
    for start in range(0, len(tokens.states), size):
        states = tokens.states[start : start + size]
        logits: Tensor = Projected(states, tokens.weight, tokens.bias).logits().float()
        logits = logits.masked_fill_(~predictable, -torch.inf)
        best = logits.softmax(1).topk(top)
        for values, ids in zip(best.values.tolist(), best.indices.tolist(), strict=True):
            yield tuple(
                MaskCandidate(texts[n], pieces[n], value)
                for value, n in zip(values, ids, strict=True)
            )
