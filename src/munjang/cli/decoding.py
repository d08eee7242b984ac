"""Options of decoding on the command line, for models that write text."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from munjang.errors import ConfigError

if TYPE_CHECKING:
    from munjang.folder.load import AnyModel
    from munjang.tasks.task import TaskScores

Predict = Callable[[Sequence[str]], Sequence[Any]]

# Beam size if several answers are asked for and no size is given.
_BEAM = 5


def decoding_settings(
    beam: int | None, nbest: int | None, settings: Sequence[str] | None
) -> dict[str, Any]:
    """Return the decoding settings of --beam, --nbest and --set; --set wins.

    Raises:
        ConfigError: --set names a setting of something else.
    """
    from munjang.config import merge, parse_overrides

    given = parse_overrides(settings or ())
    other = next((key for key in given if key != "decoding"), None)
    if other is not None:
        raise ConfigError(
            f"--set {other}: only settings of decoding can change after training, such as "
            "decoding.length_penalty=1"
        )
    named: dict[str, Any] = {"nbest": nbest, "beam": beam}
    if nbest is not None and beam is None and "beam" not in given.get("decoding", {}):
        named["beam"] = max(nbest, _BEAM)
    return merge({k: v for k, v in named.items() if v is not None}, given.get("decoding", {}))


def predict_with(
    model: "AnyModel",
    decoding: dict[str, Any],
    *,
    align: bool,
    seed: int,
    top: int | None = None,
    abstain: float | None = None,
) -> Predict:
    """Return the function from texts to answers, with these options.

    Raises:
        ConfigError: the seed is out of range, or the model writes no text and an option of
            decoding is given, or it fills no masks and `top` is given, or it knows no risk and
            `abstain` is given.
    """
    if not 0 <= seed < 2**63:
        raise ConfigError(f"--seed: expected 0 or more and below 2^63, got {str(seed)[:40]}")
    options = {**decoding, **({"align": True} if align else {}), **({"seed": seed} if seed else {})}
    if abstain is not None:
        return _predict_selectively(model, abstain, options, top)
    if top is not None:
        from munjang.model import Model
        from munjang.tasks.task import RanksTokens

        if not isinstance(model, Model) or not isinstance(model.task, RanksTokens):
            raise ConfigError(
                "--top: is for models that predict masked or next tokens (task masked_lm or "
                "language), or near words (task vectors)"
            )
        if options:
            raise ConfigError("--top and options of decoding are for different models; give one")
        return partial(model.predict, top=top)
    if not options:
        return model.predict
    from munjang.api import require_decoding

    writer = require_decoding(model, options)
    if decoding:
        writer = writer.with_decoding(decoding)
    return partial(writer.predict, alignment=align, seed=seed)


def _predict_selectively(
    model: "AnyModel", risk: float, options: dict[str, Any], top: int | None
) -> Predict:
    """Return the function from texts to answers, some of which are none.

    Raises:
        ConfigError: other options are given, or the model is not calibrated.
    """
    from munjang.model import Model
    from munjang.tasks.calibration import NOT_CALIBRATED
    from munjang.tasks.task import Calibrates

    if options or top is not None:
        other = next(iter(options), "top")
        raise ConfigError(f"--abstain and --{other} are for different models; give one")
    if not isinstance(model, Model) or not isinstance(model.task, Calibrates):
        raise ConfigError("--abstain: is for models of the task classify")
    if model.task.calibration is None:
        raise ConfigError(f"--abstain: {NOT_CALIBRATED}")
    model.task.calibration.find_threshold(risk)  # refused before a text is read
    return partial(model.predict, abstain=risk)


def write_hypotheses(path: str, scores: "TaskScores") -> None:
    """Write all answers, one per line: line n answers pair n.

    Raises:
        ConfigError: the model writes no text.
    """
    from munjang.folder.manifest import write_atomically
    from munjang.registry import only_for_writers
    from munjang.reporting import escape_line
    from munjang.tasks.score_details import HasHypotheses

    if not isinstance(scores, HasHypotheses):
        raise ConfigError(only_for_writers("--hypotheses"))
    write_atomically(
        Path(path), "".join(f"{escape_line(answer)}\n" for answer in scores.hypotheses)
    )
