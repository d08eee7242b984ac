"""Kinds of exported models, by the module that their network ends in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from munjang.errors import ConfigError
from munjang.export.hf import outputs
from munjang.export.hf.compose import CAUSAL, CLASSIFIER, MASKED, TRANSLATION, VECTORS
from munjang.export.hf.networks import (
    Described,
    Values,
    describe_encoder,
    describe_language,
    describe_translation,
)
from munjang.export.hf.outputs import Outputs
from munjang.export.hf.tasks import describe_task, generation_of_language, generation_of_translation
from munjang.export.hf.weights import name_weights, rename
from munjang.model import Model
from munjang.models.language.gru import GruLanguage
from munjang.models.language.lstm import LstmLanguage
from munjang.models.language.rnn import RnnLanguage
from munjang.models.language.transformer import TransformerLanguage
from munjang.models.pair_encoder import PairEncoder
from munjang.models.sequence_to_sequence.attentive import Attentive
from munjang.models.sequence_to_sequence.seq2seq import Seq2Seq
from munjang.models.sequence_to_sequence.transformer import TransformerEncoderDecoder
from munjang.models.vectors import choose_pooling
from munjang.tasks.heads import (
    Ensemble,
    Head,
    LinearEnsemble,
    MaskedHead,
    TwoTowers,
    find_encoders,
)


@dataclass(frozen=True)
class Kind:
    """A kind of exported models.

    Attributes:
        autos: the classes of transformers that load it, the one of its weights first.
        describe: returns what config.json and the modelling file hold of a model.
        weights: returns the weights by the names of the modelling file.
        outputs: values to check it on, and their outputs in both libraries.
        generation: returns the content of generation_config.json; None if it writes no texts.
        padding_side: where shorter texts of a batch are padded.
    """

    autos: tuple[str, ...]
    describe: Callable[[Model], Described]
    weights: Callable[[nn.Module], dict[str, Tensor]]
    outputs: Outputs
    generation: Callable[[Model], Values] | None = None
    padding_side: str = "right"


def find_kind(network: nn.Module) -> Kind:
    """Return the kind of a network.

    Raises:
        ConfigError: transformers has no class for such a network.
    """
    kind = KINDS.get(type(network))
    if kind is None:
        raise ConfigError(
            f"export hf: networks that end in {type(network).__name__} are not written; classes of "
            "transformers classify, score and write texts"
        )
    if any(isinstance(module, PairEncoder) for module in network.modules()):
        raise ConfigError(
            "two_texts.reading: a class of transformers reads both texts in one row, and this "
            "model reads them apart; train with --set two_texts.reading=joined"
        )
    return kind


# Encoders ---------------------------------------------------------------------------------------


def _describe_encoder(model: Model) -> Described:
    encoder = find_encoders(model.network)[0]
    described = describe_encoder(encoder, model.recipe.model)
    towers = model.network if isinstance(model.network, TwoTowers) else None
    vectors = {
        "vector_pooling": choose_pooling(encoder, None) if towers is None else towers.pooling,
        "unit_vectors": towers is not None,
    }
    return Described({**described.values, **vectors}, described.instead, described.parts)


# Names in config.json of networks that give logits.
_LOGITS: Mapping[type[nn.Module], str] = {
    Head: "head",
    Ensemble: "ensemble",
    LinearEnsemble: "linear_ensemble",
}


def _describe_classifier(model: Model) -> Described:
    described, network = _describe_encoder(model), model.network
    values = {
        **described.values,
        "network": _LOGITS[type(network)],
        **describe_task(model.task, model.recipe.task),
    }
    if isinstance(network, Head):
        return Described(values, described.instead, described.parts)
    config: Any = model.recipe.model
    more = ("ensemble_size", "linear_ngrams", "linear_buckets", "linear_weight")
    values |= {key: getattr(config, key) for key in more}
    return Described(values, described.instead, (*described.parts, "ensembles"))


def _describe_masked(model: Model) -> Described:
    described, config = _describe_encoder(model), model.recipe.model
    is_bert = hasattr(config, "norm_eps")
    head = {
        "head_activation": getattr(config, "activation", "gelu") if is_bert else "gelu",
        "head_norm_eps": getattr(config, "norm_eps", 1e-5),
    }
    return Described({**described.values, **head}, described.instead, described.parts)


def _network_weights(network: nn.Module) -> dict[str, Tensor]:
    return name_weights(network, "network.")


def _masked_weights(network: nn.Module) -> dict[str, Tensor]:
    """Return the weights without those that judge pairs."""
    weights = _network_weights(network)
    return {n: w for n, w in weights.items() if not n.startswith("network.pair_")}


def _classifier(*autos: str) -> Kind:
    return Kind(
        (CLASSIFIER, *autos), _describe_classifier, _network_weights, outputs.CLASSIFICATION
    )


# Language models --------------------------------------------------------------------------------


def _describe_language(model: Model) -> Described:
    return describe_language(model.network, model.recipe.model)


def _language_weights(network: nn.Module) -> dict[str, Tensor]:
    layers = {name: f"decoder.{name}" for name in ("recurrent.", "blocks.", "norm.")}
    return rename(name_weights(network), layers)


LANGUAGE = Kind(
    (CAUSAL,),
    _describe_language,
    _language_weights,
    outputs.NEXT_TOKENS,
    generation_of_language,
    padding_side="left",
)

# Encoder-decoders -------------------------------------------------------------------------------


def _describe_translation(model: Model) -> Described:
    described = describe_translation(model.network, model.recipe.model)
    decoding = model.task.decoding  # type: ignore[attr-defined]
    limits = {"answer_ratio": decoding.max_length_ratio, "answer_extra": decoding.extra_steps}
    own = {**limits, "is_encoder_decoder": True, "decoder_start_token_id": 2}
    return Described({**described.values, **own}, described.instead, described.parts)


def _translation_weights(network: nn.Module) -> dict[str, Tensor]:
    return rename(name_weights(network), {"embedding.": "tables.", "": "network."})


TRANSLATIONS = Kind(
    (TRANSLATION,),
    _describe_translation,
    _translation_weights,
    outputs.ANSWERS,
    generation_of_translation,
)

KINDS: Mapping[type[nn.Module], Kind] = {
    Head: _classifier(VECTORS),
    Ensemble: _classifier(),
    LinearEnsemble: _classifier(),
    MaskedHead: Kind((MASKED, VECTORS), _describe_masked, _masked_weights, outputs.MASKS),
    TwoTowers: Kind((VECTORS,), _describe_encoder, name_weights, outputs.VECTORS),
    RnnLanguage: LANGUAGE,
    LstmLanguage: LANGUAGE,
    GruLanguage: LANGUAGE,
    TransformerLanguage: LANGUAGE,
    Seq2Seq: TRANSLATIONS,
    Attentive: TRANSLATIONS,
    TransformerEncoderDecoder: TRANSLATIONS,
}
