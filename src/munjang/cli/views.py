"""The views of one text that `munjang explain` has: a row each."""

from collections.abc import Callable, Mapping
from contextlib import suppress
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
    """

    name: str
    summary: str
    needs: str
    is_available: Callable[[Any], bool]
    compute: Callable[..., Any]
    show: ShowView
    formats: str
    options: Mapping[str, str]

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
    views = VIEWS if name is None else (require_view(name),)
    *others, last = views
    for view in others:
        with suppress(ConfigError):
            view.writer().writer_for(path)
            return
    last.writer().writer_for(path)


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


def _has_surprisal(model: Any) -> bool:
    from munjang.explain.text_surprisal import scores_tokens

    return scores_tokens(model)


def _compute_surprisal(model: Any, row: Any) -> Any:
    return model.surprisal(row)


def _show_surprisal(result: Any, /, *, wide: bool) -> None:
    from munjang.cli.surprisal import show_surprisal

    show_surprisal(result, wide=wide)


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
)
