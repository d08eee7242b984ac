"""Pairs of texts on the command line: where they stand, and how answers are looked for."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from munjang.errors import ConfigError

if TYPE_CHECKING:
    from munjang.folder.load import AnyModel
    from munjang.tasks.task import Answer, TaskScores

Ask = Callable[[Sequence[str]], "Sequence[Answer]"]


def data_or_pairs(
    data: Sequence[str] | None, source: Sequence[str] | None, target: Sequence[str] | None
) -> Any:
    """DATA, or the files of --source and --target.

    Raises:
        ConfigError: both, neither, or one of the two files alone.
    """
    pairs = _aligned(source, target, "--source", "--target")
    if data and pairs is not None:
        raise ConfigError("give DATA, or --source and --target, not both")
    if not data and pairs is None:
        raise ConfigError(
            "give DATA: a file to read; or --source and --target with --task translate"
        )
    return pairs if pairs is not None else list(data or ())


def held_out_or_pairs(
    option: str, given: str | None, source: str | None, target: str | None
) -> Any:
    """What `option` names, such as --valid, or the files of --valid-source and --valid-target.

    Raises:
        ConfigError: both, or one of the two files alone.
    """
    sources, targets = ([] if name is None else [name] for name in (source, target))
    pairs = _aligned(sources, targets, f"{option}-source", f"{option}-target")
    if given is not None and pairs is not None:
        raise ConfigError(f"give {option}, or {option}-source and {option}-target, not both")
    return pairs if pairs is not None else given


def _aligned(source: Sequence[str] | None, target: Sequence[str] | None, *names: str) -> Any:
    if not source and not target:
        return None
    if not source or not target:
        raise ConfigError(f"{names[0]} and {names[1]} go together: line by line they make pairs")
    from munjang.data.pairs.aligned import AlignedFiles

    return AlignedFiles(list(source), list(target))


def decoding_settings(
    beam: int | None, nbest: int | None, settings: Sequence[str] | None
) -> dict[str, Any]:
    """What was asked of decoding; --set wins, and --beam 1 leaves nothing of a wider one.

    Raises:
        ConfigError: a setting of something else.
    """
    from munjang.config import merge, parse_overrides

    given = parse_overrides(settings or ())
    other = next((key for key in given if key != "decoding"), None)
    if other is not None:
        raise ConfigError(
            f"--set {other}: only settings of decoding can change after training, such as "
            "decoding.length_penalty=1"
        )
    named: dict[str, Any] = {"beam": beam, "nbest": nbest}
    if nbest is not None and beam is None and "beam" not in given.get("decoding", {}):
        named["beam"] = max(nbest, 5)
    return merge({k: v for k, v in named.items() if v is not None}, given.get("decoding", {}))


def asking(model: "AnyModel", decoding: dict[str, Any], *, align: bool, seed: int) -> Ask:
    """From texts to answers, in the way that was asked for.

    Raises:
        ConfigError: the model writes no text, and something that only concerns texts was asked.
    """
    asked = {**decoding, **({"align": True} if align else {}), **({"seed": seed} if seed else {})}
    if not asked:
        return model.predict
    from munjang.api import require_decoding

    wrote = require_decoding(model, asked)
    if decoding:
        wrote = wrote.with_decoding(decoding)
    return partial(wrote.predict, alignment=align, seed=seed)


def write_hypotheses(path: str, scores: "TaskScores") -> None:
    """Write all answers, one a line, so that line n answers pair n.

    Raises:
        ConfigError: the model wrote none.
    """
    from munjang.cli.output import shown
    from munjang.folder.manifest import write_atomically

    answers = getattr(scores, "hypotheses", None)
    if answers is None:
        raise ConfigError("--hypotheses: is for models that answer with a text (task translate)")
    write_atomically(Path(path), "".join(f"{shown(answer)}\n" for answer in answers))
