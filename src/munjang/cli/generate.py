"""`munjang generate`: a text that a language model continues, as it is written."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Protocol, Self, runtime_checkable

import typer

from munjang.cli.options import DecodingSettings, ModelFolder
from munjang.cli.output import flush, show_part
from munjang.errors import ConfigError
from munjang.stopping import raise_on_signals


@runtime_checkable
class ContinuesTexts(Protocol):
    """A model or a baseline that continues texts, or says why it does not."""

    def generate(
        self, prompt: str, *, length: int, seed: int, stop: Sequence[str]
    ) -> Iterator[str]:
        """Yield the prompt, and what follows it."""

    def with_decoding(self, changes: Mapping[str, Any]) -> Self:
        """Return the model with other decoding settings."""


def generate(
    folder: ModelFolder,
    prompt: Annotated[
        str, typer.Option(metavar="TEXT", help="Beginning of the text.  [default: a new line]")
    ] = "",
    length: Annotated[
        int, typer.Option(metavar="N", min=1, help="Number of tokens that are added.")
    ] = 200,
    temperature: Annotated[
        float | None,
        typer.Option(metavar="T", help="Below 1 prefers likely tokens.  [default: 1]"),
    ] = None,
    top_k: Annotated[
        int | None, typer.Option(metavar="K", help="Draw from the K likeliest tokens.")
    ] = None,
    top_p: Annotated[
        float | None,
        typer.Option(metavar="P", help="Draw from the fewest tokens of probability P together."),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Random seed.")] = 0,
    stop: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TEXT", help="End before this text; \\\\n is a line break. Repeatable."
        ),
    ] = None,
    settings: DecodingSettings = None,
) -> None:
    """Continue a text with a language model, token by token.

    \b
    Examples:
      munjang generate my-model --prompt "ROMEO:" --length 500 --temperature 0.8
      munjang generate my-model --prompt "이 영화는" --stop "\\n" --seed 3
      munjang generate my-model --set decoding.method=greedy
    """
    from munjang.cli.decoding import decoding_settings
    from munjang.folder.load import load

    raise_on_signals()
    if not 0 <= seed < 2**63:
        raise ConfigError(f"--seed: expected 0 or more and below 2^63, got {str(seed)[:40]}")
    named: dict[str, Any] = {"temperature": temperature, "top_k": top_k, "top_p": top_p}
    changes = decoding_settings(None, None, settings)
    changes |= {key: value for key, value in named.items() if value is not None}
    model = load(folder)
    if not isinstance(model, ContinuesTexts):
        raise ConfigError(f"{folder}: {model.name} is a baseline, which continues no texts")
    ends = [text.replace("\\n", "\n") for text in stop or ()]
    if changes:
        model = model.with_decoding(changes)
    for part in model.generate(prompt, length=length, seed=seed, stop=ends):
        show_part(part)
    show_part("\n")
    flush()
