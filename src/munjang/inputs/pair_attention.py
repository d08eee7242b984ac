"""Attention of encoder-decoders for one pair of texts."""

import polars as pl
import torch
from torch import nn

from munjang.data.columns import text_column
from munjang.data.pairs.dataset import PairDataset
from munjang.data.pairs.tokenizer_pair import TokenizerPair
from munjang.errors import ConfigError, DataError
from munjang.explain.attention import EOS_LABEL, Attention
from munjang.explain.text_attention import label_tokens
from munjang.models.attention_weights import Attends
from munjang.recipe import Recipe
from munjang.tasks.alignment import get_target_pieces
from munjang.tasks.inference import limit_threads_if_forked
from munjang.tasks.translate import EncodedSources, Translate, column_of
from munjang.text.columns import row_lengths, values_and_offsets


def pair_attention(
    network: nn.Module,
    task: Translate,
    encoded: EncodedSources,
    *,
    recipe: Recipe,
    tokenizers: TokenizerPair,
    target: str | None = None,
) -> Attention:
    """Return the attention of an answer to its source, and of both to themselves.

    Args:
        network: the encoder-decoder.
        task: the task, which decodes the answer.
        encoded: one source.
        recipe: settings of the run.
        tokenizers: fitted tokenizers.
        target: the answer; the model's own if omitted.

    Raises:
        ConfigError: the model has no attention.
        DataError: the source is empty, or the target too long.
    """
    if not isinstance(network, Attends):
        raise ConfigError(f"{recipe.model_name} has no attention; attentive and transformer have")
    text = encoded.texts[0]
    if not row_lengths(encoded.pairs.source_ids)[0]:
        raise DataError("expected a text with attention to show, got an empty one")
    if target is None:
        best = task.hypotheses(network, encoded)[0][0]
        ids, answer = best.ids, task.texts_of([best], [text])[0]
    else:
        max_length = recipe.section("tokenizer").target.max_length
        ids, answer = encode_target(tokenizers, target, max_length), target
    pairs = PairDataset(encoded.pairs.source_ids, column_of([ids]))
    batch = next(pairs.in_order_of_length())
    limit_threads_if_forked()
    with torch.inference_mode():
        _, weights = network.forward_with_attention(*batch.inputs)
    return Attention.from_weights(
        weights,
        _label_source(tokenizers, text)[: batch.source.shape[1]],
        [*get_target_pieces(tokenizers, ids), EOS_LABEL],
        text=text,
        answer=answer,
        truncated=bool(encoded.truncated[0]),
    )


def encode_target(tokenizers: TokenizerPair, target: str, max_length: int) -> tuple[int, ...]:
    """Return the ids of a given answer.

    Raises:
        DataError: the model does not read that many tokens.
    """
    column = tokenizers.target.encode(text_column([target]))
    ids = tuple(values_and_offsets(column)[0].tolist())
    if len(ids) > max_length:
        raise DataError(
            f"the target has {len(ids):,} tokens, and the model reads up to {max_length:,} "
            "(tokenizer.target.max_length); shorten it"
        )
    return ids


def _label_source(tokenizers: TokenizerPair, text: str) -> list[str]:
    tokens = tokenizers.source.encode_with_offsets(pl.Series([text]))
    columns = (tokens.ids, tokens.starts, tokens.ends)
    ids, starts, ends = (values_and_offsets(column)[0].tolist() for column in columns)
    return label_tokens(text, ids, starts, ends, tokenizers.source.vocabulary)
