"""Classes, labels and numbers of texts."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers.modeling_outputs import SequenceClassifierOutput

from munjang.export.hf.modelling.base import MunjangPreTrainedModel, read_batch
from munjang.export.hf.modelling.head import NETWORKS


class MunjangForSequenceClassification(MunjangPreTrainedModel):
    """Logits of the labels of each text; of regression the number itself."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.network = NETWORKS[config.network](config)
        self.post_init()

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        letters: Tensor | None = None,
        labels: Tensor | None = None,
        **options: Any,
    ) -> SequenceClassifierOutput:
        """Return logits [batch, labels] and, with `labels`, the loss.

        Args:
            input_ids: [batch, time].
            attention_mask: [batch, time], 1 = real token.
            letters: of words out of the vocabulary, as the tokenizer returns them.
            labels: class numbers [batch], flags [batch, labels], or numbers [batch], as of
                `config.problem_type`.
            options: not used.
        """
        tokens, _ = read_batch(input_ids, attention_mask, letters)
        logits = self.network(tokens)
        if self.config.exponential:
            logits = logits.exp()
        if logits.shape[1] < self.config.num_labels:  # one logit of two classes: the second one's
            logits = torch.cat([torch.zeros_like(logits), logits], dim=1)
        logits = logits * self.config.output_scale + self.config.output_shift
        loss = None if labels is None else self.compute_loss(logits, labels)
        return SequenceClassifierOutput(loss=loss, logits=logits)

    def compute_loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the mean loss of `labels`, a scalar."""
        if self.config.problem_type == "regression":
            return F.mse_loss(logits[:, 0], labels.float().view(-1))
        if self.config.problem_type == "multi_label_classification":
            return F.binary_cross_entropy_with_logits(logits, labels.float())
        return F.cross_entropy(logits, labels.view(-1))
