"""What an encoder looks at in one text: every layer and head, and the attention that pools."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from munjang.data.columns import text_column
from munjang.data.encode import EncodedTexts
from munjang.errors import ConfigError, DataError
from munjang.explain.attention import EOS_SHOWN, GO_SHOWN, Attention, AttentionMap, Kind
from munjang.models.transformer import Transformer
from munjang.tasks.head import encoders_of
from munjang.tasks.inference import compute_alone_if_forked
from munjang.text.columns import to_lists
from munjang.text.jamo import letter
from munjang.text.tokenizer import Tokenizer
from munjang.text.vocabulary import OOV, Vocabulary

WHO_HAS = (
    "attentive and transformer have some, and every text model trained with "
    "--set model.pooling=attention"
)


def attention_of(model: Any, text: str, target: str | None = None) -> Attention:
    """What a model looks at in a text, or while it answers with `target` (None: its own answer).

    Args:
        model: any trained model, as `munjang.load` gives it.
        text: the text.
        target: the answer to look at, for models that answer with a text.

    Raises:
        ConfigError: the model has no attention; or `target` is given and it answers with no text.
        DataError: there is no token in the text.
    """
    look = getattr(model, "attention", None)
    if look is None:
        raise ConfigError(f"this model has no attention to show; {WHO_HAS}")
    found: Attention = look(text, target)
    return found


def text_attention(
    text: str, encoded: EncodedTexts, *, tokenizer: Tokenizer, network: nn.Module, ends: bool
) -> Attention:
    """The weights of a text encoder over one text, [tokens, tokens] a head.

    Args:
        text: the text.
        encoded: what the model reads of it.
        tokenizer: that of the model.
        network: in evaluation mode; of several members the first is looked at.
        ends: whether the model reads GO and EOS.

    Raises:
        ConfigError: the encoder has no attention.
        DataError: there is no token in the text.
    """
    ids = to_lists(encoded.column)[0]
    if not ids:
        raise DataError(f"expected a text with words in it, got {text!r}: no token is found there")
    named = _shown(text, tokenizer)[: len(ids) - 2 * ends]
    if ends:
        named = [GO_SHOWN, *named, EOS_SHOWN]
    device = next(network.parameters()).device
    maps = _maps(encoders_of(network)[0], torch.tensor([ids], device=device))
    truncated = bool(encoded.truncated[0])
    return Attention(tuple(named), None, tuple(maps), text, truncated=truncated)


@torch.inference_mode()
def _maps(encoder: Any, ids: Tensor) -> list[AttentionMap]:
    compute_alone_if_forked()
    mask = torch.ones_like(ids, dtype=torch.bool)
    maps: list[AttentionMap] = []
    if isinstance(encoder, Transformer):
        for layer in range(len(encoder.blocks)):
            seen = encoder(ids, mask, attention_layer=layer).attention
            maps += _heads("source", layer, seen)
    pooled = encoder(ids, mask).attention
    if pooled is not None:
        maps += _heads("pooling", 0, pooled)
    if not maps:
        kind = type(encoder).__name__.lower()
        raise ConfigError(f"this model ({kind}) has no attention to show; {WHO_HAS}")
    return maps


def _heads(kind: Kind, layer: int, weights: Tensor | None) -> list[AttentionMap]:
    assert weights is not None
    return [
        AttentionMap(kind, layer, head, one.float().cpu().numpy())
        for head, one in enumerate(weights[0])
    ]


def _shown(text: str, tokenizer: Tokenizer) -> list[str]:
    """What people see of each token: its own characters, where these are its alone."""
    tokens = tokenizer.encode_with_offsets(text_column([text]))
    ids, starts, ends = (to_lists(part)[0] for part in (tokens.ids, tokens.starts, tokens.ends))
    return shown_tokens(text, ids, starts, ends, tokenizer.vocabulary)


def shown_tokens(
    text: str,
    ids: Sequence[int],
    starts: Sequence[int],
    ends: Sequence[int],
    vocabulary: Vocabulary,
) -> list[str]:
    """What people see of each token.

    That is the characters it stands for. Tokens that share characters (the letters of a syllable,
    morphemes that have grown together) or have none are shown by their own name.
    """
    places = zip(ids, starts, ends, [0, *ends], [*starts[1:], len(text)], strict=False)
    return [
        text[start:end]
        if (last <= start < end <= following) or token == OOV
        else letter(vocabulary.tokens[token])
        for token, start, end, last, following in places
    ]
