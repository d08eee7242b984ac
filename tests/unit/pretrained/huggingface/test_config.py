"""`config.json`: every key that changes the numbers is translated or refused."""

from pathlib import Path
from typing import Any

import pytest

from munjang.errors import ConfigError, FolderError
from munjang.models.bert import BertConfig
from munjang.pretrained.huggingface import import_checkpoint
from munjang.pretrained.huggingface.config import read_config, write_config
from tests.checkpoints import CONFIG, write_checkpoint

FULL = {
    "hidden_size": 24,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 40,
    "max_position_embeddings": 77,
    "type_vocab_size": 5,
    "layer_norm_eps": 1e-6,
    "hidden_dropout_prob": 0.25,
    "hidden_act": "gelu_new",
}


def test_config_round_trip() -> None:
    settings = read_config({**CONFIG, **FULL}).settings
    assert settings["dim"] == 24
    assert settings["embedding_dropout"] == settings["dropout"] == 0.25
    assert settings["activation"] == "gelu_tanh"
    config = BertConfig.parse(settings)
    written = write_config(config, architecture="BertModel", vocabulary=9)
    assert {key: written[key] for key in FULL} == FULL
    assert read_config(written).settings == settings


def test_missing_keys_default_to_bert_base() -> None:
    settings = read_config({"model_type": "bert"}).settings
    expected = {"dim": 768, "layers": 12, "heads": 12, "feed_forward_dim": 3072, "segments": 2}
    assert {key: settings[key] for key in expected} == expected
    assert settings["norm_eps"] == 1e-12


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model_type": "roberta"}, "model_type: import hf reads BERT: BertModel"),
        ({"architectures": ["BertForTokenClassification"]}, "got 'BertForTokenClassification'"),
        ({"architectures": []}, "architectures: import hf reads BERT"),
        ({"model_type": None, "architectures": None}, "architectures: import hf reads BERT"),
        ({"hidden_act": "quick_gelu"}, "hidden_act: expected one of gelu"),
        ({"hidden_act": ["gelu"]}, "hidden_act: expected one of gelu"),
        ({"position_embedding_type": "relative_key"}, "position_embedding_type: expected 'abs"),
        ({"is_decoder": True}, "is_decoder: expected False"),
        ({"add_cross_attention": True}, "add_cross_attention: expected False"),
        ({"pruned_heads": {"1": [0]}}, "pruned_heads: expected {}"),
        ({"quantization_config": {"bits": 4}}, "quantization_config: expected None"),
        ({"hidden_size": "8"}, "hidden_size: expected a number, got '8'"),
        ({"hidden_size": True}, "hidden_size: expected a number, got True"),
        ({"num_hidden_layers": 10**9}, "layers: "),
        ({"num_attention_heads": 3}, "heads"),
        ({"layer_norm_eps": -1.0}, "norm_eps: "),
        ({"id2label": {"0": "a", "2": "b"}}, "id2label: expected the numbers from 0 on"),
        ({"id2label": ["a", "b"]}, "id2label: expected names by number"),
    ],
)
def test_unsupported_config_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        read_config({**CONFIG, "architectures": ["BertModel"], **settings})
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"bag_dim": 4}, "model.bag_dim"),
        ({"ngrams": 2}, "model.ngrams"),
        ({"subword_ngrams": 4}, "model.subword_ngrams"),
        ({"linear_weight": 0.5}, "model.linear_weight"),
        ({"ensemble_size": 2}, "model.ensemble_size"),
        ({"activation": "elu"}, "model.activation"),
    ],
)
def test_settings_that_transformers_cannot_hold_are_refused(
    changed: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        write_config(BertConfig(dim=8, **changed), architecture="BertModel", vocabulary=9)


def test_error_names_the_file(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "a", is_decoder=True)
    with pytest.raises(FolderError, match=r"config\.json: is_decoder"):
        import_checkpoint(folder)
