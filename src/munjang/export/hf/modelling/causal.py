"""The next token of running text."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import GenerationMixin
from transformers.modeling_outputs import CausalLMOutput

from munjang.export.hf.modelling.base import MunjangPreTrainedModel, put_back, read_batch
from munjang.export.hf.modelling.decoder import Decoder
from munjang.export.hf.modelling.embedding import embed_ending_ngrams, make_embedding


class MunjangForCausalLM(MunjangPreTrainedModel, GenerationMixin):
    """Logits of the token after each token; `generate` reads the text again at each step."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.embedding = make_embedding(config.embedding)
        self.decoder = Decoder(config)
        # an output layer of its own, or one that shares the token vectors
        self.adapter = self.output = self.bias = None
        if not config.tie_embeddings:
            self.output = nn.Linear(config.states_dim, config.vocab_size)
        else:
            self.bias = nn.Parameter(torch.zeros(config.vocab_size))
            if config.states_dim != config.embedding["dim"]:
                self.adapter = nn.Linear(config.states_dim, config.embedding["dim"])
        self.post_init()

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        **options: Any,
    ) -> CausalLMOutput:
        """Return logits [batch, time, vocabulary] and, with `labels`, the loss.

        Args:
            input_ids: [batch, time].
            attention_mask: [batch, time], 1 = real token.
            labels: the tokens themselves, [batch, time]; those of -100 are not predicted.
            options: not used.
        """
        tokens, places = read_batch(input_ids, attention_mask)
        states = self.decoder(embed_ending_ngrams(self.embedding, tokens))
        logits = put_back(self.project(states), places)
        loss = None
        if labels is not None:
            loss = F.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten())
        return CausalLMOutput(loss=loss, logits=logits)

    def project(self, states: Tensor) -> Tensor:
        """Return logits [batch, time, vocabulary] of states [batch, time, states dim]."""
        if self.output is not None:
            return self.output(states)
        if self.adapter is not None:
            states = self.adapter(states)
        return F.linear(states, self.embedding.table.weight[: self.config.vocab_size], self.bias)

    def prepare_inputs_for_generation(
        self, input_ids: Tensor, attention_mask: Tensor | None = None, **kwargs: Any
    ) -> dict[str, Any]:
        """Return the inputs of the next step of `generate`: all tokens so far."""
        return {"input_ids": input_ids, "attention_mask": attention_mask}
