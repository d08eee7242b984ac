"""Small checkpoints in the format of transformers, written without it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from munjang.export.hf.native import describe_native
from munjang.model import Model
from munjang.text.huggingface.files import bert_state

TOKENS = ["[PAD]", "[unused0]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "film", "##s", "good"]
TOKENS += ["bad", "!", ",", "영화", "##가", "ᄋ", "##ᅧ", "##ᆼ", "cafe", "##1"]
SPECIAL = {
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}
CONFIG: dict[str, Any] = {
    "model_type": "bert",
    "vocab_size": len(TOKENS),
    "hidden_size": 8,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 12,
    "max_position_embeddings": 16,
    "type_vocab_size": 2,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-12,
}


def make_weights(*, prefix: str = "bert.", seed: int = 0) -> dict[str, Tensor]:
    """Return random weights of a `BertForMaskedLM`, with names as transformers 5 writes them."""
    dim, hidden, vocabulary = 8, 12, len(TOKENS)
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (vocabulary, dim),
        "embeddings.position_embeddings.weight": (16, dim),
        "embeddings.token_type_embeddings.weight": (2, dim),
        "embeddings.LayerNorm.weight": (dim,),
        "embeddings.LayerNorm.bias": (dim,),
    }
    for number in range(2):
        layer = f"encoder.layer.{number}."
        for name in ("query", "key", "value"):
            shapes[f"{layer}attention.self.{name}.weight"] = (dim, dim)
            shapes[f"{layer}attention.self.{name}.bias"] = (dim,)
        for name, size in (
            ("attention.output.dense", (dim, dim)),
            ("attention.output.LayerNorm", (dim,)),
            ("intermediate.dense", (hidden, dim)),
            ("output.dense", (dim, hidden)),
            ("output.LayerNorm", (dim,)),
        ):
            shapes[f"{layer}{name}.weight"] = size
            shapes[f"{layer}{name}.bias"] = size[:1]
    heads = {
        "cls.predictions.bias": (vocabulary,),
        "cls.predictions.transform.dense.weight": (dim, dim),
        "cls.predictions.transform.dense.bias": (dim,),
        "cls.predictions.transform.LayerNorm.weight": (dim,),
        "cls.predictions.transform.LayerNorm.bias": (dim,),
    }
    shapes = {**{prefix + name: shape for name, shape in shapes.items()}, **heads}
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}


def write_checkpoint(
    folder: Path,
    weights: Mapping[str, Tensor] | None = None,
    *,
    architecture: str | None = "BertForMaskedLM",
    files: Mapping[str, str] | None = None,
    **config: Any,
) -> Path:
    """Write a checkpoint; `config` replaces keys of `config.json`, a None removes one."""
    folder.mkdir(parents=True, exist_ok=True)
    values = {**CONFIG, "architectures": [architecture] if architecture else None, **config}
    values = {key: value for key, value in values.items() if value is not None}
    (folder / "config.json").write_text(json.dumps(values), encoding="utf-8")
    ids = {token: number for number, token in enumerate(TOKENS)}
    state = bert_state(ids, SPECIAL, nfc=False)
    texts = {"tokenizer.json": json.dumps(state)} if files is None else files
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    tensors = make_weights() if weights is None else weights
    save_file(dict(tensors), folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def export_checkpoint(model: Model, folder: Path) -> Path:
    """Write a model as a checkpoint of a class of transformers."""
    describe_native(model).write(folder)
    return folder
