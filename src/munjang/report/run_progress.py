"""The course of a training as a page: its curves, and where it stands."""

from markupsafe import Markup

from munjang.diagnosis.run_progress import ProgressCurve, RunProgress
from munjang.report.formats import Formats
from munjang.report.html import element, join, render, table
from munjang.report.svg import Line, lines
from munjang.report.visible import visible_text
from munjang.report.wording import Translate, translator
from munjang.tasks.metric_table import METRICS

_STATES = {
    "running": "This training is running.",
    "stopped": "This training was stopped; the same command with --resume continues it.",
    "finished": "This training is finished.",
}


def draw_progress(progress: RunProgress, language: str = "en") -> Markup:
    """Return the page.

    Args:
        progress: the course of a training.
        language: en or ko.

    Raises:
        ConfigError: there is no such language.
    """
    translate = translator(language)
    return render(
        "page.html.jinja",
        language=language,
        title=translate("Training of {name}", name=visible_text(progress.name)),
        body=join(
            [
                element("p", summarize_progress(progress, translate), class_="choice"),
                _draw_facts(progress, translate),
                *_draw_curves(progress, translate),
            ]
        ),
    )


def summarize_progress(progress: RunProgress, translate: Translate) -> str:
    """Return where the training stands, in one to three sentences."""
    parts = [translate(_STATES[progress.state])]
    if progress.best is not None:
        step, value = progress.best
        sentence = "The best {metric} on the validation part is {value:.4f}, at step {step:,}."
        name = METRICS[progress.metric].title
        parts.append(translate(sentence, metric=translate(name), value=value, step=step))
        last = max(progress.curves, key=lambda curve: curve.steps[-1]).steps[-1]
        if last > 2 * step > 0:
            parts.append(
                translate("No better one was found in the second half: it may be time to stop.")
            )
    return " ".join(parts)


def _draw_facts(progress: RunProgress, translate: Translate) -> Markup:
    facts = {
        "task": progress.task,
        "architecture": progress.architecture,
        "step": f"{progress.step:,}",
    }
    if progress.per_second is not None:
        unit, rate = progress.per_second
        facts[f"{unit} per second"] = f"{rate:,.0f}"
    return table(
        ["", ""],
        [[translate(name), visible_text(value)] for name, value in facts.items() if value],
    )


def _draw_curves(progress: RunProgress, translate: Translate) -> list[Markup]:
    """Draw the losses together, then each metric."""
    losses = [curve for curve in progress.curves if curve.name == "loss"]
    others = [curve for curve in progress.curves if curve.name != "loss"]
    drawn = [_draw(losses, translate("loss"), translate)] if losses else []
    drawn += [_draw([curve], _title(curve, translate), translate) for curve in others]
    return [element("h2", translate("Curves")), element("div", *drawn, class_="side")]


def _title(curve: ProgressCurve, translate: Translate) -> str:
    metric = METRICS.get(curve.name)
    return translate(metric.title if metric is not None else curve.name.replace("_", " "))


def _draw(curves: list[ProgressCurve], title: str, translate: Translate) -> Markup:
    shown = [Line(translate(curve.part), curve.steps, curve.values) for curve in curves]
    return lines(shown, translate("step"), title)


def progress_formats(language: str) -> Formats[RunProgress]:
    """Return the formats of the course of a training in a language: en or ko.

    Raises:
        ConfigError: there is no such language.
    """
    translator(language)
    return Formats({".html": lambda progress: draw_progress(progress, language)})
