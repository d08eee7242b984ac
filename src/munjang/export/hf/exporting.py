"""A model as a folder that transformers loads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import save_file

from munjang.baselines import Baseline
from munjang.errors import ConfigError
from munjang.export.folder import install, make_scratch, refuse_occupied
from munjang.export.hf.card import show_use, write_card
from munjang.export.hf.compose import CLASSES, compose_modelling
from munjang.export.hf.kinds import Kind, find_kind
from munjang.export.hf.loading import MODELLING, has_transformers, loading, need_transformers
from munjang.export.hf.native import Native, describe_native
from munjang.export.hf.native_checking import check_native
from munjang.export.hf.networks import Described
from munjang.export.hf.outputs import Loaded, tokenized_rows
from munjang.export.hf.reading import Reading, find_reading
from munjang.export.hf.slow_tokenizers import FILE as TOKENIZATION
from munjang.export.hf.tasks import find_left_out
from munjang.export.hf.tokenizers import CONFIG as TOKENIZER_CONFIG
from munjang.export.hf.tokenizers import JSON, TokenizerFiles, describe_tokenizer
from munjang.export.hf.weights import as_floats
from munjang.export.onnx.checking import Checked, check_outputs
from munjang.export.onnx.inputs import target_tokenizer
from munjang.folder.load import load
from munjang.folder.manifest import write_whole
from munjang.folder.save import to_json
from munjang.model import Model
from munjang.models.bert import BertConfig
from munjang.reporting import Report, discard, stage

CONFIG, GENERATION, WEIGHTS, CARD = (
    "config.json",
    "generation_config.json",
    "model.safetensors",
    "README.md",
)
TARGET = "target"
# What any export may have written.
OURS = {
    *(CONFIG, GENERATION, WEIGHTS, CARD, TARGET, JSON, TOKENIZER_CONFIG, "vocabulary.json"),
    *(f"{MODELLING}.py", f"{TOKENIZATION}.py"),
    *("vocab.txt", "special_tokens_map.json", "modules.json", "1_Pooling"),
}


@dataclass(frozen=True)
class Exported:
    """An export.

    Attributes:
        folder: its folder.
        model_class: the class of its weights.
        has_code: whether it has a modelling file of its own, so that transformers must be told
            `trust_remote_code=True`.
        use: lines of Python that load and use it.
        notes: what it does not hold, a line each.
    """

    folder: Path
    model_class: str
    has_code: bool
    use: tuple[str, ...]
    notes: tuple[str, ...] = ()


def export_model(
    model: Model | str | Path,
    path: str | Path,
    *,
    overwrite: bool = False,
    report: Report | None = None,
) -> Exported:
    """Write a model as a folder that Hugging Face transformers loads, without munjang.

    A class of transformers is chosen where one computes the same (BERT); any other model gets a
    modelling file of its own. It is loaded and compared with the model before it is written.

    Args:
        model: a model, or its folder.
        path: folder to write.
        overwrite: replace an earlier export in the folder.
        report: called with lines for people.

    Raises:
        ConfigError: transformers has no class for such a model, transformers is not installed, or
            the export does not compute what the model does.
        FolderError: there is no complete model in the folder, or `path` holds other files.
        OSError: a file cannot be written; it is named.

    Example:
        >>> munjang.export_model("my-model", "my-model-hf").model_class
        'MunjangForSequenceClassification'
    """
    folder, report = Path(path), report or discard
    known = load(model) if isinstance(model, str | Path) else model
    if isinstance(known, Baseline):
        raise ConfigError(f"export hf writes networks; {known.name} is a baseline")
    refuse_occupied(folder, OURS, CONFIG, overwrite=overwrite)
    native = _find_native(known, report)
    if native is None:
        return _Export(known, folder).write(report)
    return _write_native(native, known, folder, report)


def _find_native(model: Model, report: Report) -> Native | None:
    """Return a model as a checkpoint of a class of transformers, or None with the reason told."""
    if not isinstance(model.recipe.model, BertConfig):
        return None
    try:
        return describe_native(model, report)
    except ConfigError as reason:
        report(f"with a modelling file of its own, as no class of transformers fits: {reason}")
        return None


def _write_native(native: Native, model: Model, folder: Path, report: Report) -> Exported:
    with make_scratch(folder) as scratch:
        new = scratch / "new"
        native.write(new)
        if has_transformers():
            with stage("comparing the checkpoint with the model"):
                report(_tell_equal(check_native(model, new, native.architecture)))
        else:
            report("not compared with the model, as transformers is not installed")
        install(new, folder, scratch)
    report(native.summary)
    notes = find_left_out(model)
    for note in notes:
        report(note)
    use = show_use(native.auto, str(folder), has_code=False, has_target=False)
    return Exported(folder, native.architecture, False, tuple(use), tuple(notes))


def _tell_equal(checked: Checked) -> str:
    return (
        f"outputs equal munjang's on {checked.rows:,} texts, alone and in batches: they differ by "
        f"at most {checked.difference:.1e}"
    )


class _Export:
    """An export with a modelling file of its own.

    Args:
        model: the model.
        folder: where it is written.
    """

    def __init__(self, model: Model, folder: Path) -> None:
        need_transformers()
        self.model = model
        self.folder = folder
        self.name = f"{model.recipe.model_name}, {model.recipe.task}"
        self.kind: Kind = find_kind(model.network)
        self.described: Described = self.kind.describe(model)
        self.reading = find_reading(model)
        target = target_tokenizer(model)
        self.target = None if target is None else Reading(target)
        self.notes = find_left_out(model)
        self.use = show_use(
            self.kind.autos[0], str(folder), has_code=True, has_target=target is not None
        )

    def write(self, report: Report) -> Exported:
        """Write the folder; nothing is left behind if it does not compute what the model does."""
        with make_scratch(self.folder) as scratch:
            new = scratch / "new"
            new.mkdir()
            tokenizer = describe_tokenizer(self.reading, padding_side=self.kind.padding_side)
            with stage("writing the folder"):
                self._write_files(new, tokenizer)
            with stage("comparing the export with the model"):
                checked = self._check(new, tokenizer)
            install(new, self.folder, scratch)
        report(checked)
        for note in self.notes:
            report(note)
        name = CLASSES[self.kind.autos[0]][1]
        return Exported(self.folder, name, True, tuple(self.use), tuple(self.notes))

    def _write_files(self, folder: Path, tokenizer: TokenizerFiles) -> None:
        texts = {
            **tokenizer.files,
            f"{MODELLING}.py": compose_modelling(self.described, self.kind.autos, self.name),
            CONFIG: to_json(self._config(), indent=2),
            CARD: write_card(self.model, self.use, self.notes),
        }
        if self.kind.generation is not None:
            values = self.kind.generation(self.model)
            texts[GENERATION] = to_json(
                {key: value for key, value in values.items() if value is not None}, indent=2
            )
        _write_texts(folder, texts)
        if self.target is not None:
            _write_texts(folder / TARGET, describe_tokenizer(self.target).files)
        weights = as_floats(self.kind.weights(self.model.network))
        with write_whole(folder / WEIGHTS) as partial:
            save_file(weights, partial, metadata={"format": "pt"})

    def _config(self) -> dict[str, Any]:
        autos = {"AutoConfig": "MunjangConfig", **{a: CLASSES[a][1] for a in self.kind.autos}}
        return {
            "architectures": [CLASSES[self.kind.autos[0]][1]],
            "auto_map": {auto: f"{MODELLING}.{name}" for auto, name in autos.items()},
            "model_type": "munjang",
            "dtype": "float32",
            "pad_token_id": 0,
            **self.described.values,
        }

    def _check(self, folder: Path, tokenizer: TokenizerFiles) -> str:
        """Compare the folder with the model, and return a line that says so."""
        outputs = self.kind.outputs
        values = list(outputs.values(self.model))
        with loading(folder, CLASSES[self.kind.autos[0]][1], tokenizer.class_name) as loaded:
            _check_ids(loaded, values, outputs.ids(self.model, values))
            expected = outputs.expected(self.model, values)
            checked = check_outputs(
                lambda part: outputs.found(loaded, part),
                values,
                expected,
                what="export hf: the modelling file",
            )
        return _tell_equal(checked)


def _check_ids(loaded: Loaded, values: Sequence[Any], expected: Sequence[list[int]]) -> None:
    """Compare the ids of texts.

    Raises:
        ConfigError: the tokenizer reads a text in another way than munjang.
    """
    for value, found, ids in zip(values, tokenized_rows(loaded, values), expected, strict=True):
        if found != ids:
            raise ConfigError(
                f"export hf: the tokenizer reads {str(value)[:60]!r} as {found[:20]}, the model as "
                f"{ids[:20]}; nothing was written"
            )


def _write_texts(folder: Path, texts: Mapping[str, str]) -> None:
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
