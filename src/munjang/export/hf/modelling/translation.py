"""Texts from texts."""

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import GenerationMixin, LogitsProcessor, LogitsProcessorList
from transformers.modeling_outputs import Seq2SeqLMOutput
from transformers.utils import ModelOutput

from munjang.export.hf.modelling.base import EOS, GO, PAD, MunjangPreTrainedModel, read_batch
from munjang.export.hf.modelling.encoder_decoder import EncoderDecoder


@dataclass
class Source(ModelOutput):
    """The source texts of a batch, as the decoder reads them.

    Attributes:
        last_hidden_state: one state per token, the real ones first, [batch, time, dim].
        mask: [batch, time], True = real token.
        initial: first state of a recurrent decoder, [batch, parts, layers, hidden].
    """

    last_hidden_state: Tensor | None = None
    mask: Tensor | None = None
    initial: Tensor | None = None


class Tables(nn.Module):
    """Source and target vectors, and the output layer; some of the three may be one table."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        size, dim = config.vocab_size, config.dim
        self.target = nn.Embedding(size, dim, padding_idx=PAD)
        self.source = None
        if not config.share_embeddings:
            self.source = nn.Embedding(config.source_size, dim, padding_idx=PAD)
        self.output = None
        if not config.tie_embeddings:
            self.output = nn.Linear(config.out_dim, size, bias=False)
        self.bias = nn.Parameter(torch.zeros(size))

    def embed_source(self, ids: Tensor) -> Tensor:
        """Return vectors [batch, time, dim]."""
        return self.embed_target(ids) if self.source is None else self.source(ids)

    def embed_target(self, ids: Tensor) -> Tensor:
        """Return vectors [batch, time, dim], zeros at padding."""
        return self.target(ids) * (ids != PAD)[..., None]

    def project(self, states: Tensor) -> Tensor:
        """Return logits [batch, time, vocabulary]."""
        table = self.target if self.output is None else self.output
        return F.linear(states, table.weight, self.bias)


class LengthLimit(LogitsProcessor):
    """Ends each answer after a number of tokens that depends on its source."""

    def __init__(self, limits: Tensor) -> None:
        self.limits = limits

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Return scores [rows, vocabulary] that allow nothing but EOS at the limit."""
        limits = self.limits.repeat_interleave(len(input_ids) // len(self.limits))
        is_over = limits < input_ids.shape[1]  # GO is counted there
        scores = scores.masked_fill(is_over[:, None], -torch.inf)
        scores[is_over, EOS] = 0.0
        return scores


class MunjangForSeq2SeqLM(MunjangPreTrainedModel, GenerationMixin):
    """Logits of the token after each decoder input; `generate` reads these again at each step."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.tables = Tables(config)
        self.network = EncoderDecoder(config)
        self.post_init()

    def encode(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> Source:
        """Read source texts, ids [batch, time]."""
        tokens, _ = read_batch(input_ids, attention_mask)
        vectors = self.tables.embed_source(tokens.ids) * self.config.dim**0.5
        return Source(**self.network.encode(vectors, tokens), mask=tokens.mask)

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        decoder_input_ids: Tensor | None = None,
        labels: Tensor | None = None,
        encoder_outputs: Source | None = None,
        **options: Any,
    ) -> Source | Seq2SeqLMOutput:
        """Return logits [batch, time, vocabulary] and, with `labels`, the loss.

        Without decoder inputs and labels the source is returned, which `generate` reads first.

        Args:
            input_ids: source texts, [batch, time].
            attention_mask: [batch, time], 1 = real token.
            decoder_input_ids: GO and the target without its EOS; made of `labels` if None.
            labels: the target with its EOS, -100 at padding, [batch, time].
            encoder_outputs: the source as it was read before.
            options: not used.
        """
        if encoder_outputs is None:
            assert input_ids is not None
            encoder_outputs = self.encode(input_ids, attention_mask)
        if decoder_input_ids is None and labels is None:
            return encoder_outputs
        if decoder_input_ids is None:
            assert labels is not None
            before = F.pad(labels[:, :-1], (1, 0), value=GO)
            decoder_input_ids = before.masked_fill(before < 0, PAD)
        vectors = self.tables.embed_target(decoder_input_ids) * self.config.dim**0.5
        logits = self.tables.project(self.network.decode(vectors, encoder_outputs))
        loss = None
        if labels is not None:
            loss = F.cross_entropy(logits.flatten(0, 1), labels.flatten())
        return Seq2SeqLMOutput(loss=loss, logits=logits)

    def prepare_inputs_for_generation(
        self, input_ids: Tensor, encoder_outputs: Source | None = None, **kwargs: Any
    ) -> dict[str, Any]:
        """Return the inputs of the next step of `generate`: all tokens so far."""
        return {"decoder_input_ids": input_ids, "encoder_outputs": encoder_outputs}

    def generate(self, inputs: Tensor | None = None, **options: Any) -> Any:
        """Generate as transformers does; no answer is longer than its source allows.

        Args:
            inputs: source texts, [batch, time]; also as `input_ids`.
            options: of `GenerationMixin.generate`.
        """
        ids = options.get("input_ids", inputs)
        if ids is not None:
            tokens, _ = read_batch(ids, options.get("attention_mask"))
            lengths = tokens.lengths
            limits = (lengths * self.config.answer_ratio).long() + self.config.answer_extra
            own = LengthLimit(torch.where(lengths > 0, limits, 0))
            given = options.pop("logits_processor", None) or []
            options["logits_processor"] = LogitsProcessorList([own, *given])
        return super().generate(inputs, **options)
