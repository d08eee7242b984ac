"""Skip-gram: word vectors that predict each of the neighboring words.

Paper: Mikolov, Sutskever, Chen, Corrado and Dean (2013), "Distributed representations of words and
phrases and their compositionality"; with character n-grams Bojanowski, Grave, Joulin and Mikolov
(2017), "Enriching word vectors with subword information". Use it for vectors of words, of rare ones
above all. Use `cbow` instead if there is much text and time counts.
"""

from typing import ClassVar, Literal

from torch import Tensor

from munjang.layers.negative_sampling import Windows, skipgram_loss
from munjang.models.word_vectors import WordVectorEncoder, WordVectorsConfig


class SkipGramConfig(WordVectorsConfig):
    """Settings of `skipgram`."""

    name: Literal["skipgram"] = "skipgram"


class SkipGram(WordVectorEncoder):
    """Each token predicts the tokens in its window."""

    predicts_neighbors: ClassVar[bool] = True

    def sampled_loss(
        self, inputs: Tensor, outputs: Tensor, noise: Tensor, windows: Windows, negatives: float
    ) -> Tensor:
        """Return the sum of the losses over all pairs of a token and a neighbor, a scalar."""
        return skipgram_loss(inputs, outputs, noise, windows, negatives)

    def count_predictions(self, windows: Windows) -> Tensor:
        """Return the number of windows that each token is in, [tokens]."""
        return windows.count_windows()
