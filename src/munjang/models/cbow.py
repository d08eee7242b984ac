"""Continuous bag of words (CBOW): word vectors whose mean predicts the word in their middle.

Paper: Mikolov, Chen, Corrado and Dean (2013), "Efficient estimation of word representations in
vector space"; with negative sampling as in `skipgram`. Use it if there is much text and time
counts: a window is one prediction. Use `skipgram` instead for rare words and little text.
"""

from typing import ClassVar, Literal

from torch import Tensor

from munjang.layers.negative_sampling import Windows, cbow_loss
from munjang.models.word_vectors import WordVectorEncoder, WordVectorsConfig


class CbowConfig(WordVectorsConfig):
    """Settings of `cbow`."""

    name: Literal["cbow"] = "cbow"


class Cbow(WordVectorEncoder):
    """The mean of the tokens in a window predicts the token in its middle."""

    predicts_neighbors: ClassVar[bool] = False

    def sampled_loss(
        self, inputs: Tensor, outputs: Tensor, noise: Tensor, windows: Windows, negatives: float
    ) -> Tensor:
        """Return the sum of the losses over all tokens with a neighbor, a scalar."""
        return cbow_loss(inputs, outputs, noise, windows, negatives)

    def count_predictions(self, windows: Windows) -> Tensor:
        """Return 1 for each token with a neighbor, else 0, [tokens]."""
        return windows.count().clamp(max=1)
