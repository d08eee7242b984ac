"""A model as one page, written atomically."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from munjang.errors import ConfigError
from munjang.export.web.arrays import Arrays
from munjang.export.web.networks import NetworkWriter
from munjang.export.web.rounding import round_tables
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
            rounded tables, on texts made of the vocabulary; 0 without rounding.
    """

    path: Path
    size: int
    weights: int
    largest_difference: float


def write_page(
    model: Model, path: str | Path, *, name: str = "Model", int8: bool = False, language: str = "en"
) -> WrittenPage:
    """Write a page that answers as a model does, and shows why.

    Args:
        model: a model of mean, cnn, rnn, lstm, gru or transformer, with one text per row.
        path: file to write, NAME.html.
        name: title of the page.
        int8: write tables of embeddings as whole numbers of 8 bits, with a scale per row.
        language: en or ko.

    Raises:
        ConfigError: the page cannot compute a part of the model, the weights are too many or not
            finite, or there is no such language.
        OSError: the file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in (".html", ".htm"):
        raise ConfigError(f"{path}: expected a file name that ends in .html")
    shown = replace(model, network=round_tables(model.network)) if int8 else model
    arrays = Arrays(int8)
    description = describe_model(shown, arrays, language)
    weights = arrays.to_bytes()
    if len(weights) > MOST_BYTES:
        raise ConfigError(_refuse_size(len(weights), int8=int8))
    content = _render(shown, description, weights, name=name, int8=int8, language=language)
    with write_whole(path) as partial:
        partial.write_bytes(content)
    texts = [check["text"] for check in description["checks"]]
    difference = float((model.logits(texts) - shown.logits(texts)).abs().max()) if int8 else 0.0
    return WrittenPage(path, len(content), len(weights), difference)


def describe_model(model: Model, arrays: Arrays, language: str = "en") -> dict[str, Any]:
    """Return all that the program of the page reads, but for the arrays.

    Raises:
        ConfigError: as `write_page`.
    """
    text = describe_input(model.input)
    task = describe_task(model.task, model.recipe.task)
    tokens = model.input.tokenizer.vocabulary.tokens  # type: ignore[attr-defined]
    network = NetworkWriter(arrays, tokens, model.recipe.model).describe(model.network)
    return {
        "text": text,
        "task": task,
        "network": network,
        "arrays": arrays.listed,
        "characters": describe_characters(),
        "checks": _compute_checks(model, tokens),
        "sentences": sentences_in(language),
    }


def _compute_checks(model: Model, tokens: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return texts made of tokens of the vocabulary, frequent and rare, and their logits."""
    own = tokens[len(RESERVED) :]
    places = np.linspace(0, max(0, len(own) - _CHECKED_TOKENS), _CHECKS).astype(int).tolist()
    texts = [" ".join(own[place : place + _CHECKED_TOKENS]) for place in places]
    logits = model.logits(texts)
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
    description: Mapping[str, Any],
    weights: bytes,
    *,
    name: str,
    int8: bool,
    language: str,
) -> bytes:
    sentences = description["sentences"]
    style = _environment().get_template("web.css.jinja").render(**why_colors())
    script = read_script(*choose_scripts(description), PAGE)
    page = _environment().get_template("web.html.jinja")
    return page.render(
        language=language,
        title=visible_text(name),
        say=sentences.__getitem__,
        facts=_facts(model, sentences, int8=int8),
        style=Markup(style),  # noqa: S704 (of our templates)
        style_hash=_hash(style),
        script=Markup(script),  # noqa: S704 (of our files)
        script_hash=_hash(script),
        description=_embed(description),
        weights=Markup(base64.b64encode(weights).decode()),  # noqa: S704 (letters and digits)
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


def _facts(model: Model, say: Mapping[str, str], *, int8: bool) -> list[tuple[str, str]]:
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
        ("weights", say["int8" if int8 else "float32"]),
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
