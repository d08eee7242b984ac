"""Names and shapes of the weights of BERT: those of Hugging Face, and those of `bert`.

One table serves both directions. Queries, keys and values are one matrix in `bert` and three
in BERT; rows of the vocabulary are in the order of the tokenizer's own ids there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from munjang.errors import FolderError
from munjang.models.bert import Bert
from munjang.text.columns import Int64s

_PREFIX = "bert."
_EMBEDDING = "embeddings.word_embeddings.weight"
_BIAS = "cls.predictions.bias"
_DECODER, _DECODER_BIAS = "cls.predictions.decoder.weight", "cls.predictions.decoder.bias"
# The head that tells whether one text follows another.
NEXT_SENTENCE = "cls.seq_relationship."
POOLER = "pooler.dense."

_ENCODER = {
    "positions": "embeddings.position_embeddings",
    "embedding_norm": "embeddings.LayerNorm",
}
_LAYER = {
    "attention.out_proj": "attention.output.dense",
    "attention_norm": "attention.output.LayerNorm",
    "up": "intermediate.dense",
    "down": "output.dense",
    "feed_forward_norm": "output.LayerNorm",
}
_PARTS = tuple(f"attention.self.{name}" for name in ("query", "key", "value"))
_TOKENS = {
    "transform": "cls.predictions.transform.dense",
    "norm": "cls.predictions.transform.LayerNorm",
}
_KINDS = ("weight", "bias")


@dataclass(frozen=True)
class Row:
    """One parameter of ours.

    Attributes:
        ours: its name in our network.
        theirs: its name, or the names of its parts, which are joined along the first dimension.
        by_token: whether it has one row per token of the vocabulary.
        is_reversed: whether its rows are in reverse order there.
    """

    ours: str
    theirs: tuple[str, ...]
    by_token: bool = False
    is_reversed: bool = False


def name_table(network: nn.Module) -> list[Row]:
    """Return how the parameters of a network with a `Bert` are named by transformers.

    Parameters of heads that transformers does not have are not in it.
    """
    where, encoder = _find_bert(network)
    rows = [
        Row("embedding.weight", (_EMBEDDING,), by_token=True),
        Row("segments.weight", ("embeddings.token_type_embeddings.weight",)),
    ]
    rows += _rows(_ENCODER)
    for number in range(len(encoder.blocks)):
        ours, theirs = f"blocks.{number}.", f"encoder.layer.{number}."
        rows += [
            Row(f"{ours}attention.in_proj.{kind}", tuple(f"{theirs}{p}.{kind}" for p in _PARTS))
            for kind in _KINDS
        ]
        rows += _rows({ours + name: theirs + other for name, other in _LAYER.items()})
    rows += _rows({"pooler": POOLER.removesuffix(".")})
    rows = [replace(row, ours=where + row.ours) for row in rows]
    rows += _rows(_TOKENS)
    rows.append(Row("bias", (_BIAS,), by_token=True))
    # the same pooler: that of the pooled vector is not trained where pairs are judged
    rows += _rows({"pair_pooler": POOLER.removesuffix("."), "head": "classifier"})
    # their class 0 is that the second text follows the first, which is our class 1
    pairs = _rows({"pair_output": NEXT_SENTENCE.removesuffix(".")})
    rows += [replace(row, is_reversed=True) for row in pairs]
    known = network.state_dict()
    return [row for row in rows if row.ours in known]


def _rows(names: Mapping[str, str]) -> list[Row]:
    return [Row(f"{a}.{kind}", (f"{b}.{kind}",)) for a, b in names.items() for kind in _KINDS]


def _find_bert(network: nn.Module) -> tuple[str, Bert]:
    """Return the prefix of the names of the `Bert` in a network, and the `Bert`."""
    for name, module in network.named_modules():
        if isinstance(module, Bert):
            return f"{name}." if name else "", module
    raise AssertionError("the network has no bert")


def plain_names(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return weights without what differs between versions of transformers.

    The prefix `bert.` is removed, LayerNorm.gamma and .beta become .weight and .bias, and buffers
    that hold the places 0, 1, 2, ... or zeros are left out, as they are computed.

    Raises:
        FolderError: two tensors have one name then.
    """
    plain: dict[str, Tensor] = {}
    for name, tensor in weights.items():
        short = name.removeprefix(_PREFIX)
        if ".LayerNorm." in f".{short}":
            short = short.replace("LayerNorm.gamma", "LayerNorm.weight")
            short = short.replace("LayerNorm.beta", "LayerNorm.bias")
        if _is_computed(short, tensor):
            continue
        if short in plain:
            raise FolderError(f"{name[:100]!r} is in the weights twice, with and without prefix")
        plain[short] = tensor
    return plain


def _is_computed(name: str, tensor: Tensor) -> bool:
    if name == "embeddings.position_ids":
        return torch.equal(tensor.flatten().long(), torch.arange(tensor.numel()))
    return name == "embeddings.token_type_ids" and not tensor.any()


