"""The special tokens of a Hugging Face tokenizer, and its ids beside those of the project.

Everywhere else ids 0 to 3 are <pad>, <oov>, <go> and <eos>: padding counts as zero in layers,
decoding begins with 2 and ends with 3. A Hugging Face tokenizer has them anywhere, or not at all:

    [PAD] 0  [UNK] 1  [CLS] 2  [SEP] 3  [MASK] 4  a 5 ...      BERT
    <s> 0  <pad> 1  </s> 2  <unk> 3  a 4 ...                    RoBERTa
    a 0  b 1 ...  <|endoftext|> 50256                           GPT-2

So the tokenizer stays as it is, and its ids are translated by one look-up in a table: the tokens
for these four roles get ids 0 to 3, all others follow in the tokenizer's own order.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from munjang.errors import ConfigError
from munjang.text.columns import Int32s, Int64s
from munjang.text.segmentation.codepoints import Bools
from munjang.text.vocabulary import EOS, GO, OOV, PAD, RESERVED

# Names to look for if the file does not define the token.
_USUAL_NAMES = {
    RESERVED[PAD]: ("<pad>", "[PAD]", "<|pad|>"),
    RESERVED[GO]: ("<go>", "[CLS]", "<s>", "[BOS]", "<bos>"),
    RESERVED[EOS]: ("<eos>", "[SEP]", "</s>", "[EOS]"),
}


def find_special_tokens(state: Mapping[str, Any], ids: Mapping[str, int]) -> dict[str, str]:
    """Find which token of the tokenizer stands for each reserved one.

    The padding token is the one that the file pads with, the unknown token the one of the model,
    <go> and <eos> are what the post-processor puts around one text; else usual names count.

    Args:
        state: the values in a `tokenizer.json`.
        ids: all tokens of it, added ones included.

    Returns:
        Tokens by reserved name; without the names that no token stands for.
    """
    first, last = _around_one_text(state.get("post_processor"))
    padding = state.get("padding") or {}
    named = {
        RESERVED[PAD]: padding.get("pad_token") if isinstance(padding, Mapping) else None,
        RESERVED[OOV]: _unknown_token(state["model"]),
        RESERVED[GO]: first,
        RESERVED[EOS]: last,
    }
    special: dict[str, str] = {}
    for role, token in named.items():
        candidates = (token, *_USUAL_NAMES.get(role, ()))
        taken = special.values()
        found = (c for c in candidates if isinstance(c, str) and c in ids and c not in taken)
        chosen = next(found, None)
        if chosen is not None:
            special[role] = chosen
    return special


def _unknown_token(model: Mapping[str, Any]) -> Any:
    if "unk_id" in model:
        number, pieces = model["unk_id"], model["vocab"]
        return pieces[number][0] if isinstance(number, int) and number < len(pieces) else None
    return model.get("unk_token")


def _around_one_text(processor: Any) -> tuple[Any, Any]:
    """Return the tokens that the post-processor puts before and after a single text."""
    if not isinstance(processor, Mapping):
        return None, None
    kind = processor.get("type")
    if kind in ("BertProcessing", "RobertaProcessing"):
        return processor["cls"][0], processor["sep"][0]
    if kind == "Sequence":
        pairs = [_around_one_text(inner) for inner in processor.get("processors", ())]
        firsts, lasts = [a for a, _ in pairs if a], [b for _, b in pairs if b]
        return next(iter(firsts), None), next(iter(lasts), None)
    if kind != "TemplateProcessing":
        return None, None
    template = [
        piece["SpecialToken"]["id"] if "SpecialToken" in piece else None
        for piece in processor["single"]
    ]
    text = template.index(None) if None in template else 0
    before, behind = template[:text], template[text + 1 :]
    return (before[0] if len(before) == 1 else None, behind[0] if len(behind) == 1 else None)


@dataclass(frozen=True)
class IdMap:
    """Ids of a Hugging Face tokenizer to ids of the project, and back.

    Attributes:
        tokens: the tokens by the project's ids, the reserved four first.
        ours: the project's id of each of the tokenizer's [largest of its ids + 1].
        theirs: the tokenizer's id of each of the project's, -1 for a reserved one that it lacks
            [tokens].
    """

    tokens: tuple[str, ...]
    ours: Int32s
    theirs: Int64s

    @classmethod
    def build(cls, ids: Mapping[str, int], special: Mapping[str, str]) -> Self:
        """Assign ids to all tokens, to those of `special` the reserved ids that they stand for.

        Args:
            ids: the tokenizer's id of each token.
            special: tokens by reserved name.

        Raises:
            ConfigError: there is no token.
        """
        if not ids:
            raise ConfigError("model.vocab: the tokenizer has no token")
        places = {token: RESERVED.index(name) for name, token in special.items()}
        # a token that only has the name of a reserved one cannot be listed beside it
        places |= {name: place for place, name in enumerate(RESERVED) if name not in places}
        others = sorted((n, token) for token, n in ids.items() if token not in places)
        ours = np.full(max(ids.values()) + 1, OOV, dtype=np.int32)
        theirs = np.full(len(RESERVED) + len(others), -1, dtype=np.int64)
        for token, place in places.items():
            if token in ids:
                ours[ids[token]] = place
        for name, token in special.items():
            theirs[RESERVED.index(name)] = ids[token]
        numbers = np.array([n for n, _ in others], dtype=np.int64)
        ours[numbers] = np.arange(len(RESERVED), len(theirs), dtype=np.int32)
        theirs[len(RESERVED) :] = numbers
        return cls((*RESERVED, *(token for _, token in others)), ours, theirs)

    def of_text(self, ids: Int64s, added: Bools | None = None) -> Int32s:
        """Translate ids of the tokenizer [tokens].

        Special tokens spelled in a text do not get the ids of padding or of the ends: they are
        encoded as OOV.

        Args:
            ids: what the tokenizer gives.
            added: True where the post-processor added the token [tokens]; nowhere if None.
        """
        ours = self.ours.take(ids)
        spelled = np.isin(ours, (PAD, GO, EOS))
        if added is not None:
            spelled &= ~added
        ours[spelled] = OOV
        return ours
