"""`config.json` of Hugging Face to the settings of `bert`, and back.

Whatever changes the numbers of a network is translated or refused. Attention dropout is the
exception: `bert` has none, and it plays no part in the outputs of a trained network.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from munjang.config import shown
from munjang.errors import ConfigError
from munjang.layers.activations import Activation
from munjang.models.bert import BertConfig

CONFIG = "config.json"
MODEL_TYPE = "bert"

# What a checkpoint predicts with: nothing, tokens, or numbers of a row.
Head = Literal["none", "tokens", "rows"]
ARCHITECTURES: Mapping[str, Head] = {
    "BertModel": "none",
    "BertForMaskedLM": "tokens",
    "BertForPreTraining": "tokens",
    "BertForSequenceClassification": "rows",
}

# Our setting to their key and its default.
_KEYS: Mapping[str, tuple[str, Any]] = {
    "dim": ("hidden_size", 768),
    "layers": ("num_hidden_layers", 12),
    "heads": ("num_attention_heads", 12),
    "feed_forward_dim": ("intermediate_size", 3072),
    "max_positions": ("max_position_embeddings", 512),
    "segments": ("type_vocab_size", 2),
    "norm_eps": ("layer_norm_eps", 1e-12),
    "dropout": ("hidden_dropout_prob", 0.1),
}
# Their activation to ours. Those that are missing here have no equal of ours.
_ACTIVATIONS: Mapping[str, Activation] = {
    "gelu": "gelu",
    "gelu_python": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "gelu_accurate": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "gelu_python_tanh": "gelu_tanh",
    "relu": "relu",
    "silu": "silu",
    "swish": "silu",
    "mish": "mish",
    "tanh": "tanh",
    "sigmoid": "sigmoid",
    "linear": "linear",
}
_EXPORTED_ACTIVATIONS: Mapping[str, str] = {
    "gelu": "gelu",
    "gelu_tanh": "gelu_new",
    "relu": "relu",
    "silu": "silu",
    "swish": "silu",
    "mish": "mish",
    "tanh": "tanh",
    "sigmoid": "sigmoid",
    "linear": "linear",
}
# Their keys of other networks than ours, and the values under which they change nothing.
_HARMLESS: Mapping[str, tuple[Any, ...]] = {
    "position_embedding_type": ("absolute", None),
    "is_decoder": (False, None),
    "is_encoder_decoder": (False, None),
    "add_cross_attention": (False, None),
    "pruned_heads": ({}, None),
    "quantization_config": (None,),
    "embedding_size": (None,),
}


@dataclass(frozen=True)
class Checkpoint:
    """Settings of a checkpoint in its `config.json`.

    Attributes:
        architecture: name of its class; None if it is not named.
        settings: settings of `bert`, without pooling.
        tied: whether predictions of tokens use the token embedding.
        labels: names of the outputs of a row by number; None if they are not named.
        problem: `problem_type`; None if it is not named.
        name: `_name_or_path`, for people; "" if it is not named.
    """

    architecture: str | None
    settings: dict[str, Any]
    tied: bool
    labels: dict[int, str] | None
    problem: str | None
    name: str


def read_config(values: Mapping[str, Any]) -> Checkpoint:
    """Read the values of a `config.json`.

    Raises:
        ConfigError: another model, or a value that `bert` does not have; the key is named.
    """
    architecture = _architecture(values)
    for key, harmless in _HARMLESS.items():
        if key in values and values[key] not in harmless:
            raise ConfigError(
                f"{key}: expected {shown(harmless[0])}, as the model bert has nothing else; got "
                f"{shown(values[key])}"
            )
    settings: dict[str, Any] = {"name": "bert"}
    for ours, (theirs, default) in _KEYS.items():
        settings[ours] = _number(theirs, values.get(theirs, default))
    settings["activation"] = _activation(values.get("hidden_act", "gelu"))
    settings["embedding_dropout"] = settings["dropout"]
    name = values.get("_name_or_path")
    problem = values.get("problem_type")
    return Checkpoint(
        architecture=architecture,
        settings=BertConfig.parse(settings, where="model").model_dump(exclude={"pooling"}),
        tied=values.get("tie_word_embeddings", True) is not False,
        labels=_labels(values.get("id2label")),
        problem=problem if isinstance(problem, str) else None,
        name=name if isinstance(name, str) else "",
    )


def write_config(config: BertConfig, *, architecture: str, vocabulary: int) -> dict[str, Any]:
    """Return the values of `config.json` for a network.

    Args:
        config: settings of the network.
        architecture: name of the class.
        vocabulary: number of rows of the token embedding.

    Raises:
        ConfigError: a setting that the class does not have; it is named.
    """
    activation = _EXPORTED_ACTIVATIONS.get(config.activation)
    if activation is None:
        raise ConfigError(
            f"model.activation: transformers' BertModel has no {config.activation}; train with one "
            f"of {', '.join(_EXPORTED_ACTIVATIONS)}"
        )
    for key, alone in (("ngrams", 1), ("subword_ngrams", 0), ("bag_dim", 0), ("linear_weight", 0)):
        if getattr(config, key) != alone:
            what = "linear model" if key == "linear_weight" else "n-grams"
            raise ConfigError(
                f"model.{key}: transformers' BertModel has no {what}; train with "
                f"--set model.{key}={alone}"
            )
    if config.ensemble_size != 1:
        raise ConfigError(
            "model.ensemble_size: a class of transformers holds one network; train with "
            "--set model.ensemble_size=1"
        )
    values = {theirs: getattr(config, ours) for ours, (theirs, _) in _KEYS.items()}
    return {
        "architectures": [architecture],
        "model_type": MODEL_TYPE,
        "vocab_size": vocabulary,
        **values,
        "intermediate_size": config.feed_forward_dim or 4 * config.dim,
        "hidden_act": activation,
        "attention_probs_dropout_prob": 0.0,
        "position_embedding_type": "absolute",
        "tie_word_embeddings": True,
        "dtype": "float32",
    }


def _architecture(values: Mapping[str, Any]) -> str | None:
    """Return the name of the class, if it is one of ours."""
    supported = f"import hf reads BERT: {', '.join(ARCHITECTURES)}"
    kind, names = values.get("model_type"), values.get("architectures")
    if kind not in (MODEL_TYPE, None):
        raise ConfigError(f"model_type: {supported}; got {shown(kind)}")
    if names is None and kind is not None:
        return None
    name = names[0] if isinstance(names, list) and names else None
    if not isinstance(name, str) or name not in ARCHITECTURES:
        raise ConfigError(f"architectures: {supported}; got {shown(name)}")
    return name


def _number(key: str, value: Any) -> Any:
    if type(value) not in (int, float):
        raise ConfigError(f"{key}: expected a number, got {shown(value)}")
    return value


def _activation(name: Any) -> Activation:
    if not isinstance(name, str) or name not in _ACTIVATIONS:
        raise ConfigError(
            f"hidden_act: expected one of {', '.join(_ACTIVATIONS)}, got {shown(name)}"
        )
    return _ACTIVATIONS[name]


def _labels(names: Any) -> dict[int, str] | None:
    """Return `id2label`, whose keys are numbers as text."""
    if names is None:
        return None
    try:
        labels = {int(key): str(name) for key, name in names.items()}
    except (AttributeError, TypeError, ValueError):
        raise ConfigError(
            f"id2label: expected names by number, as in {{'0': 'no'}}, got {shown(names)}"
        ) from None
    if sorted(labels) != list(range(len(labels))):
        raise ConfigError(f"id2label: expected the numbers from 0 on, got {shown(sorted(labels))}")
    return labels