def tie_decoder(weights: Mapping[str, Tensor], *, tied: bool) -> dict[str, Tensor]:
    """Return weights without the output layer over tokens, which is the token embedding.

    Args:
        weights: the weights under plain names.
        tied: whether `config.json` says that both are one.

    Raises:
        FolderError: the output layer is another one than the embedding.
    """
    rest = dict(weights)
    decoder, bias = rest.pop(_DECODER, None), rest.pop(_DECODER_BIAS, None)
    if bias is not None and not torch.equal(rest.setdefault(_BIAS, bias), bias):
        raise FolderError(f"{_DECODER_BIAS} differs from {_BIAS}; transformers has one of them")
    untied = decoder is not None and not (
        _EMBEDDING in rest and torch.equal(decoder, rest[_EMBEDDING])
    )
    if untied or (decoder is None and not tied and _BIAS in rest):
        raise FolderError(
            "the output layer over tokens (cls.predictions.decoder) is not the token embedding, "
            "and the task masked_lm ties both; import the encoder alone: save it with "
            "model.bert.save_pretrained(FOLDER)"
        )
    return rest


def to_ours(
    weights: Mapping[str, Tensor], table: list[Row], token_ids: Int64s
) -> tuple[dict[str, Tensor], int]:
    """Rename weights, join parts, and bring rows of the vocabulary into our order.

    Args:
        weights: the weights under plain names.
        table: of `name_table`.
        token_ids: the tokenizer's own id of each of ours.

    Returns:
        Weights by our names, those that the table does not have under their own names; and the
        number of rows of the embedding that belong to no token.

    Raises:
        FolderError: the tokenizer has more tokens than the embedding has rows.
    """
    ours: dict[str, Tensor] = {}
    found: set[str] = set()
    unused = 0
    ids = torch.from_numpy(token_ids)
    for row in table:
        parts = [weights[name] for name in row.theirs if name in weights]
        if len(parts) < len(row.theirs) or len({part.shape for part in parts}) > 1:
            continue  # missing, or of another shape: the rest says which
        tensor = torch.cat(parts) if len(parts) > 1 else parts[0]
        if row.by_token:
            _check_rows(row.theirs[0], tensor, ids)
            unused = max(unused, len(tensor) - len(ids))
            tensor = tensor[ids]
        if row.is_reversed and tensor.ndim:
            tensor = tensor.flip(0)
        tensor = tensor.contiguous()
        # the pooler is in two places, each of which is trained by itself
        ours[row.ours] = tensor if found.isdisjoint(row.theirs) else tensor.clone()
        found.update(row.theirs)
    rest = {name: tensor for name, tensor in weights.items() if name not in found}
    return {**ours, **rest}, unused


def _check_rows(name: str, tensor: Tensor, ids: Tensor) -> None:
    most = int(ids.max()) + 1
    if tensor.ndim == 0 or len(tensor) < most:
        raise FolderError(
            f"{name} has {len(tensor) if tensor.ndim else 0:,} rows, and the tokenizer has ids up "
            f"to {most - 1:,}; take both from one checkpoint"
        )


def to_theirs(network: nn.Module, token_ids: Int64s, prefix: str) -> dict[str, Tensor]:
    """Return the weights of a network by transformers' names, as `to_ours` reads them.

    Ids that no token has get rows of zeros.

    Args:
        network: the network.
        token_ids: the tokenizer's own id of each of ours.
        prefix: put before the names of the encoder: "bert.", or "".
    """
    state = network.state_dict()
    ids, size = torch.from_numpy(token_ids), int(np.max(token_ids)) + 1
    theirs: dict[str, Tensor] = {}
    for row in name_table(network):
        tensor = state[row.ours].float()
        if row.by_token:
            rows = tensor.new_zeros(size, *tensor.shape[1:])
            rows[ids] = tensor[: len(ids)]
            tensor = rows
        if row.is_reversed:
            tensor = tensor.flip(0)
        for name, part in zip(row.theirs, tensor.chunk(len(row.theirs)), strict=True):
            is_head = name.startswith(("cls.", "classifier."))
            theirs[name if is_head else prefix + name] = part.clone().contiguous()
    return theirs


def read_tensor(array: Any, kind: str) -> Tensor:
    """Return an array of a file as a tensor; floating-point numbers become float32."""
    tensor = torch.from_numpy(array)
    if kind == "BF16":
        tensor = tensor.view(torch.bfloat16)
    return tensor.float() if tensor.is_floating_point() else tensor


# Types of NumPy to read tensors of a file into.
ALLOCATED: Mapping[str, Any] = {
    "F32": np.float32,
    "F64": np.float64,
    "F16": np.float16,
    "BF16": np.int16,
    "I32": np.int32,
    "I64": np.int64,
    "U8": np.uint8,
    "BOOL": np.bool_,
}
