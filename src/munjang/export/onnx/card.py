"""The card of an exported model, `README.md` of its folder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from munjang import __version__
from munjang.export.onnx.latency import Latency
from munjang.model import Model
from munjang.reporting import escape_markdown
from munjang.tasks.metric_table import METRICS


@dataclass(frozen=True)
class Facts:
    """Facts of an export for its card.

    Attributes:
        int8: whether weights are in 8 bits.
        bytes: size of each file of a graph.
        float_bytes: size of all graphs with weights of 32 bits.
        rows: number of rows that it was checked on.
        difference: largest difference of an output to PyTorch.
        scores: metrics on the data by the name of what answered; empty without data.
        data: name of the data, and its number of rows.
        latencies: milliseconds.
        threads: threads of PyTorch and of onnxruntime.
    """

    int8: bool
    bytes: Mapping[str, int]
    float_bytes: int
    rows: int
    difference: float
    scores: Mapping[str, Mapping[str, float]]
    data: tuple[str, int]
    latencies: Sequence[Latency]
    threads: int


_USE = """## How to use it

With `pip install onnxruntime tokenizers`; neither PyTorch nor munjang is needed.

```
python munjang_onnx.py . < texts.txt
```

```python
from munjang_onnx import load

model = load("this folder")
print(model.predict([{example}]))
```
"""

_INT8 = (
    "Weights are whole numbers of 8 bits with a scale per row. Activations are floats: scales of "
    "activations would come from the batch, and so would answers. The file is smaller; answers are "
    "as fast as with floats."
)


def write_card(model: Model, facts: Facts) -> str:
    """Return the card."""
    recipe, width = model.recipe, "int8" if facts.int8 else "float"
    graphs = ", ".join(f"`{name}` ({_megabytes(size)})" for name, size in facts.bytes.items())
    example, row = recipe.example, recipe.input_row
    value = example if example.startswith('"') else f'"{example}"'
    if row.in_python is not None and example == row.example:
        value = row.in_python
    parts = [
        f"# A model of the task {recipe.task}, exported by munjang {__version__}\n",
        f"Architecture `{recipe.model_name}`{model.input.made_of}, {model.parameters:,} "
        f"parameters. Graphs of ONNX: {graphs}.\n",
        "Files: the graphs; `munjang.json` with task, labels and lengths; the tokenizer in "
        "`vocabulary.json` and, for subwords, `tokenizer.json`; the runner `munjang_onnx.py`.\n",
        _USE.replace("{example}", value),
        "## How good it is\n",
        _accuracy(model, facts),
        f"On {facts.rows:,} texts, alone and in batches, outputs with 32-bit weights differ from "
        f"PyTorch's by at most {facts.difference:.1e}.\n",
        "## Size\n",
        _size(facts, width),
        *([_INT8 + "\n"] if facts.int8 else []),
        "## Latency\n",
        f"Median milliseconds per call of `predict`, tokenizing included, measured when it was "
        f"exported, {facts.threads} thread{'s' if facts.threads != 1 else ''}.\n",
        _latency(facts.latencies),
        "## Limits\n",
        f"It knows only what was in its training data. {model.input.limits}",
    ]
    return "\n".join(parts) + "\n"


def _accuracy(model: Model, facts: Facts) -> str:
    columns: dict[str, Mapping[str, float]] = {}
    if model.validation_metrics:
        columns["validation, in training"] = model.validation_metrics
    name, rows = facts.data
    for answered, scores in facts.scores.items():
        columns[f"{escape_markdown(name)}, {rows:,} rows, {answered}"] = scores
    if not columns:
        return "There are no scores of this model.\n"
    metrics = [key for key in METRICS if any(key in scores for scores in columns.values())]
    return _table(
        ["", *columns],
        [
            [METRICS[key].title, *(_number(scores.get(key)) for scores in columns.values())]
            for key in metrics
        ],
    )


def _size(facts: Facts, width: str) -> str:
    rows = [["float", _megabytes(facts.float_bytes)]]
    if width == "int8":
        size = sum(facts.bytes.values())
        rows.append(["int8", f"{_megabytes(size)} ({size / facts.float_bytes:.0%})"])
    return _table(["graphs", "size"], rows)


def _latency(latencies: Sequence[Latency]) -> str:
    names = list(latencies[0].milliseconds) if latencies else []
    rows = [
        [str(latency.rows), *(f"{latency.milliseconds[name]:.2f}" for name in names)]
        for latency in latencies
    ]
    return _table(["rows per call", *names], rows)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.2f} MB"


def _number(value: Any) -> str:
    return "-" if value is None else f"{value:.4f}"
