"""Language modeling: the next token from those before it.

It needs running text without labels. The score is the cross-entropy in nats per token and, so that
tokenizers can be compared, in bits per character and per byte of the text, line breaks included.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Protocol, Self, cast

import torch
from pydantic import Field
from torch import Tensor, nn

from munjang.config import Settings, merge
from munjang.data.dataset import Dataset
from munjang.data.streams.dataset import StreamDataset
from munjang.decoding.continuous import ContinuousBatch
from munjang.decoding.running_text import running_step, to_decoding, to_running_id
from munjang.decoding.settings import DecodingSettings
from munjang.errors import ConfigError
from munjang.layers.projection import Projected
from munjang.models.language.model import LanguageModel
from munjang.reporting import pluralize
from munjang.tasks.continuous import Beginnings, Opening
from munjang.tasks.explained import ExplainedScores
from munjang.tasks.explained_tokens import explain_next
from munjang.tasks.inference import evaluating
from munjang.tasks.language_scores import LanguageScores
from munjang.tasks.masked_answers import DEFAULT_TOP, read_top
from munjang.tasks.next_tokens import NextTokens, choose_next
from munjang.tasks.shared_loss import MeanLoss
from munjang.tasks.task import Answer, Card, Encoded, Floats, RunSettings
from munjang.tasks.token_task import TokenTask
from munjang.text.columns import Int32s
from munjang.text.continuation import continue_text
from munjang.text.masks import TokenTexts
from munjang.text.plain.continuation import Continuation


class LanguageSettings(Settings):
    """Settings of the task `language`."""

    ngram_order: int = Field(
        8,
        ge=0,
        le=16,
        description="longest n-gram of the Kneser-Ney baseline, whose order is chosen on the "
        "validation part; 0 = no baseline",
    )


class NgramModel(Protocol):
    """An n-gram model of token ids; see `munjang.baselines.kneser_ney.KneserNey`."""

    @property
    def order(self) -> int:
        """Length of the longest n-grams [tokens]."""

    def log_probabilities(self, ids: Any) -> Floats:
        """Return log-probabilities in nats of each token given those before it, [tokens]."""


class Prompts(Encoded, Protocol):
    """Encoded prompts; see `munjang.inputs.stream.EncodedPrompts`."""

    @property
    def rows(self) -> Sequence[Int32s]:
        """The ids of each prompt."""


@dataclass(frozen=True)
class Language(MeanLoss, TokenTask):
    """The task `language`.

    Attributes:
        settings: of the baseline.
        decoding: settings of generation.
        baseline: n-gram model of the training text; None in a model folder.
    """

    settings: LanguageSettings
    decoding: DecodingSettings
    baseline: NgramModel | None = field(default=None, repr=False, compare=False)
    default_top: ClassVar[int] = DEFAULT_TOP
    sections: ClassVar[Mapping[str, type[Settings]]] = {
        "language": LanguageSettings,
        "decoding": DecodingSettings,
    }

    @classmethod
    def check_recipe(cls, recipe: RunSettings) -> None:
        """Refuse labels, a beam, and batches that running text does not have."""
        if recipe.labels is not None:
            raise ValueError("labels: the task language has no labels; leave them out")
        if problem := _refusal(recipe.section("decoding")):
            raise ValueError(problem)
        training = recipe.section("training")
        for name in ("batch_tokens", "length_buckets"):
            if getattr(training, name) is not None:
                raise ValueError(
                    f"training.{name}: rows of running text have data.window tokens each; set "
                    "training.batch_size instead"
                )
        context = getattr(recipe.model, "context", None)
        window = recipe.section("data").window
        if context is not None and window > context:
            raise ValueError(
                f"data.window: rows of {window} tokens, but a token of the model sees {context}; "
                "lower it, or raise model.context"
            )

    @classmethod
    def defaults(cls, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the defaults of decoding: random tokens."""
        return {"decoding": {"method": "sample"}}

    @classmethod
    def restore(cls, recipe: RunSettings) -> Self:
        """Return the task of a model folder."""
        return cls(recipe.section("language"), recipe.section("decoding"))

    def with_decoding(self, changes: Mapping[str, Any]) -> Self:
        """Return the task with other settings of `munjang.decoding.settings.DecodingSettings`.

        Raises:
            ConfigError: an unknown setting, or a value that it cannot take.
        """
        settings = merge(self.decoding.model_dump(exclude_unset=True), changes)
        decoding = DecodingSettings.parse(settings, where="decoding")
        if problem := _refusal(decoding):
            raise ConfigError(problem)
        return replace(self, decoding=decoding)

    def remarks(self, train: Any) -> list[str]:
        """Return no notes."""
        return []

    def dataset(self, encoded: Encoded, rows: Any) -> Dataset:
        """Return the tokens; the target of each is the next one."""
        return encoded.dataset()

    @property
    def ngram_orders(self) -> range:
        """Orders of n-gram models of which the best one is the baseline."""
        return range(1, self.settings.ngram_order + 1)

    def with_ngrams(self, baseline: NgramModel) -> Self:
        """Return the task with an n-gram model of the training text."""
        return replace(self, baseline=baseline)

    def network(self, body: nn.Module) -> nn.Module:
        """Return the language model as it is: it has an output layer."""
        return body

    def loss(self, outputs: Projected, targets: Tensor) -> Tensor:
        """Return the mean cross-entropy of the next tokens in nats, a scalar."""
        return outputs.loss(targets)

    def token_losses(self, network: nn.Module, ids: Int32s) -> Floats:
        """Return the negative log-likelihood of each token but the first, in nats [tokens - 1].

        Args:
            network: the language model.
            ids: one text, [tokens].
        """
        model = cast(LanguageModel, network)
        tokens = torch.from_numpy(ids).long().to(next(network.parameters()).device)
        with evaluating(network), torch.inference_mode():
            losses: Floats = model.negative_log_likelihoods(tokens).double().cpu().numpy()
        return losses

    def validate(self, network: nn.Module, data: Dataset) -> LanguageScores:
        """Return scores of a network on a text, without those of the baseline."""
        stream = cast(StreamDataset, data)
        losses = self.token_losses(network, stream.ids)
        return LanguageScores.from_nats(
            float(losses.sum()),
            rows=len(losses),
            tokens=len(losses),
            characters=stream.characters,
            bytes=stream.bytes,
            unknown_bytes=stream.unknown_bytes,
        )

    def evaluate(self, network: nn.Module, data: Dataset) -> LanguageScores:
        """Return scores of a network on a text, beside those of the baseline if it is known."""
        scores = self.validate(network, data)
        if self.baseline is None:
            return scores
        stream = cast(StreamDataset, data)
        nats = -self.baseline.log_probabilities(stream.ids)[1:]
        name = f"Kneser-Ney, {pluralize(self.baseline.order, 'token')}"
        return scores.with_baseline(name, float(nats.sum()))

    def answers(self, network: nn.Module, encoded: Encoded, **options: Any) -> Sequence[Answer]:
        """Return the likeliest next tokens of each text.

        Args:
            network: the language model.
            encoded: the texts, see `munjang.inputs.stream.EncodedPrompts`.
            options: `top`, the number of tokens per text.

        Raises:
            ConfigError: an option that the task does not have.
        """
        top, texts = read_top(options), TokenTexts(self.fitted_tokenizer)
        answers: list[NextTokens] = []
        with evaluating(network), torch.inference_mode():
            for ids in prompts_of(network, cast(Prompts, encoded).rows):
                model = cast(LanguageModel, network)
                projected, _ = model.read(model.begin(1), ids)
                last = replace(projected, states=projected.states[-1:])
                answers += choose_next(last.logits(), texts, top)
        return answers

    def generate(
        self, network: nn.Module, encoded: Prompts, *, length: int, seed: int = 0
    ) -> Iterator[dict[int, int]]:
        """Continue prompts, all of them together, token by token.

        Args:
            network: the language model.
            encoded: the prompts, see `munjang.inputs.stream.EncodedPrompts`.
            length: number of tokens that are added to each prompt.
            seed: random seed of sampling; what a prompt gets depends on it and on the prompt's
                place alone.

        Yields:
            The next token of each prompt, by its place.
        """
        with evaluating(network), torch.inference_mode():
            batch = self.open_batch(network)
            limit = torch.tensor([length], device=next(network.parameters()).device)
            prompts = list(prompts_of(network, encoded.rows))
            state, first = _read_prompts(network, prompts)
            batch.join(
                state,
                limit.expand(len(prompts)),
                first_ids=first,
                rows=range(len(prompts)),
                seed=seed,
            )
            for step in batch:
                tokens = step.ids_by_key()
                yield {key: to_running_id(token) for key, (token,) in tokens.items()}

    def open_batch(self, network: nn.Module) -> ContinuousBatch:
        """Return an empty batch of texts that are written together."""
        settings = self.decoding.model_copy(update={"allow_unknown": True})
        return ContinuousBatch(running_step(cast(LanguageModel, network).step), settings)

    def begin(self, network: nn.Module, openings: Sequence[Opening]) -> Beginnings:
        """Return the beginnings of texts, see `munjang.tasks.continuous`."""
        rows = [row for opening in openings for row in opening.encoded.rows]
        state, first = _read_prompts(network, list(prompts_of(network, rows)))
        limits = torch.tensor([opening.length for opening in openings], device=first.device)
        texts = [
            _RunningText(self.continue_text(opening.value, opening.stop)) for opening in openings
        ]
        return Beginnings(state, limits, first, texts)

    def continue_text(self, prompt: str, stop: Sequence[str]) -> Continuation:
        """Return the continuation of a prompt, which turns tokens into text."""
        return continue_text(self.fitted_tokenizer, prompt, stop)

    def explain_scores(
        self, network: nn.Module, sides: Sequence[Tensor], wanted: str | None
    ) -> ExplainedScores:
        """Return the logit of the next token, see `explain_next`."""
        return explain_next(network, sides[0], wanted, texts=TokenTexts(self.fitted_tokenizer))

    def card(self, scores: Mapping[str, Any], noun: str) -> Card:
        """Return what the scores mean."""
        return Card(
            kind="language model",
            about="It predicts the next token of a text from those before it.",
            details="",
            limits="It continues texts as its training\ntext would go on, whether true or not.",
        )


