"""The check of a checkpoint of a class of transformers, before it is written."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from munjang.export.hf.loading import loading_native
from munjang.export.hf.outputs import CLASSIFICATION, MASKS, Array, Loaded
from munjang.export.onnx.checking import Checked, check_outputs
from munjang.export.onnx.samples import sample_texts
from munjang.layers.masking import masked_mean
from munjang.model import Model
from munjang.text.plain.blank import is_blank

Values = Sequence[Any]
# Every third text: checkpoints may be large, and their class is known to be right.
_STEP = 3


@dataclass(frozen=True)
class _Comparison:
    """Texts, and the outputs that are compared on them.

    Attributes:
        values: texts: model -> values.
        expected: outputs of munjang's network [rows, ...].
        found: outputs of the checkpoint: (loaded, model, values) -> [rows, ...].
    """

    values: Callable[[Model], Values]
    expected: Callable[[Model, Values], Array]
    found: Callable[[Loaded, Model, Values], Array]


def check_native(model: Model, folder: Path, architecture: str) -> Checked:
    """Compare a checkpoint with the model that it was made of.

    Args:
        model: the model.
        folder: the checkpoint.
        architecture: its class.

    Raises:
        ConfigError: an output differs by more than rounding does.
    """
    compared = _COMPARED[architecture]
    values = compared.values(model)
    with loading_native(folder, architecture) as loaded:
        return check_outputs(
            lambda part: compared.found(loaded, model, part),
            values,
            compared.expected(model, values),
            what=f"export hf: {architecture}",
        )


@torch.no_grad()
def _found_masks(loaded: Loaded, model: Model, values: Values) -> Array:
    batch = loaded.tokenize(values)
    outputs = loaded.model(**batch)
    logits = outputs.logits if "logits" in outputs else outputs.prediction_logits
    order = torch.from_numpy(model.input.tokenizer.huggingface_ids)  # type: ignore[attr-defined]
    found: Array = logits[batch["input_ids"] == loaded.tokenizer.mask_token_id][:, order].numpy()
    return found


@torch.no_grad()
def _found_means(loaded: Loaded, model: Model, values: Values) -> Array:
    batch = loaded.tokenize(values)
    states = loaded.model(**batch).last_hidden_state
    return masked_mean(states, batch["attention_mask"].bool()).numpy()


def _is_plain(value: Any) -> bool:
    """Return whether transformers reads a text as munjang does, for which invisible ones are blank.

    Of two texts, whether it reads both so.
    """
    texts = [value] if isinstance(value, str) else value
    return not any(text.strip() and is_blank(text) for text in texts)


def _texts(model: Model) -> Values:
    return [text for text in sample_texts(model)[::_STEP] if _is_plain(text)]


def _rows(model: Model) -> Values:
    return [value for value in CLASSIFICATION.values(model)[::_STEP] if _is_plain(value)]


def _masked_texts(model: Model) -> Values:
    """Return texts with [MASK] in which no other special token is spelled: BERT reads them all."""
    texts = MASKS.values(model)[::_STEP]
    return [t for t in texts if "<" not in t and "[" not in t.replace("[MASK]", "")]


_MASKS = _Comparison(_masked_texts, MASKS.expected, _found_masks)
_COMPARED: Mapping[str, _Comparison] = {
    "BertForSequenceClassification": _Comparison(
        _rows,
        CLASSIFICATION.expected,
        lambda loaded, model, values: CLASSIFICATION.found(loaded, values),
    ),
    "BertForMaskedLM": _MASKS,
    "BertForPreTraining": _MASKS,
    "BertModel": _Comparison(
        _texts, lambda model, values: model.embed(list(values), pooling="mean"), _found_means
    ),
}
