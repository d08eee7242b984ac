"""The views of one text that `munjang explain` has: a row each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from munjang.errors import ConfigError
from munjang.registry import TASKS, import_place, unknown_name


class ShowView(Protocol):
    """Shows a result on the terminal."""

    def __call__(self, result: Any, /, *, wide: bool) -> None:
        """Show it; `wide` shows all columns of tables."""


@dataclass(frozen=True)
class View:
    """One view of a text.

    Attributes:
        name: name that users type.
        summary: one line for help texts.
        needs: which models have it, in words.
        is_available: returns whether a loaded model has it.
        compute: computes the result, which has `to_json`, of a model, a row and options.
        show: shows the result on the terminal.
        formats: place of its `munjang.report.formats.Formats`, as "module:object".
        options: its options on the command line, each with the keyword argument of `compute`.
        takes_one: True if it also takes one text where the rows of a model have two, of a model
            that reads each text apart.
    """

    name: str
    summary: str
    needs: str
    is_available: Callable[[Any], bool]
    compute: Callable[..., Any]
    show: ShowView
    formats: str
    options: Mapping[str, str]
    takes_one: bool = False

    def row(self, model: Any, texts: Sequence[str]) -> Any:
        """Return the row of texts on the command line.

        Raises:
            ConfigError: there are more texts than a row has.
        """
        if self.takes_one and len(texts) == 1:
            return texts[0]
        rows = model.input.group_values(texts)
        if len(rows) != 1:
            raise ConfigError(f"expected one text to explain, got {len(rows):,}; put it in quotes")
        return rows[0]

    def writer(self) -> Any:
        """Import and return its formats of files."""
        return import_place(self.formats, self.name)

    def keywords(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the keyword arguments of options on the command line, those that are not None.

        Raises:
            ConfigError: an option is of another view.
        """
        for option, value in given.items():
            if value is not None and option not in self.options:
                names = " or ".join(view.name for view in VIEWS if option in view.options)
                raise ConfigError(f"{option}: is for --view {names}; the view here is {self.name}")
        return {self.options[o]: value for o, value in given.items() if value is not None}


def find_view(model: Any, name: str | None) -> View:
    """Return the view of that name, or the default one of a model.

    Raises:
        ConfigError: there is no such view, or the model does not have it.
    """
    if name is None:
        return _default_view(model)
    view = require_view(name)
    if not view.is_available(model):
        known = [other.name for other in VIEWS if other.is_available(model)]
        others = f"; this model has {', '.join(known)}" if known else ""
        raise ConfigError(f"--view {name}: is for {view.needs}{others}")
    return view


def require_view(name: str) -> View:
    """Return the view of that name.

    Raises:
        ConfigError: there is none; the nearest name is suggested.
    """
    view = next((view for view in VIEWS if view.name == name), None)
    if view is None:
        raise ConfigError(unknown_name("view", name, [view.name for view in VIEWS]))
    return view


def check_file(name: str | None, path: Path) -> None:
    """Refuse a file that the view of that name, or any view without a name, does not write.

    Raises:
        ConfigError: there is no such view, or none writes files of that suffix.
    """
    if name is not None:
        require_view(name).writer().check(path)
        return
    from munjang.report.formats import refuse_suffix

    writers = [view.writer() for view in VIEWS]
    fitting = [writer for writer in writers if path.suffix.lower() in writer.suffixes]
    if not fitting:
        raise refuse_suffix(path, dict.fromkeys(s for writer in writers for s in writer.suffixes))
    fitting[0].check(path)


def _default_view(model: Any) -> View:
    task = TASKS.find(getattr(getattr(model, "recipe", None), "task", None))
    named = [] if task is None else [require_view(task.view)]
    view = next((view for view in (*named, *VIEWS) if view.is_available(model)), None)
    if view is None:
        raise ConfigError(
            "this model has no view to explain a text by: expected a model of texts, trained by "
            "munjang train"
        )
    return view


def _has_why(model: Any) -> bool:
    from munjang.explain.row import can_explain

    return can_explain(model)


def _compute_why(model: Any, row: Any, **options: Any) -> Any:
    return model.why(row, **options)


def _show_why(result: Any, /, *, wide: bool) -> None:
    from munjang.cli.why import show_why

    show_why(result, wide=wide)


def _has_attention(model: Any) -> bool:
    return hasattr(model, "attention")


def _compute_attention(
    model: Any,
    row: Any,
    target: str | None = None,
    kind: Any = None,
    layer: int | None = None,
    head: int | None = None,
) -> Any:
    from munjang.explain.text_attention import compute_attention

    return compute_attention(model, row, target).select(kind, layer, head)


