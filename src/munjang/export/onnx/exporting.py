"""A model as a folder that answers without PyTorch: graphs of ONNX, settings and a runner."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from munjang import __version__
from munjang.baselines import Baseline
from munjang.errors import ConfigError
from munjang.export.folder import install, make_scratch, refuse_occupied
from munjang.export.onnx.card import Facts, write_card
from munjang.export.onnx.checking import Checked, check_outputs
from munjang.export.onnx.evaluation import check_can_evaluate, evaluate_runner, values_of
from munjang.export.onnx.graph import Array
from munjang.export.onnx.inputs import (
    describe_input,
    find_spelling,
    source_tokenizer,
    target_tokenizer,
)
from munjang.export.onnx.kinds import Kind, Runner, find_kind
from munjang.export.onnx.latency import BATCHES, Latency, measure_latency
from munjang.export.onnx.runner import compose_runner
from munjang.export.onnx.tasks import describe_task
from munjang.export.package import need_packages
from munjang.export.tokenizers import LIBRARY, VOCABULARY, describe_tokenizer
from munjang.folder.load import load
from munjang.folder.save import to_json
from munjang.model import Model
from munjang.reporting import Report, discard, stage
from munjang.runners.onnx.model import FORMAT

SETTINGS, RUNNER, CARD = "munjang.json", "munjang_onnx.py", "README.md"
_GRAPHS = ("model.onnx", "encoder.onnx", "step.onnx")
_TARGET = "target_"
_TOKENIZERS = (VOCABULARY, LIBRARY, _TARGET + VOCABULARY, _TARGET + LIBRARY)
OURS = {SETTINGS, RUNNER, CARD, *_TOKENIZERS, *_GRAPHS}
# Rows of the data that the graph is checked on.
_CHECKED_ROWS = 100


@dataclass(frozen=True)
class Exported:
    """An export.

    Attributes:
        folder: its folder.
        bytes: size of all graphs.
        float_bytes: size of all graphs with weights of 32 bits.
        difference: largest difference of an output with weights of 32 bits to PyTorch.
        scores: metrics on the data by the name of what answered; empty without data.
    """

    folder: Path
    bytes: int
    float_bytes: int
    difference: float
    scores: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class CheckedGraph:
    """A model as one graph that computes what its network does.

    Attributes:
        content: the file of ONNX.
        outputs: returns the outputs of values, [values, outputs].
        spelled: units by which words out of vocabulary are read, letters or jamo; None: they are
            not.
    """

    content: bytes
    outputs: Callable[[Sequence[Any]], Array]
    spelled: str | None


def export_onnx(
    model: Model | str | Path,
    path: str | Path,
    *,
    int8: bool = False,
    data: Any = None,
    reading: Mapping[str, Any] | None = None,
    overwrite: bool = False,
    report: Report | None = None,
) -> Exported:
    """Write a model as graphs of ONNX with a runner that needs no PyTorch.

    The graphs are compared with the network on some texts, alone and in batches; a graph that
    differs is not written.

    Args:
        model: a model, or its folder.
        path: folder to write.
        int8: write weights in 8 bits.
        data: labeled rows; their scores come onto the card.
        reading: settings of the section `data` that differ for them, such as `label_column`.
        overwrite: replace an earlier export in the folder.
        report: called with lines for people.

    Raises:
        ConfigError: a part of the model cannot be exported, a package is missing, or the graph does
            not compute what the network does.
        FolderError: there is no complete model in the folder, or `path` holds other files.
        DataError: a row of the data cannot be used.
        OSError: a file cannot be written; it is named.

    Example:
        >>> munjang.export_onnx("my-model", "my-model-onnx", int8=True).folder
        PosixPath('my-model-onnx')
    """
    need_packages("export onnx", "export", "onnx", "onnxruntime")
    folder, report = Path(path), report or discard
    known = load(model) if isinstance(model, str | Path) else model
    if isinstance(known, Baseline):
        raise ConfigError(f"export onnx writes networks; {known.name} is a baseline")
    refuse_occupied(folder, OURS, SETTINGS, overwrite=overwrite)
    export = _Export(known, find_kind(known.network), int8=int8)
    rows, values = None, []
    if data is not None:
        check_can_evaluate(known)
        rows = known.read(data, reading, report)
        values = values_of(known, rows)
    with make_scratch(folder) as scratch:
        return export.write(folder, scratch, rows, values, report)


def make_graph(model: Model, *, int8: bool = False) -> CheckedGraph:
    """Return a model that is one graph, compared with the network as by `export_onnx`.

    Args:
        model: the model.
        int8: write weights in 8 bits.

    Raises:
        ConfigError: as `export_onnx`.
    """
    export = _Export(model, find_kind(model.network), int8=int8)
    with TemporaryDirectory() as folder:
        built = export.build(Path(folder), ())
        name = "int8" if int8 else "float"
        (file,) = export.kind.files.values()
        content = (Path(folder) / name / file).read_bytes()
    found, runner = export.kind.found, built.runners[name]
    return CheckedGraph(content, lambda values: found(runner, values), export.spelled)


@dataclass(frozen=True)
class _Built:
    """Files that were written, and compared with the network.

    Attributes:
        float_bytes: size of all graphs with weights of 32 bits.
        bytes: size of each graph as it was asked for.
        runners: what answers, by the name of its folder.
        checked: the comparison.
        threads: threads of the runners.
    """

    float_bytes: int
    bytes: Mapping[str, int]
    runners: Mapping[str, Runner]
    checked: Checked
    threads: int


class _Export:
    """An export of a model.

    Args:
        model: the model.
        kind: its kind.
        int8: whether weights are written in 8 bits.
    """

    def __init__(self, model: Model, kind: Kind, *, int8: bool) -> None:
        self.model = model
        self.kind = kind
        self.int8 = int8
        self.spelled = find_spelling(model)
        source = describe_tokenizer(source_tokenizer(model), self.spelled)
        target = target_tokenizer(model)
        written = None if target is None else describe_tokenizer(target)
        self.settings = {
            "format": FORMAT,
            "munjang": __version__,
            "model": model.recipe.model_name,
            "reads": model.recipe.input,
            "parameters": model.parameters,
            **describe_task(model.task, model.recipe.task),
            **kind.facts(model.network),
            "graphs": kind.files,
            "input": describe_input(model),
            "tokenizer": source.settings,
            "target_tokenizer": None if written is None else written.settings,
        }
        self.files = {
            RUNNER: compose_runner(self.settings),
            **source.files(),
            **({} if written is None else written.files(_TARGET)),
        }

    def write(
        self, folder: Path, scratch: Path, rows: Any, values: Sequence[Any], report: Report
    ) -> Exported:
        """Write the folder, in `scratch` until it is complete and checked."""
        built = self.build(scratch, values)
        checked = built.checked
        report(
            f"outputs equal PyTorch's on {checked.rows:,} texts, alone and in batches: they differ "
            f"by at most {checked.difference:.1e}"
        )
        scores = {
            name: evaluate_runner(self.model, runner, rows, values).metrics
            for name, runner in built.runners.items()
            if rows is not None
        }
        facts = Facts(
            int8=self.int8,
            bytes=built.bytes,
            float_bytes=built.float_bytes,
            rows=checked.rows,
            difference=checked.difference,
            scores=scores,
            data=("", 0) if rows is None else (", ".join(map(_base, rows.files)), len(rows)),
            latencies=self._measure(built.runners, values),
            threads=built.threads,
        )
        new = scratch / ("int8" if self.int8 else "float")
        (new / CARD).write_text(write_card(self.model, facts), encoding="utf-8", newline="\n")
        install(new, folder, scratch)
        return Exported(
            folder, sum(built.bytes.values()), facts.float_bytes, checked.difference, scores
        )

    def build(self, scratch: Path, values: Sequence[Any]) -> _Built:
        """Write the files into folders of `scratch`, and compare what they answer."""
        with stage("writing the graph"), torch.no_grad():
            floats = self._write_files(scratch / "float", int8=False)
            whole = self._write_files(scratch / "int8", int8=True) if self.int8 else floats
        threads = torch.get_num_threads()
        runners = {"float": load_runner(scratch / "float", threads)}
        if self.int8:
            runners["int8"] = load_runner(scratch / "int8", threads)
        with stage("comparing the graph with the network"):
            checked = self._check(runners, values[:_CHECKED_ROWS])
        return _Built(sum(floats.values()), whole, runners, checked, threads)

    def _write_files(self, folder: Path, *, int8: bool) -> dict[str, int]:
        """Write all files but the card, and return the size of each graph."""
        spells_words = self.spelled is not None
        graphs = self.kind.write(self.model.network, spells_words=spells_words, int8=int8)
        files = {**graphs, **{name: text.encode() for name, text in self.files.items()}}
        digests = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
        settings = to_json({**self.settings, "sha256": digests}, indent=1)
        folder.mkdir()
        for name, data in {**files, SETTINGS: settings.encode()}.items():
            (folder / name).write_bytes(data)
        return {name: len(data) for name, data in graphs.items()}

    def _check(self, runners: Mapping[str, Runner], rows: Sequence[Any]) -> Checked:
        values = self.kind.values(self.model, rows)
        expected = self.kind.expected(self.model, values)
        found = self.kind.found
        checked = check_outputs(lambda part: found(runners["float"], part), values, expected)
        if "int8" in runners:  # against itself: the weights are others
            alone = found(runners["int8"], values)
            check_outputs(lambda part: found(runners["int8"], part), values, alone)
        return checked

    def _measure(self, runners: Mapping[str, Runner], values: Sequence[Any]) -> list[Latency]:
        """Measure `predict` on rows of the data, or on made-up ones."""
        some = list(values or self.kind.requests(self.model)[-BATCHES[-1] :])
        some = (some * BATCHES[-1])[: BATCHES[-1]]
        predict = {"PyTorch": self.model.predict}
        named = {f"onnxruntime, {name}": runner.predict for name, runner in runners.items()}
        return measure_latency({**predict, **named}, some)


def _base(name: str) -> str:
    return Path(name).name


def load_runner(folder: Path, threads: int | None = None) -> Runner:
    """Return the model of an exported folder, opened by the runner that lies in it.

    The folder must be one that this process wrote, since the code in it is run.
    """
    spec = spec_from_file_location("munjang_onnx", folder / RUNNER)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.load(folder, threads=threads)
