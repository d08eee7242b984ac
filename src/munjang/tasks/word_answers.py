"""Answers of word vectors: the words nearest to each text."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn

from munjang.data.nearest import NearestRows
from munjang.layers.embedding import TokenEmbedding
from munjang.tasks.inference import device_of, evaluating
from munjang.tasks.task import Encoded
from munjang.tasks.vectors import Vectors, compute_vectors
from munjang.text.masks import find_predictable
from munjang.text.vocabulary import Vocabulary

# Tokens whose vectors are computed at once.
_CHUNK = 8192


@dataclass(frozen=True)
class NearWord:
    """A word near to another one.

    Attributes:
        word: the word.
        score: cosine of both vectors, -1 to 1.
    """

    word: str
    score: float


@dataclass(frozen=True)
class WordAnswer:
    """The words nearest to a text.

    Attributes:
        words: the nearest first; none if no word of the text has a vector.
        truncated: True if the text was longer than the model reads and its end was ignored.
    """

    words: tuple[NearWord, ...] = field(default=())
    truncated: bool = False

    def lines(self, row: int, text: str) -> list[list[str]]:
        """Return row, cosine and word, a line per word."""
        lines = [[str(row), f"{near.score:.4f}", near.word] for near in self.words]
        return lines or [[str(row)]]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"words": [asdict(near) for near in self.words], "truncated": self.truncated}


def nearest_words(
    network: nn.Module, encoded: Encoded, vocabulary: Vocabulary, top: int
) -> Sequence[WordAnswer]:
    """Return the `top` words of the vocabulary nearest to each text, its own words left out.

    Args:
        network: word vectors.
        encoded: the texts.
        vocabulary: the vocabulary.
        top: number of words per text.
    """
    known = np.flatnonzero(find_predictable(vocabulary))
    rows = encoded.dataset()
    own = _words_of(rows)
    queries = compute_vectors(encoded.adapt(network), rows)
    most = max((len(ids) for ids in own), default=0)
    nearest = NearestRows(queries, min(10_000, top + most))
    with evaluating(network):
        nearest.add(embed_ids(find_embedding(network), known, device_of(network)), known)
    cut = encoded.truncated.tolist()
    answers = []
    for hits, ids, query, is_cut in zip(nearest.hits(), own, queries, cut, strict=True):
        words = [NearWord(vocabulary.tokens[h.row], h.score) for h in hits if h.row not in ids]
        answers.append(WordAnswer(tuple(words[:top]) if query.any() else (), is_cut))
    return answers


def _words_of(rows: Any) -> list[set[int]]:
    """Return the ids of each row."""
    found: list[set[int]] = [set() for _ in range(len(rows))]
    for batch in rows.in_order_of_length():
        for row, ids in zip(batch.rows.tolist(), batch.ids.tolist(), strict=True):
            found[row] = set(ids)
    return found


def find_embedding(network: nn.Module) -> TokenEmbedding | None:
    """Return the first embedding of tokens in a network; None if it has none."""
    return next((m for m in network.modules() if isinstance(m, TokenEmbedding)), None)


@torch.inference_mode()
def embed_ids(embedding: TokenEmbedding | None, ids: Any, device: torch.device) -> Vectors:
    """Return the vectors of tokens that stand alone, float32 [tokens, dim].

    Args:
        embedding: in evaluation mode.
        ids: ids [tokens].
        device: device of the embedding.
    """
    assert embedding is not None, "the network has no embedding of tokens"
    vectors = np.empty((len(ids), embedding.dim), dtype=np.float32)
    for start in range(0, len(ids), _CHUNK):
        chunk = torch.from_numpy(np.asarray(ids[start : start + _CHUNK], dtype=np.int64)).to(device)
        mask = torch.ones((len(chunk), 1), dtype=torch.bool, device=device)
        part = embedding(chunk[:, None], mask)[:, 0]
        vectors[start : start + len(chunk)] = part.float().cpu().numpy()
    return vectors
