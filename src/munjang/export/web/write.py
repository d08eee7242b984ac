"""A model as one page, written atomically."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from torch import Tensor

from munjang.errors import ConfigError
from munjang.export.package import need_packages
from munjang.export.web.arrays import Arrays
from munjang.export.web.computing import Computing, compute_with_arrays
from munjang.export.web.runtime import PAGE, choose_scripts, read_script
from munjang.export.web.sentences import sentences_in
from munjang.export.web.tasks import describe_task
from munjang.export.web.texts import describe_characters, describe_input
from munjang.folder.manifest import write_whole
from munjang.inputs.text_lengths import count_kept_tokens
from munjang.model import Model
from munjang.report.html import FONTS
from munjang.report.visible import visible_text
from munjang.report.why_page import why_colors
from munjang.tasks.metric_table import METRICS
from munjang.text.vocabulary import RESERVED
from munjang.units import format_bytes

# Weights in a page; browsers hold strings of half a gigabyte.
MOST_BYTES = 256_000_000
# Texts made of the vocabulary, whose logits a page compares with its own when it is opened.
_CHECKS, _CHECKED_TOKENS = 6, 12
_SHOWN_LABELS = 20


@dataclass(frozen=True)
class WrittenPage:
    """A page that was written.

    Attributes:
        path: path of the file.
        size: bytes of the file.
        weights: bytes of the weights, before base64.
        largest_difference: largest difference between the logits of the model and those of its
            rounded weights, on texts made of the vocabulary; 0 without rounding.
    """

    path: Path
    size: int
    weights: int
    largest_difference: float


def write_page(
    model: Model,
    path: str | Path,
    *,
    name: str = "Model",
    int8: bool = False,
    language: str = "en",
    onnxruntime_web: str | Path | None = None,
) -> WrittenPage:
    """Write a page that answers as a model does, and shows why.

    Args:
        model: a model of mean, cnn, rnn, lstm, gru or transformer, with one text per row; of any
            architecture that `munjang export onnx` writes, if `onnxruntime_web` is given.
        path: file to write, NAME.html.
        name: title of the page.
        int8: write tables of embeddings as whole numbers of 8 bits, with a scale per row; with
            `onnxruntime_web` all large weights.
        language: en or ko.
        onnxruntime_web: folder of the npm package onnxruntime-web, which then computes the answers
            and is written into the page; None: the page's own program does.

    Raises:
        ConfigError: the page cannot compute a part of the model, the weights are too many or not
            finite, or there is no such language.
        OSError: the file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in (".html", ".htm"):
        raise ConfigError(f"{path}: expected a file name that ends in .html")
    described = {
        "text": describe_input(model.input),
        "task": describe_task(model.task, model.recipe.task),
        "sentences": sentences_in(language),
        "characters": describe_characters(),
    }
    arrays = Arrays(int8)
    if onnxruntime_web is None:
        computing = compute_with_arrays(model, arrays)
    else:
        need_packages("export web with onnxruntime-web", "export", "onnx", "onnxruntime")
        from munjang.export.web.graphs import compute_with_graph

        computing = compute_with_graph(model, arrays, onnxruntime_web)
    if computing.weights > MOST_BYTES:
        raise ConfigError(_refuse_size(computing.weights, int8=int8))
    checks = _compute_checks(model, computing)
    network = {"network": computing.description, "arrays": arrays.listed, "checks": checks}
    content = _render(
        model, computing, {**described, **network}, arrays.to_bytes(), name=name, language=language
    )
    with write_whole(path) as partial:
        partial.write_bytes(content)
    texts = [check["text"] for check in checks]
    own = Tensor([check["logits"] for check in checks])
    difference = float((model.logits(texts) - own).abs().max()) if int8 else 0.0
    return WrittenPage(path, len(content), computing.weights, difference)


def _compute_checks(model: Model, computing: Computing) -> list[dict[str, Any]]:
    """Return texts made of tokens of the vocabulary, frequent and rare, and their logits."""
    own = model.input.tokenizer.vocabulary.tokens[len(RESERVED) :]  # type: ignore[attr-defined]
    places = np.linspace(0, max(0, len(own) - _CHECKED_TOKENS), _CHECKS).astype(int).tolist()
    texts = [" ".join(own[place : place + _CHECKED_TOKENS]) for place in places]
    logits = computing.logits(texts)
    if not logits.isfinite().all():
        raise ConfigError("expected finite weights; the training diverged, train the model again")
    return [{"text": text, "logits": row} for text, row in zip(texts, logits.tolist(), strict=True)]


