"""Options of decoding on the command line, for models that write text."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from munjang.errors import ConfigError

if TYPE_CHECKING:
    from munjang.tasks.task import TaskScores

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