def _show_attention(result: Any, /, *, wide: bool) -> None:
    from munjang.cli.attention import show_attention

    show_attention(result, wide=wide)


def _compute_word(model: Any, row: Any, word: str | None = None) -> Any:
    from munjang.explain.text_attention import compute_attention
    from munjang.explain.word_attention import attention_from_word

    if word is None:
        raise ConfigError("--view word: name a word of the text with --word")
    return attention_from_word(compute_attention(model, row), word)


def _show_word(result: Any, /, *, wide: bool) -> None:
    from munjang.cli.attention import show_word_attention

    show_word_attention(result, wide=wide)


def _has_surprisal(model: Any) -> bool:
    from munjang.explain.text_surprisal import scores_tokens

    return scores_tokens(model)


def _compute_surprisal(model: Any, row: Any) -> Any:
    return model.surprisal(row)


def _show_surprisal(result: Any, /, *, wide: bool) -> None:
    from munjang.cli.surprisal import show_surprisal

    show_surprisal(result, wide=wide)


def _has_memory(model: Any) -> bool:
    from munjang.explain.token_network import open_network

    return _opens(open_network, model)


def _compute_memory(model: Any, row: Any) -> Any:
    from munjang.explain.connectivity import compute_connectivity

    return compute_connectivity(model, row)


def _show_memory(result: Any, /, *, wide: bool) -> None:
    from munjang.cli.inspected import show_connectivity

    show_connectivity(result, wide=wide)


def _has_gates(model: Any) -> bool:
    from munjang.explain.gates import find_gated_layers

    return _opens(find_gated_layers, model)


def _compute_gates(model: Any, row: Any) -> Any:
    from munjang.explain.gates import compute_gates

    return compute_gates(model, row)


def _show_gates(result: Any, /, *, wide: bool) -> None:
    from munjang.cli.inspected import show_gates

    show_gates(result, wide=wide)


def _has_filters(model: Any) -> bool:
    from munjang.explain.filter_bank import open_filters

    return _opens(open_filters, model)


def _compute_filters(model: Any, row: Any) -> Any:
    from munjang.explain.text_filters import compute_text_filters

    return compute_text_filters(model, row)


def _show_filters(result: Any, /, *, wide: bool) -> None:
    from munjang.cli.inspected import show_text_filters

    show_text_filters(result, wide=wide)


def _opens(open_part: Callable[[Any], Any], model: Any) -> bool:
    """Return whether a part of a model's network can be opened; a baseline has no network."""
    network = getattr(model, "network", None)
    if network is None:
        return False
    try:
        open_part(network)
    except ConfigError:
        return False
    return True


VIEWS: tuple[View, ...] = (
    View(
        "why",
        "how much each word gives to the answer",
        "models of texts",
        _has_why,
        _compute_why,
        _show_why,
        "munjang.report.why:WHY",
        {
            "--method": "method",
            "--class": "label",
            "--baseline": "baseline",
            "--target": "target",
        },
    ),
    View(
        "attention",
        "attention weights of a model that has some",
        "models with attention",
        _has_attention,
        _compute_attention,
        _show_attention,
        "munjang.report.attention:ATTENTION",
        {"--target": "target", "--kind": "kind", "--layer": "layer", "--head": "head"},
        takes_one=True,
    ),
    View(
        "word",
        "what each head of attention takes for one word",
        "models whose tokens attend to one another",
        _has_attention,
        _compute_word,
        _show_word,
        "munjang.report.word_attention:WORD_ATTENTION",
        {"--word": "word"},
        takes_one=True,
    ),
    View(
        "surprisal",
        "how much each token surprises a language model",
        "language models",
        _has_surprisal,
        _compute_surprisal,
        _show_surprisal,
        "munjang.report.surprisal:SURPRISAL",
        {},
    ),
    View(
        "memory",
        "which words the state after each word draws on",
        "encoders with one state per token, and language models",
        _has_memory,
        _compute_memory,
        _show_memory,
        "munjang.report.connectivity:CONNECTIVITY",
        {},
    ),
    View(
        "gates",
        "what the gates of an lstm or a gru let through",
        "lstm and gru",
        _has_gates,
        _compute_gates,
        _show_gates,
        "munjang.report.gates:GATES",
        {},
    ),
    View(
        "filters",
        "the n-gram that each filter of a cnn answers by",
        "a cnn with max pooling and an activation that rises",
        _has_filters,
        _compute_filters,
        _show_filters,
        "munjang.report.filters:TEXT_FILTERS",
        {},
    ),
)
