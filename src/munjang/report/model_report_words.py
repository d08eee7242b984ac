"""Sentences of a report on a model: what was found, and what to do about it."""

from munjang.diagnosis.alerts import Alert, Severity
from munjang.diagnosis.model_report import ModelReport
from munjang.diagnosis.slices import Slice
from munjang.report.errors import name_slice
from munjang.report.wording import Translate

SEVERITY_NAMES: dict[Severity, str] = {"high": "High", "medium": "Medium", "low": "Low"}

# By the kind of an alert: what was found, and what to do.
_ALERTS: dict[str, tuple[str, str]] = {
    "no_better_than_majority": (
        "The accuracy, {score:.1%}, is no better than answering the most frequent label each time "
        "({share:.1%}).",
        "Look whether text and label columns are the right ones; then train longer, or compare "
        "architectures with munjang compare.",
    ),
    "worse_than_validation": (
        "The accuracy, {score:.1%}, is lower than on the validation part of the training, "
        "{validation:.1%}.",
        "These rows differ from the training data: compare lengths, OOV rates and labels below, "
        "and add such rows to the training data.",
    ),
    "better_than_validation": (
        "The accuracy, {score:.1%}, is higher than on the validation part of the training, "
        "{validation:.1%}.",
        "The model may have been trained on these rows. Use rows that it has not seen.",
    ),
    "slice_is_worse": (
        "{kind} {name}: {score:.3f} on {rows:,} rows, {rest:.3f} on all others.",
        "Add training rows like these, or have them answered by a person.",
    ),
    "more_slices": ("{count:,} more slices are worse than the rest.", "See the table of slices."),
    "labels_likely_wrong": (
        "{rows:,} rows ({share:.1%}) have a label that the model contradicts with a probability of "
        "90 % or more: it may be wrong.",
        "Read the first ones below; munjang label-issues lists those of the training data, and "
        "munjang relabel applies corrections.",
    ),
    "labels_contradict": (
        "{rows:,} rows have a text that is there again with another label.",
        "No model can be right on all of them: decide on one label per text.",
    ),
    "too_sure": (
        "The probabilities are too high: the calibration error is {error:.3f}.",
        "munjang calibrate on these rows lowers it to about {after:.3f}.",
    ),
    "too_unsure": (
        "The probabilities are too low: the calibration error is {error:.3f}.",
        "munjang calibrate on these rows lowers it to about {after:.3f}.",
    ),
    "texts_truncated": (
        "{rows:,} texts ({share:.1%}) are longer than the model reads; their ends are ignored.",
        "Train with a higher tokenizer.max_length.",
    ),
    "some_texts_truncated": (
        "{rows:,} texts are longer than the model reads; their ends are ignored.",
        "If the end matters, train with a higher tokenizer.max_length.",
    ),
    "many_oov_tokens": (
        "On average {share:.0%} of the tokens of a row are out of vocabulary.",
        "Train on texts like these, or with tokenizer.name=bpe, which has few unknown tokens.",
    ),
}


def describe_alert(alert: Alert, translate: Translate) -> tuple[str, str]:
    """Return what was found, and what to do."""
    found, advice = _ALERTS[alert.kind]
    values = dict(alert.values)
    part = values.pop("slice", None)
    if isinstance(part, Slice):
        values |= {
            "kind": translate(part.kind),
            "name": name_slice(part, translate),
            "rows": part.rows,
            "score": part.score,
            "rest": part.rest,
        }
    return translate(found, **values), translate(advice, **values)


def describe_verdict(report: ModelReport, translate: Translate) -> str:
    """Return one sentence on how good the model is."""
    errors, facts = report.errors, report.facts
    values = {"rows": errors.rows, "score": errors.score, "low": errors.low, "high": errors.high}
    if errors.score_name != "accuracy":
        return translate(
            "The mean absolute error on {rows:,} rows is {score:.4g} (95 % interval {low:.4g} to "
            "{high:.4g}).",
            **values,
        )
    parts = [
        translate(
            "{score:.1%} of {rows:,} rows are right (95 % interval {low:.1%} to {high:.1%}).",
            **values,
        )
    ]
    if facts.sure_and_wrong is not None:
        share = facts.sure_and_wrong / max(1, facts.rows)
        parts.append(
            translate("{share:.1%} are wrong with a probability of 90 % or more.", share=share)
        )
    return " ".join(parts)


def describe_next_step(report: ModelReport, translate: Translate) -> str:
    """Return what to do first."""
    if report.alerts:
        return " ".join(describe_alert(report.alerts[0], translate))
    return translate("Nothing stands out: the worst rows below show what is left to gain.")


def summarize_report(report: ModelReport, translate: Translate) -> list[str]:
    """Return the verdict, the next step and the alerts, a line each."""
    alerts = []
    for alert in report.alerts:
        found, advice = describe_alert(alert, translate)
        alerts.append(f"[{translate(SEVERITY_NAMES[alert.severity])}] {found} {advice}")
    next_step = f"{translate('Next step')}: {describe_next_step(report, translate)}"
    return [describe_verdict(report, translate), next_step, *alerts]