def _refuse_size(size: int, *, int8: bool) -> str:
    advice = "" if int8 else "add --int8, or "
    return (
        f"the weights have {format_bytes(size)}, and a page holds up to "
        f"{format_bytes(MOST_BYTES)}; {advice}train with fewer rows of n-grams "
        "(model.ngram_buckets, model.bag_buckets, model.subword_buckets)"
    )


def _render(
    model: Model,
    computing: Computing,
    description: Mapping[str, Any],
    arrays: bytes,
    *,
    name: str,
    language: str,
) -> bytes:
    sentences = description["sentences"]
    style = _environment().get_template("web.css.jinja").render(**why_colors())
    script, library = read_script(*choose_scripts(description), PAGE), computing.library
    # a library is WebAssembly, which is code as well
    sources = [_hash(script), *([_hash(library), "wasm-unsafe-eval"] if library else [])]
    page = _environment().get_template("web.html.jinja")
    return page.render(
        language=language,
        title=visible_text(name),
        say=sentences.__getitem__,
        facts=_facts(model, sentences, computing.facts),
        style=Markup(style),  # noqa: S704 (of our templates)
        style_hash=_hash(style),
        script=Markup(script),  # noqa: S704 (of our files)
        library=Markup(library),  # noqa: S704 (of a package that the user gives)
        script_sources=Markup(" ".join(f"'{source}'" for source in sources)),  # noqa: S704 (hashes)
        description=_embed(description),
        weights=Markup(base64.b64encode(arrays).decode()),  # noqa: S704 (letters and digits)
    ).encode()


@cache
def _environment() -> Environment:
    own, shared = PackageLoader("munjang.export.web", "page"), PackageLoader("munjang.report")
    environment = Environment(
        loader=ChoiceLoader([own, shared]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["fonts"] = FONTS
    return environment


def _hash(content: str) -> str:
    """Return the hash of an inline script or style, as a Content-Security-Policy has it."""
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


def _embed(values: Any) -> Markup:
    """Return JSON that cannot end the element it stands in."""
    text = json.dumps(values, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    text = text.encode(errors="backslashreplace").decode()  # half a surrogate pair, as JSON has it
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704 (no tag can begin)


def _facts(
    model: Model, say: Mapping[str, str], computed: Mapping[str, str]
) -> list[tuple[str, str]]:
    """Return what the model is: names and values."""
    recipe, labels = model.recipe, model.labels
    made_of = say["{architecture} on {tokenizer}"].format(
        architecture=recipe.model_name, tokenizer=recipe.section("tokenizer").name
    )
    facts = [
        ("task", recipe.task),
        ("architecture", made_of),
        ("parameters", f"{model.parameters:,}"),
        ("labels", _list_labels(labels)),
        ("training rows", _count(model.metrics.get("training", {}).get("rows"))),
        ("validation", _list_scores(model)),
        ("temperature", _temperature(model)),
        ("longest text", say["{n} tokens"].format(n=count_kept_tokens(recipe))),
        ("weights", say[computed["weights"]]),
        ("computed by", computed.get("computed by", "")),
        ("written by", f"munjang {metadata.version('munjang')}"),
    ]
    return [(say[key], visible_text(value)) for key, value in facts if value]


def _list_labels(labels: tuple[str, ...]) -> str:
    more = len(labels) - _SHOWN_LABELS
    return ", ".join(labels[:_SHOWN_LABELS]) + (f", … (+{more:,})" if more > 0 else "")


def _list_scores(model: Model) -> str:
    scores = model.validation_metrics.items()
    return ", ".join(f"{METRICS[name].title} {value:.4f}" for name, value in scores)


def _temperature(model: Model) -> str:
    calibration = getattr(model.task, "calibration", None)
    return "" if calibration is None else f"{calibration.temperature:.4f}"


def _count(rows: object) -> str:
    return f"{rows:,}" if isinstance(rows, int) else ""
