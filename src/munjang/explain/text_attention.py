"""Attention of a text encoder over one text: every layer and head, and the pooling."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from munjang.data.columns import text_column
from munjang.data.encode import EncodedTexts
from munjang.errors import ConfigError, DataError
from munjang.explain.attention import EOS_LABEL, GO_LABEL, Attention, Span
from munjang.models.attention_weights import Attends, AttentionWeights
from munjang.names import join_names
from munjang.registry import ARCHITECTURES, ArchitectureRow
from munjang.tasks.heads import find_encoders
from munjang.tasks.inference import limit_threads_if_forked
from munjang.text.columns import to_lists
from munjang.text.jamo import compatibility_jamo
from munjang.text.tokenizer import Tokenizer
from munjang.text.vocabulary import OOV, Vocabulary


def describe_models_with_attention() -> str:
    """Return which architectures have attention, for messages."""
    rows = ARCHITECTURES.rows
    always = {row.name for row in rows if hasattr(row.load(), "forward_with_attention")}
    pooled = {row.name for row in rows if _may_pool_by_attention(row)} - always
    return (
        f"{join_names(sorted(always))} have some, and {join_names(sorted(pooled))} with "
        "--set model.pooling=attention"
    )


def _may_pool_by_attention(row: ArchitectureRow) -> bool:
    try:
        row.config_class().parse({"pooling": "attention"}, where="model")
    except ConfigError:
        return False
    return True


def compute_attention(model: Any, text: Any, target: str | None = None) -> Attention:
    """Compute the attention weights of a model over a text and, where it has one, its answer.

    Args:
        model: any trained model, as `munjang.load` returns it.
        text: the text, or (first, second) of two texts.
        target: the answer, for models that write text; None = the model's own answer.

    Raises:
        ConfigError: the model has no attention; or `target` is given and it answers with no text.
        DataError: there is no token in the text.
    """
    attention = getattr(model, "attention", None)
    if attention is None:
        raise ConfigError(
            f"this model has no attention to show; {describe_models_with_attention()}"
        )
    computed: Attention = attention(text, target)
    return computed


def text_attention(
    text: str,
    encoded: EncodedTexts,
    *,
    tokenizer: Tokenizer,
    network: nn.Module,
    ends: bool,
    line_breaks: bool = False,
) -> Attention:
    """Compute the weights of a text encoder over one text.

    Args:
        text: the text.
        encoded: the text as the model reads it.
        tokenizer: the model's.
        network: in evaluation mode; of several members the first is used.
        ends: True if the model reads GO and EOS.
        line_breaks: True if it reads EOS before the text and for each line break.

    Raises:
        ConfigError: the encoder has no attention.
        DataError: there is no token in the text.
    """
    ids = to_lists(encoded.column)[0]
    if not ids:
        raise DataError(f"expected a text with words in it, got {text!r}: no token is found there")
    count = len(ids) - 2 * ends
    tokens, spans = _label_with_spans(text, tokenizer, line_breaks=line_breaks)
    tokens, spans = tokens[:count], spans[:count]
    if ends:
        tokens, spans = [GO_LABEL, *tokens, EOS_LABEL], [None, *spans, None]
    truncated = bool(encoded.truncated[0])
    attention = row_attention(ids, tokens, network, text=text, truncated=truncated)
    return replace(attention, spans=tuple(spans))


def row_attention(
    ids: Sequence[int], tokens: Sequence[str], network: nn.Module, *, text: str, truncated: bool
) -> Attention:
    """Compute the weights of a text encoder over one row of ids.

    Args:
        ids: as the model reads them.
        tokens: how each of them is displayed.
        network: in evaluation mode; of several members the first is used.
        text: text of the row.
        truncated: True if the model does not read its end.

    Raises:
        ConfigError: the encoder has no attention.
    """
    device = next(network.parameters()).device
    encoder = find_encoders(network)[0]
    weights = _weights(encoder, torch.tensor([list(ids)], device=device))
    if not weights:
        kind = type(encoder).__name__.lower()
        raise ConfigError(
            f"this model ({kind}) has no attention to show; {describe_models_with_attention()}"
        )
    return Attention.from_weights(weights, list(tokens), text=text, truncated=truncated)


@torch.inference_mode()
def _weights(encoder: Any, ids: Tensor) -> list[AttentionWeights]:
    """Return the weights of the encoder's layers and of its pooling; an empty list without any."""
    limit_threads_if_forked()
    mask = torch.ones_like(ids, dtype=torch.bool)
    if isinstance(encoder, Attends):
        return encoder.forward_with_attention(ids, mask)[1]
    pooling = encoder(ids, mask).attention
    return [] if pooling is None else [AttentionWeights("pooling", 0, pooling)]


def _label_with_spans(
    text: str, tokenizer: Tokenizer, *, line_breaks: bool
) -> tuple[list[str], list[Span | None]]:
    """Return the tokens of a text as they are displayed, and the characters of each.

    With `line_breaks` an EOS stands before each line, which has no characters.
    """
    labels, spans, begin = list[str](), list[Span | None](), 0
    for line in text.split("\n") if line_breaks else [text]:
        ids, starts, ends = _encode(line, tokenizer)
        if line_breaks:
            labels.append(EOS_LABEL)
            spans.append(None)
        labels += label_tokens(line, ids, starts, ends, tokenizer.vocabulary)
        spans += [(begin + start, begin + end) for start, end in zip(starts, ends, strict=True)]
        begin += len(line) + 1
    return labels, spans


def _encode(text: str, tokenizer: Tokenizer) -> tuple[list[int], list[int], list[int]]:
    """Return ids, and the first character and one past the last of each token."""
    tokens = tokenizer.encode_with_offsets(text_column([text]))
    ids, starts, ends = (to_lists(part)[0] for part in (tokens.ids, tokens.starts, tokens.ends))
    return ids, starts, ends


def label_text(text: str, tokenizer: Tokenizer) -> list[str]:
    """Return the tokens of a text as they are displayed."""
    ids, starts, ends = _encode(text, tokenizer)
    return label_tokens(text, ids, starts, ends, tokenizer.vocabulary)


def label_tokens(
    text: str,
    ids: Sequence[int],
    starts: Sequence[int],
    ends: Sequence[int],
    vocabulary: Vocabulary,
) -> list[str]:
    """Return each token as it is displayed: by the characters of the text that it stands for.

    Tokens that share characters (the letters of a syllable, contracted morphemes) or stand for
    none are displayed by their entry in the vocabulary.

    Args:
        text: the text.
        ids: of its tokens.
        starts: of each token, in characters of the text.
        ends: of each token, in characters of the text.
        vocabulary: of the tokenizer.
    """
    places = zip(ids, starts, ends, [0, *ends], [*starts[1:], len(text)], strict=False)
    return [
        text[start:end]
        if (last <= start < end <= following) or token == OOV
        else compatibility_jamo(vocabulary.tokens[token])
        for token, start, end, last, following in places
    ]
