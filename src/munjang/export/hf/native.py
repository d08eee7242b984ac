"""A model of the architecture bert as a checkpoint of a class of transformers, without code."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from munjang.errors import ConfigError
from munjang.folder.layout import make_folder
from munjang.folder.manifest import write_atomically, write_whole
from munjang.folder.save import to_json
from munjang.model import Model
from munjang.models.bert import BertConfig
from munjang.pretrained.huggingface.config import CONFIG, write_config
from munjang.pretrained.huggingface.files import WEIGHTS
from munjang.pretrained.huggingface.pooling import FILE as POOLING
from munjang.pretrained.huggingface.pooling import MODES
from munjang.pretrained.huggingface.tokenizer import write_tokenizer
from munjang.pretrained.huggingface.weights import POOLER, to_theirs
from munjang.reporting import Report, discard
from munjang.tasks.classify import Classify
from munjang.tasks.heads import Head, MaskedHead
from munjang.tasks.multilabel import Multilabel
from munjang.tasks.regress import Regress
from munjang.text.columns import Int64s
from munjang.text.huggingface.library import LibraryTokenizer

_MODULES = "modules.json"


@dataclass(frozen=True)
class Native:
    """A model as a checkpoint of a class of transformers.

    Attributes:
        architecture: name of the class.
        config: content of `config.json`.
        weights: tensors by transformers' names.
        texts: content of all other files by path.
        vocabulary: number of tokens.
    """

    architecture: str
    config: dict[str, Any]
    weights: dict[str, Tensor]
    texts: dict[str, str]
    vocabulary: int

    @property
    def auto(self) -> str:
        """Name of the class of transformers that finds the class."""
        return _AUTOS[self.architecture]

    @property
    def summary(self) -> str:
        """A line for people."""
        return (
            f"wrote {self.architecture}: {len(self.weights):,} tensors, {self.vocabulary:,} tokens"
        )

    def write(self, folder: Path) -> None:
        """Write all files into a folder that is made.

        Raises:
            OSError: a file cannot be written; it is named.
        """
        make_folder(folder)
        for name, text in self.texts.items():
            (folder / name).parent.mkdir(exist_ok=True)
            write_atomically(folder / name, text)
        with write_whole(folder / WEIGHTS) as partial:
            save_file(self.weights, partial, metadata={"format": "pt"})
        write_atomically(folder / CONFIG, to_json(self.config, indent=2))


_AUTOS = {
    "BertForMaskedLM": "AutoModelForMaskedLM",
    "BertForPreTraining": "AutoModelForMaskedLM",
    "BertForSequenceClassification": "AutoModelForSequenceClassification",
    "BertModel": "AutoModel",
}


def describe_native(model: Model, report: Report = discard) -> Native:
    """Return a model as a checkpoint of a class of transformers, without code.

    Args:
        model: a model with the architecture `bert`.
        report: called with lines for people.

    Raises:
        ConfigError: the model has what the class of transformers cannot hold; the setting is named.
    """
    tokenizer = _tokenizer_of(model)
    with torch.no_grad():
        architecture, weights, more = _network_of(model, tokenizer, report)
    config_class = model.recipe.model
    assert isinstance(config_class, BertConfig)
    vocabulary = int(tokenizer.huggingface_ids.max()) + 1
    config = write_config(config_class, architecture=architecture, vocabulary=vocabulary)
    ids = {f"{role}_id": int(tokenizer.huggingface_ids[0]) for role in ("pad_token",)}
    settings = model.recipe.section("tokenizer")
    longest = min(config_class.max_positions, settings.max_length + settings.added_tokens)
    reads_masks = isinstance(model.network, MaskedHead)
    texts = write_tokenizer(tokenizer, longest, reads_masks=reads_masks)
    if architecture == "BertModel":
        texts |= _sentence_files(config_class, model)
        if not config_class.pooler:
            report("it has no pooler: load it with BertModel(..., add_pooling_layer=False)")
    return Native(architecture, {**config, **ids, **more}, weights, texts, vocabulary)


def _tokenizer_of(model: Model) -> LibraryTokenizer:
    """Return the tokenizer of the model.

    Raises:
        ConfigError: transformers cannot read the tokenizer, or the texts have no [CLS] and [SEP].
    """
    if not isinstance(model.recipe.model, BertConfig):
        raise ConfigError(
            f"export hf writes the model bert, as transformers has no {model.recipe.model_name}; "
            "train with --model bert"
        )
    tokenizer = getattr(model.input, "tokenizer", None)
    settings = model.recipe.section("tokenizer")
    if not isinstance(tokenizer, LibraryTokenizer):
        raise ConfigError(
            f"tokenizer.name: transformers cannot read the tokenizer {settings.name}; train with "
            "--tokenizer bert_wordpiece"
        )
    if tokenizer.post_process or not settings.add_go_eos:
        raise ConfigError(
            "tokenizer.add_go_eos: the model must read [CLS] and [SEP] around each text; train "
            "with --set tokenizer.add_go_eos=true"
        )
    if (tokenizer.huggingface_ids < 0).any():
        raise ConfigError(
            "tokenizer.settings.file: the tokenizer lacks one of [PAD], [UNK], [CLS] and [SEP]; "
            "train with --tokenizer bert_wordpiece"
        )
    return tokenizer


def _network_of(
    model: Model, tokenizer: LibraryTokenizer, report: Report
) -> tuple[str, dict[str, Tensor], dict[str, Any]]:
    """Return the class, the weights, and the part of `config.json` on predictions."""
    task, network = model.task, model.network
    ids = tokenizer.huggingface_ids
    write_config(model.recipe.model, architecture="", vocabulary=0)  # type: ignore[arg-type]
    if isinstance(network, MaskedHead):
        return (*_masked_head(network, ids, report), {})
    if not isinstance(network, Head):
        return "BertModel", to_theirs(network, ids, ""), {}
    _check_pooler(model)
    weights = to_theirs(network, ids, "bert.")
    classifier = weights["classifier.weight"], weights["classifier.bias"]
    if isinstance(task, Regress):
        if task.settings.loss == "poisson":
            raise ConfigError(
                "regress.loss: transformers has no outputs that are exponents, which poisson "
                "needs; train with --set regress.loss=mean_squared_error"
            )
        # answers in the user's unit: scale and mean become part of the last layer
        matrix, bias = (part * task.scale for part in classifier)
        weights |= {"classifier.weight": matrix, "classifier.bias": bias + task.mean}
        return _CLASSIFIER, weights, {"problem_type": "regression", "id2label": {"0": "LABEL_0"}}
    labels = _labels(model.labels)
    if isinstance(task, Multilabel):
        return _CLASSIFIER, weights, {"problem_type": "multi_label_classification", **labels}
    if not isinstance(task, Classify) or type(task) is not Classify:
        raise ConfigError(f"task: transformers has no class for {model.recipe.task}")
    if task.calibration is not None:
        temperature = task.calibration.temperature
        classifier = classifier[0] / temperature, classifier[1] / temperature
        weights |= {"classifier.weight": classifier[0], "classifier.bias": classifier[1]}
    if task.outputs == 1:
        # softmax of (0, z) is the sigmoid of z
        doubled = [torch.cat([torch.zeros_like(part), part]) for part in classifier]
        weights |= {"classifier.weight": doubled[0], "classifier.bias": doubled[1]}
    return _CLASSIFIER, weights, {"problem_type": "single_label_classification", **labels}


def _masked_head(network: MaskedHead, ids: Int64s, report: Report) -> tuple[str, dict[str, Tensor]]:
    """Return the class and the weights of a network that predicts tokens, and may judge pairs."""
    weights = to_theirs(network, ids, "bert.")
    if network.pair_output is not None:
        return "BertForPreTraining", weights
    pooler = f"bert.{POOLER}"
    kept = {name: w for name, w in weights.items() if not name.startswith(pooler)}
    if len(kept) < len(weights):
        report("left out: the pooler, which BertForMaskedLM does not have")
    return "BertForMaskedLM", kept


_CLASSIFIER = "BertForSequenceClassification"


def _check_pooler(model: Model) -> None:
    config = model.recipe.model
    assert isinstance(config, BertConfig)
    if config.pooling != "first" or not config.pooler:
        raise ConfigError(
            f"model.pooling: {_CLASSIFIER} predicts with a pooler on [CLS], and this model has "
            f"pooling {config.pooling}, {'a' if config.pooler else 'no'} pooler; train with "
            "--set model.pooling=first --set model.pooler=true"
        )


def _labels(names: tuple[str, ...]) -> dict[str, Any]:
    return {
        "id2label": {str(number): name for number, name in enumerate(names)},
        "label2id": {name: number for number, name in enumerate(names)},
    }


def _sentence_files(config: BertConfig, model: Model) -> dict[str, str]:
    """Return the files by which sentence-transformers knows how to pool, if it can."""
    chosen = getattr(getattr(model.task, "settings", None), "pooling", None) or "mean"
    if chosen not in MODES.values():
        return {}
    pooling = {mode: ours == chosen for mode, ours in MODES.items()}
    kinds = {"": "Transformer", POOLING.parts[0]: "Pooling"}
    modules = [
        {"idx": i, "name": str(i), "path": where, "type": f"sentence_transformers.models.{kind}"}
        for i, (where, kind) in enumerate(kinds.items())
    ]
    return {
        str(POOLING): to_json({"word_embedding_dimension": config.dim, **pooling}, indent=2),
        _MODULES: json.dumps(modules, indent=2) + "\n",
    }
