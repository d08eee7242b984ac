"""The modelling file of an export, made of the parts in `modelling/` that its model needs."""

from collections.abc import Mapping, Sequence

from munjang.export.compose import join_modules
from munjang.export.hf.networks import Described

PARTS = "munjang.export.hf.modelling"
_TITLE = "A model that munjang exported: {name}, in plain PyTorch, for transformers."

CLASSIFIER, MASKED = "AutoModelForSequenceClassification", "AutoModelForMaskedLM"
VECTORS, CAUSAL, TRANSLATION = "AutoModel", "AutoModelForCausalLM", "AutoModelForSeq2SeqLM"
# The part and the class for each class of transformers that loads a model.
CLASSES: Mapping[str, tuple[str, str]] = {
    CLASSIFIER: ("classification", "MunjangForSequenceClassification"),
    MASKED: ("masked", "MunjangForMaskedLM"),
    VECTORS: ("vectors", "MunjangModel"),
    CAUSAL: ("causal", "MunjangForCausalLM"),
    TRANSLATION: ("translation", "MunjangForSeq2SeqLM"),
}


def compose_modelling(described: Described, autos: Sequence[str], name: str) -> str:
    """Return the source of `modeling_munjang.py`.

    Args:
        described: the network.
        autos: the classes of transformers that load it.
        name: of the model, for the first line.
    """
    heads = [CLASSES[auto][0] for auto in autos]
    wanted = [f"{PARTS}.{part}" for part in ("base", *described.parts, *heads)]
    instead = {f"{PARTS}.{old}": f"{PARTS}.{new}" for old, new in described.instead.items()}
    return join_modules(_TITLE.format(name=name), wanted, instead=instead)
