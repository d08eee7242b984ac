"""Trained models: recipe, input, task and network; prediction, evaluation and saving."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self, runtime_checkable

import numpy as np
from torch import Tensor, nn

from munjang.config import merge
from munjang.data.collection import collect_texts
from munjang.data.nearest import Hit, NearestRows
from munjang.data.table import Table
from munjang.displayed import Displayed
from munjang.errors import ConfigError, DataError
from munjang.explain.attention import Attention
from munjang.explain.attribution import Explanation
from munjang.explain.surprisal import Surprisal
from munjang.explain.text_surprisal import compute_surprisal
from munjang.explain.why import explain_answer
from munjang.folder.distilled_card import describe_teachers
from munjang.folder.packing import SHRUNK
from munjang.folder.save import (
    IMPORTED,
    STATIC,
    card_page,
    imported_page,
    static_page,
    to_json,
    write_folder,
)
from munjang.inputs.input import Input
from munjang.layers.parameters import count_parameters
from munjang.recipe import Recipe
from munjang.registry import only_for_writers
from munjang.reporting import Report, discard, escape_markdown, pluralize, stage
from munjang.tasks.metric_table import METRICS
from munjang.tasks.task import (
    Answer,
    Calibrates,
    Decodes,
    Encoded,
    Floats,
    Generates,
    GivesLogits,
    GivesProbabilities,
    ScoresTokens,
    Task,
    TaskScores,
)
from munjang.tasks.vectors import Vectors, compute_vectors
from munjang.text.plain.blank import is_blank
from munjang.text.plain.continuation import check_length


@runtime_checkable
class ShowsAttention(Protocol):
    """An input that can show what a network attends to."""

    def attention(
        self, network: nn.Module, task: Any, text: Any, target: str | None = None
    ) -> Attention:
        """Return the attention of a network for one text, or two of a row."""


@runtime_checkable
class EncodesTexts(Protocol):
    """An input of several texts per row, which also encodes a text on its own."""

    def encode_texts(self, texts: Any) -> Encoded:
        """Encode texts from Python, one per row."""


@dataclass(frozen=True, repr=False)
class Model(Displayed):
    """A trained model. It is safe to use from several threads and after a fork.

    Attributes:
        recipe: settings of its training.
        input: fitted input, which reads and encodes rows.
        task: fitted task, which turns outputs of the network into answers.
        network: network in evaluation mode.
        metrics: content of `metrics.json`.
    """

    recipe: Recipe
    input: Input
    task: Task
    network: nn.Module
    metrics: dict[str, Any]

    drawings: ClassVar[str] = "munjang.report.models:MODEL"

    def summary(self) -> str:
        """Return task, input, architecture, number of parameters and labels, and scores."""
        recipe = self.recipe
        parts = [f"{recipe.task} on {recipe.input}", f"{recipe.model_name}"]
        parts.append(pluralize(self.parameters, "parameter"))
        if self.labels:
            parts.append(pluralize(len(self.labels), "label"))
        scores = ", ".join(
            f"{METRICS[name].title} {value:.4f}" for name, value in self.validation_metrics.items()
        )
        return ", ".join(parts) + (f"; validation: {scores}" if scores else "")

    @property
    def parameters(self) -> int:
        """Number of parameters of the network."""
        return count_parameters(self.network)

    @property
    def validation_metrics(self) -> dict[str, float]:
        """Metrics on the validation data by name; empty for a model that was not trained here."""
        scores = self.metrics.get("validation")
        known = scores if isinstance(scores, dict) else {}
        return {
            name: value
            for name, value in known.items()
            if name in METRICS and type(value) in (int, float)
        }

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the labels, in the order of the columns of `predict_proba`; empty if none."""
        return self.task.labels

    def predict(
        self, values: Any, *, abstain: float | None = None, **options: Any
    ) -> Sequence[Answer]:
        """Return an answer per value; a single value counts as a list of one.

        Args:
            values: texts; of a model of two texts pairs (first, second); of an image model paths,
                arrays of uint8 [height, width] or [height, width, 3], or images of Pillow.
            abstain: largest share of wrong answers among the rows that are answered, such as 0.05;
                the other rows get no answer (`answered` is False and `label` None). It holds for
                rows like those of `munjang.calibrate`, which must have calibrated the model. None:
                all rows are answered.
            options: for models that write text: `alignment`, True to add the source piece with
                most attention for each piece of an answer; `seed`, the random seed for sampling.
                Of masked language models `top`, the number of tokens per [MASK].

        Raises:
            DataError: a value cannot be used; its index is named.
            ConfigError: an option that the task does not have, or the model is not calibrated.
        """
        if abstain is not None:
            if not isinstance(self.task, Calibrates):
                raise ConfigError(
                    f"abstain: is for models of the task classify, this one is of "
                    f"{self.recipe.task}"
                )
            options = {**options, "abstain": abstain}
        return self.task.answers(self.network, self.reader.encode_values(values), **options)

    @property
    def reader(self) -> Input:
        """The input of what is predicted for; marks in texts, such as [MASK], are read as such."""
        # asked by name: `isinstance` of a protocol takes as long as a small model's answer
        for_prediction = getattr(self.task, "for_prediction", None)
        reader: Input = self.input if for_prediction is None else for_prediction(self.input)
        return reader

    def predict_proba(self, values: Any) -> Floats:
        """Return probabilities [rows, labels]; columns in the order of `labels`.

        Raises:
            DataError: as `predict`.
            ConfigError: the task has no probabilities.
        """
        task = self.task
        if not (isinstance(task, GivesProbabilities) and isinstance(task, GivesLogits)):
            raise ConfigError(
                f"a model of the task {self.recipe.task} has no probabilities; use predict()"
            )
        return task.probabilities(task.logits(self.network, self.input.encode_values(values)))

    def logits(self, values: Any) -> Tensor:
        """Return the outputs of the head [rows, outputs].

        Raises:
            DataError: as `predict`.
            ConfigError: the task has no vector of logits per row.
        """
        if not isinstance(self.task, GivesLogits):
            raise ConfigError(
                f"a model of the task {self.recipe.task} has logits per token; use predict()"
            )
        return self.task.logits(self.network, self.input.encode_values(values))

    def generate(
        self, prompt: str = "", *, length: int = 200, seed: int = 0, stop: Sequence[str] = ()
    ) -> Iterator[str]:
        """Continue a text: yield the prompt, and then what is added as soon as it is certain.

        Joined, the parts are the whole text. Settings of sampling are those of the section
        `decoding`; see `with_decoding`.

        Args:
            prompt: the beginning; an empty one is the beginning of a line. A last syllable that
                may go on, as it may with tokens smaller than a syllable, comes with what follows.
            length: number of tokens that are added, 1 or more.
            seed: random seed; the same one repeats the text.
            stop: strings, or a single one, at which the text ends; they are not yielded.

        Raises:
            ConfigError: the model continues no texts, or `length` is out of range.
            DataError: the prompt is no string.
        """
        if not isinstance(self.task, Generates):
            raise ConfigError(
                f"a model of the task {self.recipe.task} continues no texts; expected one of the "
                "task language"
            )
        check_length(length)
        if not isinstance(prompt, str):
            raise DataError(f"prompt: expected a string, got {type(prompt).__name__}")
        return self._generate(self.task, prompt, length, seed, stop)

    def _generate(
        self, task: Generates, prompt: str, length: int, seed: int, stop: Sequence[str]
    ) -> Iterator[str]:
        encoded = self.input.encode_values(prompt)
        steps = task.generate(self.network, encoded, length=length, seed=seed)
        yield from task.continue_text(prompt, stop).parts(step[0] for step in steps)

    def surprisal(self, text: str) -> Surprisal:
        """Return the surprisal of each part of a text, whose beginning is that of a line.

        Args:
            text: the text; it may have several lines.

        Raises:
            DataError: the text is empty.
            ConfigError: the model is no language model.
        """
        task = self.task
        if not isinstance(task, ScoresTokens):
            raise ConfigError(
                f"a model of the task {self.recipe.task} gives tokens no probabilities; expected "
                "one of the task language"
            )
        losses = partial(task.token_losses, self.network)
        return compute_surprisal(text, task.fitted_tokenizer, losses)

    def embed(self, values: Any, *, pooling: str | None = None, normalize: bool = False) -> Vectors:
        """Return a vector per value, float32 [values, dim]; a single value counts as a list of one.

        Args:
            values: texts, also of a model of two texts; of an image model as for `predict`.
            pooling: mean, first or max of the states of all tokens, or pooled, the vector that
                the head of the task reads. If omitted, the pooling that the model was trained
                with, else mean, or pooled if it has no states.
            normalize: divide each vector by its length, so that products of vectors are cosines.

        Raises:
            DataError: a value cannot be used; its index is named.
            ConfigError: the model has no such vectors.
        """
        encoded = self.encode_texts(values)
        network = encoded.adapt(self.network)
        return compute_vectors(network, encoded.dataset(), pooling=pooling, normalize=normalize)

    def encode_texts(self, values: Any) -> Encoded:
        """Encode values as `embed` reads them: texts one by one, also of a model of two texts.

        Raises:
            DataError: a value cannot be used; its index is named.
        """
        if isinstance(self.input, EncodesTexts):
            return self.input.encode_texts(values)
        return self.input.encode_values(values)

    def search(
        self, texts: Any, queries: Any, *, k: int = 10, pooling: str | None = None
    ) -> list[list[Hit]]:
        """Return the `k` texts nearest to each query by cosine of their vectors, the nearest first.

        `munjang.search` reads files of any size.

        Args:
            texts: texts in memory; blank ones are left out. Hits have their indices as `row`.
            queries: texts; a single one counts as a list of one.
            k: most hits per query.
            pooling: as for `embed`.

        Raises:
            DataError: a text or a query cannot be used; its index is named.
            ConfigError: the model has no such vectors, or `k` is out of range.
        """
        known = collect_texts(texts)
        rows = np.array([row for row, text in enumerate(known) if text], dtype=np.int64)
        nearest = NearestRows(self.embed_queries(queries, pooling=pooling), k)
        chosen = [known[row] for row in rows.tolist()]
        nearest.add(self.embed(chosen, pooling=pooling), rows, chosen)
        return nearest.hits()

    def embed_queries(self, queries: Any, *, pooling: str | None = None) -> Vectors:
        """Return the vectors of queries [queries, dim].

        Raises:
            DataError: a query is blank, or cannot be used; its index is named.
            ConfigError: as `embed`.
        """
        known = collect_texts(queries)
        blank = next((place for place, text in enumerate(known) if is_blank(text)), None)
        if blank is not None:
            raise DataError(f"queries[{blank}]: expected a text to search for, got a blank one")
        return self.embed(known, pooling=pooling)

    def evaluate(
        self, data: Any, reading: Mapping[str, Any] | None = None, report: Report = discard
    ) -> TaskScores:
        """Return scores on data that the model has not seen.

        Args:
            data: data, read with the settings of the training.
            reading: settings of the section `data` that differ, such as `label_column`.
            report: called with lines for people.

        Raises:
            DataError: a row cannot be used, or its label was never seen in training.
            ConfigError: a setting of another input.
        """
        rows = self.read(data, reading, report)
        encoded = self.input.encode(rows)
        dataset = self.task.dataset(encoded, rows)
        with stage(f"scoring {pluralize(len(rows), 'answer')}"):
            return self.task.evaluate(encoded.adapt(self.network), dataset)

    def read(
        self,
        data: Any,
        reading: Mapping[str, Any] | None = None,
        report: Report = discard,
        *,
        labeled: bool = True,
    ) -> Table:
        """Return rows of data.

        Args:
            data: data, read with the settings of the training.
            reading: settings of the section `data` that differ, such as `label_column`.
            report: called with lines for people.
            labeled: read the targets too, of a task that has a column of them.

        Raises:
            DataError: a row cannot be used.
            ConfigError: a setting of another input.
        """
        input_class = type(self.input)
        trained_with = input_class.reading_settings(self.recipe, data)
        section = type(self.recipe.section("data"))
        settings = section.parse({**trained_with, **(reading or {})}, where="data")
        recipe = self.recipe.model_copy(update={"data": settings})
        reader = type(self.task).reader(recipe) if labeled else None
        return input_class.read(data, recipe, reader, report)

    def attention(self, text: Any, target: str | None = None) -> Attention:
        """Return the attention of the model for one text.

        Args:
            text: the text, (first, second) for models of two texts, or the source for models that
                write text.
            target: an answer to show; the model's own if omitted.

        Raises:
            DataError: the text has no token.
            ConfigError: the model has no attention, or `target` is given to a model that writes no
                text.
        """
        if not isinstance(self.input, ShowsAttention):
            raise ConfigError(
                f"{self.recipe.model_name}: attention is available for texts; the input is "
                f"{self.recipe.input}"
            )
        return self.input.attention(self.network, self.task, text, target)

    def why(
        self,
        value: Any,
        *,
        method: str | None = None,
        label: str | None = None,
        baseline: str | None = None,
        target: str | None = None,
    ) -> Explanation:
        """Return how much each word of a text gives to the answer.

        Args:
            value: a text, or (first, second) for models of two texts.
            method: exact, integrated, gradient or leave_one_out; exact where there is one (`mean`
                and `cnn`), else integrated, if omitted.
            label: class, label or token to explain; that of the answer if omitted.
            baseline: what stands for "no text": zero or oov; for leave_one_out oov or deleted. If
                omitted zero, but oov for leave_one_out and for BERT.
            target: answer to explain, of models that write text; the model's own if omitted.

        Raises:
            DataError: the text has no token.
            ConfigError: an argument that this model does not have.
        """
        return explain_answer(
            self, value, method=method, label=label, baseline=baseline, target=target
        )

    def with_decoding(self, changes: Mapping[str, Any]) -> Self:
        """Return the model with other decoding settings.

        Raises:
            ConfigError: the model writes no text, or a setting is invalid.
        """
        if not isinstance(self.task, Decodes):
            raise ConfigError(only_for_writers(next(iter(changes), "decoding")))
        return replace(self, task=self.task.with_decoding(changes))

    def save(self, folder: str | Path) -> Path:
        """Write the model folder; files of an earlier model in it are replaced.

        Raises:
            FolderError: another process writes there, or the folder is not writable.
        """
        return write_folder(
            folder,
            config=merge(self.recipe.to_dict(), self.task.state()),
            network=self.network,
            metrics=self.metrics,
            card=model_card(self),
            others={name: to_json(values) for name, values in self.input.files().items()},
        )


