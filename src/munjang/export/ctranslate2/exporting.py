"""An encoder-decoder as a folder that CTranslate2 answers with, without PyTorch."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from munjang.baselines.baseline import Baseline
from munjang.decoding.settings import DecodingSettings
from munjang.errors import ConfigError
from munjang.export.compose import join_modules
from munjang.export.folder import install, make_scratch, refuse_occupied
from munjang.export.package import need_packages
from munjang.export.tokenizers import LIBRARY, describe_tokenizer
from munjang.folder.load import load
from munjang.folder.manifest import write_atomically
from munjang.folder.save import to_json
from munjang.inputs.parallel import ParallelInput
from munjang.model import Model
from munjang.models.sequence_to_sequence.transformer import (
    TransformerEncoderDecoder,
    TransformerEncoderDecoderConfig,
)
from munjang.reporting import Report, discard, stage
from munjang.runners.classes import find_tokenizers, import_classes
from munjang.text.vocabulary import EOS, GO, OOV

Quantization = Literal["float32", "int8", "int16", "float16", "bfloat16"]

SETTINGS = "munjang.json"
SCRIPT = "munjang_ctranslate2.py"
_RUNNER = "munjang.runners.ctranslate2.script"
_TITLE = """Answers of a model of Munjang by CTranslate2, without PyTorch and without Munjang.

    python munjang_ctranslate2.py < texts.txt

    >>> from munjang_ctranslate2 import Translator
    >>> Translator("FOLDER").translate(["A man sleeps."])

