"""Outputs of a model in both libraries, to compare them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from munjang.export.onnx.samples import mask_words, sample_texts, sample_values
from munjang.model import Model
from munjang.text.columns import values_and_offsets
from munjang.text.masks import MASKED
from munjang.text.vocabulary import GO, OOV, PAD, RESERVED

Array = npt.NDArray[Any]
# Tokens of the made-up answers that an encoder-decoder reads.
_ANSWER = 6


@dataclass(frozen=True)
class Loaded:
    """An export, as transformers loads it.

    Attributes:
        model: the model.
        tokenizer: its tokenizer.
    """

    model: Any
    tokenizer: Any

    def tokenize(self, values: Sequence[Any]) -> Any:
        """Return the batch of some texts, or pairs of them, cut to what the model reads."""
        columns = [list(values)]
        if values and not isinstance(values[0], str):
            columns = [list(column) for column in zip(*values, strict=True)]
        return self.tokenizer(*columns, truncation=True, padding=True, return_tensors="pt")


@dataclass(frozen=True)
class Outputs:
    """Outputs that an export is checked on.

    Attributes:
        values: values: model -> texts, or pairs of them.
        ids: rows of ids as munjang reads values: (model, values) -> rows.
        expected: outputs of munjang's network [rows, ...].
        found: outputs of the export [rows, ...].
    """

    values: Callable[[Model], Sequence[Any]]
    ids: Callable[[Model, Sequence[Any]], list[list[int]]]
    expected: Callable[[Model, Sequence[Any]], Array]
    found: Callable[[Loaded, Sequence[Any]], Array]


def tokenized_rows(loaded: Loaded, values: Sequence[Any]) -> list[list[int]]:
    """Return the ids of each value as the tokenizer of the export reads them."""
    batch = loaded.tokenize(values)
    masks = batch["attention_mask"].bool()
    ids = batch["input_ids"].long()
    return [row[mask].tolist() for row, mask in zip(ids, masks, strict=True)]


def _rows(model: Model, values: Sequence[Any]) -> list[list[int]]:
    """Return the ids of texts; those of words out of the vocabulary are OOV."""
    return _real_ids(model, model.reader.encode_values(list(values)))


def _real_ids(model: Model, encoded: Any) -> list[list[int]]:
    rows: list[Any] = [None] * len(encoded)
    size = model.input.tokenizer.vocabulary.size  # type: ignore[attr-defined]
    for batch in encoded.dataset().in_order_of_length():
        ids = torch.where(batch.ids < size, batch.ids, OOV)
        ids = torch.where(ids == MASKED, _mask_id(model), ids)
        for row, number, count in zip(ids, batch.rows, batch.lengths, strict=True):
            rows[int(number)] = row[: int(count)].tolist()
    return rows


def _mask_id(model: Model) -> int:
    masking = getattr(model.task, "masking", None)
    return OOV if masking is None else int(masking.mask_id)


# Logits of texts --------------------------------------------------------------------------------


def _logits(model: Model, values: Sequence[Any]) -> Array:
    """Return the outputs that munjang makes its answers of, one per label."""
    task: Any = model.task
    logits = model.logits(list(values))
    settings = getattr(task, "settings", None)
    if hasattr(task, "mean"):
        is_exponent = settings is not None and settings.loss == "poisson"
        logits = (logits.exp() if is_exponent else logits) * task.scale + task.mean
        return np.asarray(logits)
    if logits.shape[1] < len(model.labels):
        logits = torch.cat([torch.zeros_like(logits), logits], dim=1)
    calibration = getattr(task, "calibration", None)
    return np.asarray(logits if calibration is None else logits / calibration.temperature)


@torch.no_grad()
def _found_logits(loaded: Loaded, values: Sequence[Any]) -> Array:
    found: Array = loaded.model(**loaded.tokenize(values)).logits.numpy()
    return found


CLASSIFICATION = Outputs(sample_values, _rows, _logits, _found_logits)


# Vectors of texts -------------------------------------------------------------------------------


def _vectors(model: Model, values: Sequence[Any]) -> Array:
    return np.asarray(model.embed(list(values), normalize=True))


@torch.no_grad()
def _found_vectors(loaded: Loaded, values: Sequence[Any]) -> Array:
    found: Array = loaded.model(**loaded.tokenize(values)).pooler_output.numpy()
    return found


def _text_rows(model: Model, values: Sequence[Any]) -> list[list[int]]:
    """Return the ids of texts, read one by one."""
    return _real_ids(model, model.encode_texts(list(values)))


VECTORS = Outputs(sample_texts, _text_rows, _vectors, _found_vectors)


# Masked tokens ----------------------------------------------------------------------------------


@torch.no_grad()
def _mask_logits(model: Model, values: Sequence[Any]) -> Array:
    """Return the logits of the masks of some texts, one after another, [masks, vocabulary].

    Where OOV stands for [MASK], unknown tokens count as masks.
    """
    mask_id, rows = _mask_id(model), []
    for value in values:
        (batch,) = model.reader.encode_values([value]).dataset().in_order_of_length()
        ids, mask = batch.inputs
        ids = ids.masked_fill(ids == MASKED, mask_id)
        places = (ids == mask_id).flatten().nonzero()[:, 0]
        rows.append(model.network(ids, mask, places).tokens.logits())
    return torch.cat(rows).numpy()


@torch.no_grad()
def _found_masks(loaded: Loaded, values: Sequence[Any]) -> Array:
    batch = loaded.tokenize(values)
    logits: Tensor = loaded.model(**batch).logits
    is_mask = batch["input_ids"] == loaded.tokenizer.mask_token_id
    found: Array = logits[is_mask].numpy()
    return found


def _masked_texts(model: Model) -> list[str]:
    return mask_words(sample_texts(model))


MASKS = Outputs(_masked_texts, _rows, _mask_logits, _found_masks)


# Next tokens ------------------------------------------------------------------------------------


def _prompt_rows(model: Model, values: Sequence[Any]) -> list[list[int]]:
    encoded: Any = model.input.encode_values(list(values))
    return [row.tolist() for row in encoded.rows]


@torch.no_grad()
def _next_logits(model: Model, values: Sequence[Any]) -> Array:
    network: Any = model.network
    rows = []
    for ids in _prompt_rows(model, values):
        projected, _ = network.read(network.begin(1), torch.tensor([ids]))
        rows.append(projected.logits()[-1])
    return torch.stack(rows).numpy()


@torch.no_grad()
def _found_next(loaded: Loaded, values: Sequence[Any]) -> Array:
    found: Array = loaded.model(**loaded.tokenize(values)).logits[:, -1].numpy()
    return found


NEXT_TOKENS = Outputs(sample_texts, _prompt_rows, _next_logits, _found_next)


# Texts from texts -------------------------------------------------------------------------------


def _source_rows(model: Model, values: Sequence[Any]) -> list[list[int]]:
    encoded: Any = model.input.encode_values(list(values))
    ids, offsets = values_and_offsets(encoded.pairs.source_ids)
    return [row.tolist() for row in np.split(ids, offsets[1:-1])]


def _sources(model: Model) -> list[str]:
    """Return sample texts of one token or more."""
    texts = sample_texts(model)
    rows = _source_rows(model, texts)
    return [text for text, row in zip(texts, rows, strict=True) if row]


def _answer(vocabulary: int) -> Tensor:
    """Return GO and some tokens, [1, time]."""
    first = len(RESERVED)
    made = (first + 7 * n % max(1, vocabulary - first) for n in range(_ANSWER - 1))
    return torch.tensor([[GO, *made]])


@torch.no_grad()
def _forced_logits(model: Model, values: Sequence[Any]) -> Array:
    """Return logits [rows, time, vocabulary] of made-up answers."""
    network: Any = model.network
    given = _answer(model.input.tokenizers.target.vocabulary.size)  # type: ignore[attr-defined]
    mask = torch.ones_like(given, dtype=torch.bool)
    rows = []
    for ids in _source_rows(model, values):
        source = torch.tensor([ids])
        rows.append(network(source, source != PAD, given, mask).logits())
    return torch.stack(rows).numpy()


@torch.no_grad()
def _found_forced(loaded: Loaded, values: Sequence[Any]) -> Array:
    batch = loaded.tokenize(values)
    given = _answer(loaded.model.config.vocab_size).expand(len(values), -1)
    found: Array = loaded.model(**batch, decoder_input_ids=given).logits.numpy()
    return found


ANSWERS = Outputs(_sources, _source_rows, _forced_logits, _found_forced)
