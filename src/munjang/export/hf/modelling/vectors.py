"""States and one vector per text."""

from typing import Any

import torch.nn.functional as F
from torch import Tensor
from transformers.modeling_outputs import BaseModelOutputWithPooling

from munjang.export.hf.modelling.base import MunjangPreTrainedModel, put_back, read_batch
from munjang.export.hf.modelling.encoder import Encoder
from munjang.export.hf.modelling.pooling import POOLINGS


class MunjangModel(MunjangPreTrainedModel):
    """The encoder: `last_hidden_state`, and the vector of each text as `pooler_output`."""

    # what a folder with a head has besides
    _keys_to_ignore_on_load_unexpected = [r"^(network\.)?(head|transform|norm|bias)\b"]

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.encoder = Encoder(config)
        self.post_init()

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        letters: Tensor | None = None,
        **options: Any,
    ) -> BaseModelOutputWithPooling:
        """Return one state per token, zeros at padding, and one vector per text.

        Args:
            input_ids: [batch, time].
            attention_mask: [batch, time], 1 = real token.
            letters: of words out of the vocabulary, as the tokenizer returns them.
            options: not used.
        """
        tokens, places = read_batch(input_ids, attention_mask, letters)
        states, pooled = self.encoder(tokens)
        states = states * tokens.mask[..., None]
        if self.config.vector_pooling != "pooled":
            pooled = POOLINGS[self.config.vector_pooling](states, tokens.mask)
        if self.config.unit_vectors:
            pooled = F.normalize(pooled, dim=1)
        return BaseModelOutputWithPooling(
            last_hidden_state=put_back(states, places), pooler_output=pooled
        )
