"""Classes, labels and numbers of texts."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from munjang.runners.onnx.model import MODELS, Array, Model

_LOWEST = -700.0  # of smaller ones the exponential overflows


class LogitsModel(Model):
    """A model with a vector of logits per row."""

    def outputs(self, texts: Any) -> tuple[Array, list[bool]]:
        """Return the logits [rows, outputs] of texts or pairs, and which were cut [rows]."""
        rows = [self.reader.row(value) for value in self.reader.collect(texts)]
        return self.run_rows("logits", rows), [is_cut for _, is_cut in rows]


class Classifier(LogitsModel):
    """One label per row."""

    def answers(self, values: list[Any], **options: Any) -> Iterator[dict[str, Any]]:
        """Yield the label, its probability and those of all labels."""
        outputs, truncated = self.outputs(values)
        logits, labels = outputs.astype(np.float64), self.card["labels"]
        probabilities, decision = _softmax(logits / self.card["temperature"]), self.card["decision"]
        best = _softmax(logits).argmax(1)
        if decision is not None:
            positive = labels.index(decision["positive"])
            is_reached = probabilities[:, positive] >= decision["threshold"]
            best = np.where(is_reached, positive, 1 - positive)
        for number, row, is_cut in zip(
            best.tolist(), probabilities.tolist(), truncated, strict=True
        ):
            yield {
                "label": labels[number],
                "probability": row[number],
                "probabilities": dict(zip(labels, row, strict=True)),
                "truncated": is_cut,
            }


def _sigmoid(logits: Array) -> Array:
    probabilities: Array = 1 / (1 + np.exp(-np.maximum(logits, _LOWEST)))
    return probabilities


def _softmax(logits: Array) -> Array:
    if logits.shape[1] == 1:
        odds = np.exp(-np.maximum(logits, _LOWEST))
        return np.concatenate([odds / (1 + odds), 1 / (1 + odds)], axis=1)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Array = powers / powers.sum(axis=1, keepdims=True)
    return shares


class MultilabelModel(LogitsModel):
    """Any number of labels per row."""

    def answers(self, values: list[Any], **options: Any) -> Iterator[dict[str, Any]]:
        """Yield the labels that reach their thresholds, and the probabilities of all."""
        outputs, truncated = self.outputs(values)
        labels, thresholds = self.card["labels"], self.card["thresholds"]
        probabilities = _sigmoid(outputs.astype(np.float64))
        for row, is_cut in zip(probabilities.tolist(), truncated, strict=True):
            yield {
                "labels": [n for n, p, t in zip(labels, row, thresholds, strict=True) if p >= t],
                "probabilities": dict(zip(labels, row, strict=True)),
                "truncated": is_cut,
            }


class Regressor(LogitsModel):
    """One number per row."""

    def answers(self, values: list[Any], **options: Any) -> Iterator[dict[str, Any]]:
        """Yield the number, in the unit of the training data."""
        outputs, truncated = self.outputs(values)
        numbers = outputs[:, 0].astype(np.float64)
        numbers = np.exp(numbers) if self.card["loss"] == "poisson" else numbers
        scaled = numbers * self.card["scale"] + self.card["mean"]
        for number, is_cut in zip(scaled.tolist(), truncated, strict=True):
            yield {"value": number, "truncated": is_cut}


MODELS["classify"] = Classifier
MODELS["multilabel"] = MultilabelModel
MODELS["regress"] = Regressor
