"""Steps of the language model `transformer` that continue a single text.

As those of `munjang.models.language.transformer.TransformerLanguage`, from the id of a token to the
logits of the next one, with the memory of `munjang.layers.fast.causal_row` and integers of Python.
"""

from dataclasses import dataclass, field

from torch import Tensor, nn

from munjang.layers.fast.causal_row import CausalRow, Floats
from munjang.layers.fast.causal_row_weights import Affine, after_norm
from munjang.layers.fast.derived import DerivedWeights
from munjang.layers.fast.key_value_buffer import BufferedLayers, KeyValueBuffer
from munjang.layers.key_value_cache import KeyValueCache
from munjang.layers.ngram_rows import NgramRows
from munjang.models.language.model import LanguageModel
from munjang.text.vocabulary import OOV

# Largest vocabulary of which the output layer is laid out again.
_MOST_OUTPUTS = 4096


@dataclass
class LoneText:
    """A text whose keys and values are in a buffer of its own.

    Attributes:
        buffer: with the keys and values of the present window.
        table: vectors of tokens and n-grams, [rows, dim].
        ngrams: rows of a token in the table.
        vocabulary_size: first id that is read as OOV.
        head: last norm and output layer, see `CausalRow.project`.
        eps: number added to the variance by the last norm.
        previous: the last tokens that were read, the latest one first, as many as n-grams need.
        ids: the tokens that were read by steps.
    """

    buffer: KeyValueBuffer
    table: Floats
    ngrams: NgramRows
    vocabulary_size: int
    head: Affine
    eps: float
    previous: list[int]
    ids: list[int] = field(default_factory=list)

    @property
    def row(self) -> CausalRow:
        """Memory of the buffer's steps."""
        assert self.buffer.row is not None
        return self.buffer.row

    def continues(self, cache: KeyValueCache) -> bool:
        """Return whether the next token of a cache may be written into the buffer."""
        layers = cache.layers
        return (
            isinstance(layers, BufferedLayers) and layers.buffer is self.buffer and layers.has_room
        )

    def step(self, token: int) -> Tensor:
        """Read a token, and return the logits of the next one, [1, vocabulary]."""
        self.ids.append(token)
        known = [token if token < self.vocabulary_size else OOV, *self.previous]
        self.previous = known[:-1]
        table, row = self.table, self.row
        row.begin([table[number] for number in self.ngrams.of_first_one(known)])
        place = self.buffer.filled
        self.buffer.filled += 1
        row.advance(place)
        return row.project(self.head, self.eps)


def open_text(
    model: LanguageModel, buffer: KeyValueBuffer, head: Affine, eps: float, recent: Tensor
) -> LoneText:
    """Return a text that a buffer with a `CausalRow` holds.

    Args:
        model: in evaluation mode, in float32 on the CPU.
        buffer: of the text.
        head: last norm and output layer.
        eps: number added to the variance by the last norm.
        recent: the last tokens that were read, [1, 1, tokens].
    """
    embedding, tokens = model.embedding, recent.flatten().tolist()
    return LoneText(
        buffer=buffer,
        table=embedding.weight.detach().numpy(),
        ngrams=embedding.rows,
        vocabulary_size=model.vocabulary_size,
        head=head,
        eps=eps,
        previous=[_known(token, model) for token in tokens[: -model.before - 1 : -1]],
    )


def output_head(
    model: LanguageModel, norm: nn.LayerNorm, laid_out: DerivedWeights[Affine]
) -> Affine | None:
    """Return the last norm and the output layer in one; None if it is large or no plain matrix."""
    if model.vocabulary_size > _MOST_OUTPUTS or model.adapter is not None:
        return None
    weight: Tensor = model.embedding.weight
    bias: Tensor | None = model.bias
    if model.output is not None:
        if type(model.output) is not nn.Linear:
            return None
        weight, bias = model.output.weight, model.output.bias
    assert bias is not None

    def lay_out(weight: Tensor, bias: Tensor, *_: Tensor) -> Affine:
        rows = weight[: model.vocabulary_size].double()
        return after_norm(norm, rows.t(), bias.double())

    return laid_out.get((weight, bias, *norm.parameters()), lay_out)


def _known(token: int, model: LanguageModel) -> int:
    return token if token < model.vocabulary_size else OOV