One answer per line of the input. Needs: pip install ctranslate2 tokenizers
"""
_SIDES = ("source", "target")
FILES = (
    SETTINGS,
    SCRIPT,
    "model.bin",
    "config.json",
    "shared_vocabulary.json",
    *(f"{side}_vocabulary.json" for side in _SIDES),
    *(f"{side}_tokenizer.json" for side in _SIDES),
)
# Settings of decoding that the script reads.
_DECODING = (
    "allow_unknown",
    "extra_steps",
    "length_penalty",
    "max_length",
    "max_length_ratio",
    "min_length",
    "no_repeat_ngram_size",
)


@dataclass(frozen=True)
class Exported:
    """A model that was written.

    Attributes:
        folder: the folder.
        bytes: of all its files.
        texts: number of texts that it was checked on.
        equal: greedy answers among them that are those of the model.
    """

    folder: Path
    bytes: int
    texts: int
    equal: int


def export_ctranslate2(
    model: Model | str | Path,
    out: str | Path,
    *,
    quantization: Quantization = "float32",
    overwrite: bool = False,
    report: Report | None = None,
) -> Exported:
    """Write a `transformer` of the task translate as a model of CTranslate2.

    The folder holds model, vocabularies, tokenizers, and a script that answers with the packages
    ctranslate2 and tokenizers alone. It is written as a whole, after its float32 weights gave the
    same tokens, log-probabilities and greedy answers as the network on some texts.

    Args:
        model: a model, or its folder.
        out: folder to write.
        quantization: type of the weights.
        overwrite: replace an earlier export in the folder.
        report: function called with notes.

    Returns:
        What was written.

    Raises:
        ConfigError: the model has what CTranslate2 or the script lacks; the setting is named. Or
            the package ctranslate2 is missing, or the check failed.
        FolderError: there is no complete model in the folder, or `out` holds other files.
        OSError: a file cannot be written.

    Example:
        >>> munjang.export_ctranslate2("en-de", "en-de-ct2", quantization="int8")
    """
    need_packages("export ctranslate2", "ctranslate2", "ctranslate2")
    report, folder = report or discard, Path(out)
    refuse_occupied(folder, FILES, SETTINGS, overwrite=overwrite)
    known = load(model) if isinstance(model, str | Path) else model
    trained = _require_transformer(known)
    texts = _describe(trained)
    with make_scratch(folder) as scratch:
        equal, count = _write_checked(trained, texts, scratch, quantization, report)
        new = scratch / quantization
        size = sum(path.stat().st_size for path in new.iterdir())
        install(new, folder, scratch)
    return Exported(folder, size, count, equal)


def _require_transformer(model: Model | Baseline) -> Model:
    """Return the model if CTranslate2 and the script can hold it.

    Raises:
        ConfigError: naming the first thing that they cannot.
    """
    if not isinstance(model, Model):
        raise ConfigError(f"export ctranslate2 writes networks; {model.name} is a baseline")
    if type(model.network) is not TransformerEncoderDecoder:
        raise ConfigError(
            "export ctranslate2 writes the model transformer of the task translate, and this "
            f"is {model.recipe.model_name} of the task {model.recipe.task}; train with "
            "--task translate --model transformer"
        )
    if model.recipe.section("translate").copy_unknown:
        raise ConfigError(
            "translate.copy_unknown: an export cannot copy words of the source; train with "
            "--set translate.copy_unknown=false"
        )
    return model


def _describe(model: Model) -> dict[str, str]:
    """Return the script and its files by name."""
    pair = cast(ParallelInput, model.input).tokenizers
    settings = model.recipe.section("tokenizer")
    decoding = cast(DecodingSettings, cast(Any, model.task).decoding)
    source = describe_tokenizer(pair.source)
    target = None if pair.shared else describe_tokenizer(pair.target)
    files = {
        f"{side}_{LIBRARY}": each.library
        for side, each in zip(_SIDES, (source, target), strict=True)
        if each is not None and each.library is not None
    }
    kinds = find_tokenizers(*(each.settings for each in (source, target) if each is not None))
    import_classes(kinds)
    files[SCRIPT] = join_modules(_TITLE, [*kinds, _RUNNER])
    content = {
        "source_tokenizer": source.settings,
        "target_tokenizer": None if target is None else target.settings,
        "input": {
            "max_length": settings.source.max_length,
            "max_tokens": None,
            "add_go_eos": False,
            "line_breaks": False,
        },
        "long_sources": settings.long_sources,
        "beam": _beam(decoding),
        **{name: getattr(decoding, name) for name in _DECODING},
    }
    return {**files, SETTINGS: to_json(content, indent=2)}


def _beam(decoding: DecodingSettings) -> int:
    """Return the beam size that the settings of decoding ask for.

    Raises:
        ConfigError: answers are sampled, or scored by attention.
    """
    if decoding.method == "sample":
        raise ConfigError(
            "decoding.method: the script of an export does not sample; set it to beam or greedy"
        )
    if decoding.coverage_penalty:
        raise ConfigError(
            "decoding.coverage_penalty: the script of an export has none; set it to 0"
        )
    return 1 if decoding.method == "greedy" else decoding.beam


def _write_checked(
    model: Model, files: Mapping[str, str], scratch: Path, quantization: str, report: Report
) -> tuple[int, int]:
    """Write the model in a subfolder for its type, and check it.

    Whatever the type is, float32 is written and checked first, since only its answers must be
    those of the network.

    Returns:
        The number of equal answers, and of texts.
    """
    from munjang.export.ctranslate2.checking import answer_greedily, check_export
    from munjang.export.ctranslate2.samples import sample_texts
    from munjang.runners.ctranslate2.translator import Translator

    with stage("checking the export"):
        pair = cast(ParallelInput, model.input).tokenizers
        expected = answer_greedily(model, _readable(model, sample_texts(pair.source)))
        for kind in dict.fromkeys(("float32", quantization)):
            _write(model, files, scratch / kind, kind)
            checked = check_export(Translator(scratch / kind), expected, exact=kind == "float32")
            report(
                f"checked {kind}: {checked.equal} of {checked.texts} greedy answers are the "
                f"model's, log-probabilities differ by up to {checked.difference:.1g}"
            )
    return checked.equal, checked.texts


def _readable(model: Model, texts: list[str]) -> list[str]:
    """Return the texts that the model does not refuse as too long."""
    rows, _ = model.input.usable(texts)
    return [texts[row] for row in rows]


def _write(model: Model, files: Mapping[str, str], folder: Path, quantization: str) -> None:
    """Write all files of an export."""
    from munjang.export.ctranslate2.specification import describe_network

    network = cast(TransformerEncoderDecoder, model.network)
    config = cast(TransformerEncoderDecoderConfig, model.recipe.model)
    pair = cast(ParallelInput, model.input).tokenizers
    longest = model.recipe.section("tokenizer").source.max_length
    places = max(longest, cast(Any, model.task).decoding.max_length) + 1
    spec = describe_network(network, config, places)
    source, target = (list(side.vocabulary.tokens) for side in (pair.source, pair.target))
    spec.register_source_vocabulary(source)
    spec.register_target_vocabulary(target)
    spec.config.unk_token = target[OOV]
    spec.config.bos_token = spec.config.decoder_start_token = target[GO]
    spec.config.eos_token = target[EOS]
    spec.config.layer_norm_epsilon = 1e-5
    spec.validate()
    spec.optimize(quantization=quantization)
    folder.mkdir()
    spec.save(str(folder))
    for name, content in files.items():
        write_atomically(folder / name, content)