@dataclass
class _RunningText:
    """A continuation that reads the ids of decoding."""

    continuation: Continuation

    @property
    def is_ended(self) -> bool:
        return self.continuation.is_ended

    def feed(self, token: int) -> str:
        return self.continuation.feed(to_running_id(token))

    def close(self) -> str:
        return self.continuation.close()


def _read_prompts(network: nn.Module, prompts: Sequence[Tensor]) -> tuple[Any, Tensor]:
    """Return the state after all tokens of prompts, [1, tokens] each, but their last ones.

    Those come with it, [prompts].
    """
    state = cast(LanguageModel, network).read_prompts([ids[0, :-1] for ids in prompts])
    return state, to_decoding(torch.cat([ids[0, -1:] for ids in prompts]))


def _refusal(decoding: DecodingSettings) -> str | None:
    """Return why texts cannot be continued with some settings; None if they can."""
    if decoding.method != "beam":
        return None
    return (
        "decoding.method: a text is continued token by token, so a beam cannot be searched; set "
        "sample or greedy"
    )


def prompts_of(network: nn.Module, rows: Sequence[Int32s]) -> Iterator[Tensor]:
    """Yield the ids of each prompt, [1, tokens] int64, on the device of the network."""
    device = next(network.parameters()).device
    for row in rows:
        yield torch.from_numpy(row).long()[None].to(device)
