"""The tokens of a trained model as words with vectors."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from munjang.errors import ConfigError
from munjang.folder.load import AnyModel
from munjang.inputs.stream import StreamInput
from munjang.layers.embedding import TokenEmbedding
from munjang.layers.pair_embedding import PairEmbedding
from munjang.model import Model
from munjang.tasks.heads import find_encoders
from munjang.tasks.inference import device_of, evaluating
from munjang.tasks.word_answers import embed_ids
from munjang.text.masks import find_predictable
from munjang.text.tokenizer import Tokenizer
from munjang.text.vocabulary import Vocabulary
from munjang.word_vectors.words import Vectors, Words

_EmbedIds = Callable[[nn.Module, Any], Vectors]


def has_words(model: AnyModel) -> bool:
    """Return whether a model has an embedding of tokens, so that its words have vectors."""
    return isinstance(model, Model) and _find_tokenizer_and_embedding(model) is not None


def words_of_model(model: AnyModel, name: str) -> Words:
    """Return the tokens of a model with the vectors of its embedding, each token standing alone.

    Of an ensemble the first network counts, of an encoder-decoder the side of the source. A word
    of several tokens has the mean of their vectors, an out-of-vocabulary word that of its character
    n-grams, if the model has them.

    Args:
        model: the model.
        name: its folder, for messages.

    Raises:
        ConfigError: it has no embedding of tokens.
    """
    if not isinstance(model, Model):
        raise ConfigError(
            f"{name}: the baseline {model.name} has no embedding of tokens; expected a network of "
            "texts"
        )
    found = _find_tokenizer_and_embedding(model)
    if found is None:
        raise ConfigError(
            f"{name}: the model {model.recipe.model_name} on the input {model.recipe.input} has no "
            "embedding of tokens; expected a model of texts"
        )
    tokenizer, embed = found
    vocabulary = tokenizer.vocabulary
    known = np.flatnonzero(find_predictable(vocabulary))
    with evaluating(model.network):
        vectors = embed(model.network, known)
    return Words(
        name,
        [vocabulary.tokens[number] for number in known.tolist()],
        vectors,
        lambda word: _compose(model, vocabulary, tokenizer, embed, word),
    )


def _find_tokenizer_and_embedding(model: Model) -> tuple[Tokenizer, _EmbedIds] | None:
    tokenizer = getattr(model.input, "tokenizer", None)
    if tokenizer is not None and _token_embedding(model.network) is not None:
        return tokenizer, _embed_tokens
    pair = getattr(model.input, "tokenizers", None)
    if pair is not None and _pair_embedding(model.network) is not None:
        return pair.source, _embed_source
    return None


def _compose(
    model: Model, vocabulary: Vocabulary, tokenizer: Tokenizer, embed: _EmbedIds, word: str
) -> Vectors | None:
    """Return the mean vector of the tokens of a word; None if it has no known token."""
    network = model.network
    if embed is _embed_source or isinstance(model.input, StreamInput):
        ids = np.asarray(tokenizer.encode_text(word), dtype=np.int64)
    else:
        encoded = model.encode_texts([word])
        network = encoded.adapt(network)
        (batch,) = encoded.dataset().in_order_of_length()
        ids = batch.inputs[0][0].numpy()
    # beyond the vocabulary are out-of-vocabulary words, which count too
    counts = np.append(find_predictable(vocabulary), True)
    kept = ids[counts[ids.clip(max=vocabulary.size)]]
    if not len(kept):
        return None
    with evaluating(network):
        mean: Vectors = embed(network, kept).mean(0)
    return mean


def _token_embedding(network: nn.Module) -> TokenEmbedding | None:
    """Return the embedding of the first encoder, or of a language model."""
    encoders = find_encoders(network)
    body = encoders[0] if encoders else network
    found = getattr(body, "embedding", None)
    return found if isinstance(found, TokenEmbedding) else None


def _embed_tokens(network: nn.Module, ids: Any) -> Vectors:
    return embed_ids(_token_embedding(network), ids, device_of(network))


def _pair_embedding(network: nn.Module) -> PairEmbedding | None:
    return next((m for m in network.modules() if isinstance(m, PairEmbedding)), None)


@torch.inference_mode()
def _embed_source(network: nn.Module, ids: Any) -> Vectors:
    embedding = _pair_embedding(network)
    assert embedding is not None, "the network has no embedding of sources"
    numbers = torch.from_numpy(np.asarray(ids, dtype=np.int64)).to(device_of(network))
    vectors: Vectors = embedding.embed_source(numbers).float().cpu().numpy()
    return vectors
