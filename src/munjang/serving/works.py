"""Works of the engine: answers, vectors and explanations of texts, neighbors of words."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from munjang.serving.backend import Embeds, Explains, HasWords
from munjang.serving.models import ServedModel


def _predict(served: ServedModel, values: Sequence[Any], options: Mapping[str, Any]) -> Any:
    return served.backend.predict(values, **options)


def _decode(served: ServedModel, values: Sequence[Any], options: Mapping[str, Any]) -> Any:
    answering = {key: options[key] for key in ("alignment", "seed") if key in options}
    decoding = {key: value for key, value in options.items() if key not in answering}
    model = served.backend
    if decoding:
        model = cast(Any, model).with_decoding(decoding)
    return model.predict(values, **answering)


def _embed(served: ServedModel, values: Sequence[Any], options: Mapping[str, Any]) -> Any:
    return cast(Embeds, served.backend).embed(values, **options)


def _explain(served: ServedModel, values: Sequence[Any], options: Mapping[str, Any]) -> Any:
    explain = cast(Explains, served.backend).why
    return [explain(value, **options) for value in values]


def _find_neighbors(served: ServedModel, values: Sequence[Any], options: Mapping[str, Any]) -> Any:
    return cast(HasWords, served.backend).neighbors(values, **options)


@dataclass(frozen=True)
class TextWork:
    """A function of texts with its model and options; see `munjang.serving.jobs.Work`.

    Attributes:
        served: the model.
        run_with: model, values and options to results, one per value.
        options: further arguments, sorted by name.
        is_slow: whether it takes a thread of its own, so that answers need not wait for it.
        is_shared: whether texts of several requests may share a batch; False where a result
            depends on its place in the batch, as the draws of sampling do.
    """

    served: ServedModel
    run_with: Callable[[ServedModel, Sequence[Any], Mapping[str, Any]], Sequence[Any]]
    options: tuple[tuple[str, Any], ...] = ()
    is_shared: bool = True
    is_slow: bool = False

    def run(self, values: Sequence[Any]) -> Sequence[Any]:
        """Return a result per value."""
        return self.run_with(self.served, values, dict(self.options))


def predicting(served: ServedModel, **options: Any) -> TextWork:
    """Return the work of `Backend.predict`; options that are None are left out."""
    return TextWork(served, _predict, _given(options))


def decoding(served: ServedModel, **options: Any) -> TextWork:
    """Return the work of `Backend.predict` with settings of decoding, `alignment` and `seed`."""
    given = _given(options)
    return TextWork(served, _decode, given, is_shared="seed" not in dict(given))


def embedding(served: ServedModel, **options: Any) -> TextWork:
    """Return the work of `Embeds.embed`."""
    return TextWork(served, _embed, _given(options))


def finding_neighbors(served: ServedModel, *, k: int) -> TextWork:
    """Return the work of `HasWords.neighbors`, which computes the vectors of all words at first."""
    return TextWork(served, _find_neighbors, _given({"k": k}), is_slow=True)


def explaining(served: ServedModel, **options: Any) -> TextWork:
    """Return the work of `Explains.why`, which may take a hundred times as long as an answer."""
    return TextWork(served, _explain, _given(options), is_shared=False, is_slow=True)


def _given(options: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple(sorted((key, value) for key, value in options.items() if value is not None))