def model_card(model: Model) -> str:
    """Return the model card, `README.md` of a model folder."""
    recipe, fitted = model.recipe, model.input
    for section, page in ((IMPORTED, imported_page), (STATIC, static_page)):
        if section in model.metrics:
            return page(
                model.metrics[section],
                made_of=f"Architecture `{recipe.model_name}`{fitted.made_of}, "
                f"{count_parameters(model.network):,} parameters, task `{recipe.task}`.",
                limits=fitted.limits,
            )
    card = model.task.card(model.metrics["validation"], fitted.noun)
    example, row = recipe.example, recipe.input_row
    value = example if example.startswith('"') else f'"{example}"'
    if row.in_python is not None and example == row.example:
        value = row.in_python
    numbers = count_parameters(model.network)
    ensemble = f"; {fitted.ensemble}" if fitted.ensemble else ""
    return card_page(
        card,
        model.metrics,
        made_of=f"Architecture `{recipe.model_name}`{fitted.made_of}, {numbers:,} parameters"
        f"{ensemble}.",
        rows=f"{fitted.row}s",
        in_python=f"[{value}]",
        typed=example,
        limits=f"It knows only what was in its training data. {card.limits} {fitted.limits} "
        "Check it on your own data before you rely on it.",
        teachers=describe_teachers(model.metrics.get("distillation"))
        + _describe_shrinking(model.metrics.get(SHRUNK)),
        began=_describe_beginning(model.metrics["training"].get("pretrained")),
    )


def _describe_shrinking(shrunk: Mapping[str, Any] | None) -> str:
    """Return the section on a model whose weights were pruned and quantized; "" for others."""
    if shrunk is None:
        return ""
    return (
        "## How it was shrunk\n\n"
        f"{shrunk['rows']:,} of {shrunk['all_rows']:,} rows of its embedding tables were kept, and "
        "its weights quantized,\nfor a folder of at most "
        f"{shrunk['size']:,} bytes. The scores above are those from before.\n\n"
    )


def _describe_beginning(pretrained: Mapping[str, Any] | None) -> str:
    """Return the sentence on the model folder that a model began from; "" if there is none."""
    if pretrained is None:
        return ""
    name, task = (escape_markdown(str(pretrained[key]), 300) for key in ("source", "task"))
    return f" Its encoder began from the model `{name}` (task {task})."
