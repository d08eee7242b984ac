"""Word2Vec and FastText of gensim that learn the weights of a network in place.

gensim's arrays are views of the network's parameters: output vectors, and either the vectors of
words or the rows of their n-grams. With n-grams each word has a row beside them; what the network
keeps is the mean of that row and those of its n-grams, as in `KeyedVectors`.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from zlib import crc32

import numpy as np
import torch
from torch import Tensor

from munjang.layers.fast.sparse_rows import sum_rows
from munjang.layers.fasttext_embedding import MIN_N, FastTextEmbedding
from munjang.tasks.word_head import WordHead
from munjang.text.vocabulary import PAD, RESERVED
from munjang.training.gensim_sentences import Sentence

# Words per job of a thread: some hundredths of a second of work.
_JOB_WORDS = 5000
_FIRST = len(RESERVED)
# The lowest learning rate: gensim takes 0 for "not given".
_LOWEST_RATE = 1e-9
_ROWS_AT_ONCE = 65_536
_LOGGER = "gensim.models.word2vec"


def hash_stably(text: str) -> int:
    """Return a hash that does not change from process to process, as that of Python does."""
    return crc32(text.encode("utf-8", "surrogatepass"))


class GensimVectors:
    """A network of the task `vectors`, trained by gensim.

    Args:
        network: on the CPU; its weights are the initial ones.
        words: the vocabulary, [size] strings in the order of their ids.
        counts: occurrences of each id in training, [size].
        window: the largest window.
        negatives: number of negatives per prediction.
        sample: more frequent words are left out at random; 0 = none.
        threads: number of threads that learn at the same time, each from other sentences.
    """

    def __init__(
        self,
        network: WordHead,
        words: Sequence[str],
        counts: Sequence[int],
        *,
        window: int,
        negatives: int,
        sample: float,
        threads: int,
    ) -> None:
        self.network = network
        self.words = words[_FIRST:]
        # an id that no one learns may be drawn as a negative: once in as many draws as words
        self.counts = [max(1, int(count)) for count in counts[_FIRST:]]
        encoder = network.encoder
        self.settings: dict[str, Any] = {
            "sg": int(encoder.predicts_neighbors),
            "vector_size": encoder.states_dim,
            "window": window,
            "negative": negatives,
            # from 1 up gensim reads a number of occurrences
            "sample": sample if sample < 1 else 0,
            "workers": threads,
            "min_count": 1,
            "sorted_vocab": 0,
            "batch_words": _JOB_WORDS,
            "hashfxn": hash_stably,
        }
        self._model: Any = None
        self._ngrams: list[Any] = []
        if self.subwords is not None:
            # a row per word, which checkpoints keep and model folders do not need
            self.subwords.carried = {"words": self.vectors[_FIRST:].clone()}

    @property
    def vectors(self) -> Tensor:
        """The vectors of all ids, [size, dim]."""
        weight: Tensor = self.network.encoder.embedding.weight.detach()
        return weight

    @property
    def subwords(self) -> Any:
        """The table of n-grams; None if there are none."""
        table = self.network.encoder.embedding.subwords
        assert table is None or isinstance(table, FastTextEmbedding), "the recipe was checked"
        return table

    @property
    def model(self) -> Any:
        """The model of gensim, built when first needed: a resumed run has read its weights."""
        if self._model is None:
            self._model = self._build() if self.subwords is None else self._build_with_ngrams()
            self._model.syn1neg = _view(self.network.output)[_FIRST:]
            self._model.lifecycle_events = None  # one more per call otherwise
        return self._model

    def _build(self) -> Any:
        from gensim.models.word2vec import Word2Vec

        model = Word2Vec(**self.settings)
        model.wv.vectors = _view(self.vectors)[_FIRST:]  # before: of that shape they are kept
        model.build_vocab_from_freq(dict(zip(self.words, self.counts, strict=True)))
        return model

    def _build_with_ngrams(self) -> Any:
        from gensim.models.fasttext import FastText

        table = self.subwords
        buckets = len(table.weight) - 1
        model = FastText(min_n=MIN_N, max_n=table.max_n, bucket=buckets, **self.settings)
        own = _view(table.carried["words"])
        model.wv.vectors = model.wv.vectors_vocab = own
        model.wv.vectors_ngrams = _view(table.weight)[PAD + 1 :]
        # it would join words and n-grams after each step; `join` does so when it is needed
        model.wv.adjust_vectors = lambda: None
        model.build_vocab_from_freq(dict(zip(self.words, self.counts, strict=True)))
        model.wv.buckets_word = [part.astype(np.uint32) for part in self.ngrams]
        return model

    @property
    def ngrams(self) -> list[Any]:
        """Bucket of each n-gram of each word, hashed once."""
        if not self._ngrams:
            word_of, buckets = self.subwords.ngrams_of(self.words)
            ends = np.searchsorted(word_of, np.arange(1, len(self.words)))
            self._ngrams = np.split(buckets, ends)
        return self._ngrams

    def train(
        self, sentences: Sequence[Sentence], start_rate: float, end_rate: float, seed: int
    ) -> None:
        """Learn from sentences, at a rate that changes along a line.

        Args:
            sentences: words of the vocabulary; all in memory, as gensim does not return if reading
                them fails.
            start_rate: learning rate of the first sentence.
            end_rate: learning rate after the last one.
            seed: of windows, negatives and words that are left out; one thread repeats a run.
        """
        if not sentences:
            return
        model = self.model
        model.random = np.random.RandomState(seed % 2**32)
        with _quiet():
            model.train(
                sentences,
                total_examples=len(sentences),
                epochs=1,
                start_alpha=max(start_rate, _LOWEST_RATE),
                end_alpha=max(end_rate, _LOWEST_RATE),
            )

    def join(self, ids: Any = None) -> None:
        """Write the vectors of words: the mean of their own row and of those of their n-grams.

        Args:
            ids: the words, distinct; None for all. Reserved ids are left out.
        """
        table = self.subwords
        if table is None:
            return
        every = np.arange(_FIRST, len(self.vectors)) if ids is None else np.asarray(ids)
        every = every[every >= _FIRST]
        own = table.carried["words"]
        for start in range(0, len(every), _ROWS_AT_ONCE):
            part = every[start : start + _ROWS_AT_ONCE]
            ngrams = [self.ngrams[number] for number in part - _FIRST]
            counts = np.array([len(rows) for rows in ngrams])
            rows = np.full((len(part), 1 + int(counts.max())), PAD, dtype=np.int64)
            rows[np.arange(rows.shape[1]) < counts[:, None]] = 1 + np.concatenate(ngrams)
            sums = sum_rows(table.weight.detach(), torch.from_numpy(rows))
            numbers = torch.from_numpy(part)
            means = (sums + own[numbers - _FIRST]) / torch.from_numpy(counts + 1)[:, None]
            self.vectors[numbers] = means.float()


def _view(tensor: Tensor) -> Any:
    """Return an array that shares the memory of a tensor on the CPU."""
    return tensor.detach().numpy()


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave out gensim's warnings, which are of trainings that it plans itself."""
    logger = logging.getLogger(_LOGGER)
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
