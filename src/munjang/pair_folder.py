"""The model folder from text to text: two tokenizers, or one for both sides."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn, Self, cast

import numpy as np
import polars as pl
import torch
from torch import nn

from munjang.config import merge
from munjang.contents import card_page, to_json, write_folder
from munjang.data.batches import truncate
from munjang.data.columns import text_column
from munjang.data.pairs.examples import PairExamples
from munjang.data.pairs.settings import SideSettings
from munjang.data.pairs.sides import Sides
from munjang.data.table import Table
from munjang.decoding.hypotheses import Hypothesis
from munjang.decoding.settings import DecodingSettings
from munjang.errors import ConfigError, DataError
from munjang.explain.attention import EOS_SHOWN, Attention, from_looks
from munjang.explain.text_attention import shown_tokens
from munjang.layout import (
    CARD,
    FILES,
    TARGET_TOKENIZER,
    TARGET_VOCABULARY,
    TOKENIZER,
    VOCABULARY,
)
from munjang.loading import load_metrics, load_network, load_recipe, load_tokenizer, reading_metrics
from munjang.models.registry import build_encoder_decoder
from munjang.models.sequence_to_sequence.model import EncoderDecoder
from munjang.pair_preparation import encode_pairs, task_of, vocabularies_of
from munjang.pair_recipe import PairRecipe
from munjang.recipe import DataSettings
from munjang.sealed import SealedFolder, as_folder_errors, open_sealed
from munjang.tasks.alignment import links, target_pieces
from munjang.tasks.inference import compute_alone_if_forked
from munjang.tasks.text_answers import Candidate, TextAnswer
from munjang.tasks.translate import Translate, column_of, hypotheses_of
from munjang.tasks.translation_scores import TranslationScores
from munjang.text.capitals import sign_ids
from munjang.text.columns import TokenColumn, row_lengths, values_and_offsets
from munjang.text.tokenizer import Tokenizer

Bools = np.ndarray[tuple[int], np.dtype[np.bool_]]

_OF_TARGETS = (TARGET_TOKENIZER, TARGET_VOCABULARY)

# The answer to an empty text.
NOTHING = Hypothesis((), 0.0, 0.0, finished=True)


@dataclass(frozen=True)
class PairModel:
    """A trained model from text to text: tokenizers, network and task.

    Attributes:
        recipe: how it was made.
        sides: the tokenizers.
        task: how answers are written and judged.
        network: in evaluation mode.
        metrics: what `metrics.json` holds.
    """

    recipe: PairRecipe
    sides: Sides
    task: Translate
    network: nn.Module
    metrics: dict[str, Any]

    @property
    def columns(self) -> DataSettings:
        """The column of sources and the encoding of the files that it was trained on."""
        data = self.recipe.data
        return DataSettings(text_column=data.source_column, encoding=data.encoding)

    @property
    def labels(self) -> tuple[str, ...]:
        """None: it answers with texts."""
        return ()

    def usable(
        self, texts: Sequence[str], skipped: Counter[str] | None
    ) -> tuple[Sequence[int], Sequence[str]]:
        """Places from 1, and texts, of those that can be answered.

        All can, unless `tokenizer.too_long` is refuse; then the others are counted.
        """
        places = range(1, len(texts) + 1)
        if skipped is None or self.recipe.tokenizer.too_long == "cut":
            return places, texts
        long = self._too_long(self.sides.source.encode(text_column(texts)))
        if long.any():
            skipped[f"more than {self.recipe.tokenizer.source.max_length} tokens"] += int(
                long.sum()
            )
        kept = np.flatnonzero(~long).tolist()
        return [places[k] for k in kept], [texts[k] for k in kept]

    def predict(
        self,
        texts: str | Iterable[str],
        *,
        alignment: bool = False,
        seed: int = 0,
    ) -> list[TextAnswer]:
        """An answer to each text. One string counts as a list of one.

        Args:
            texts: sources. One in which nothing can be seen has an empty answer, of score 0.
            alignment: give what each token of an answer took most from.
            seed: of sampling.

        Raises:
            DataError: a text is None or not a string, or too long where that is refused; its place
                is named.
        """
        column = text_column(texts)
        encoded, truncated = self._encoded(column)
        found = self._found(encoded, seed=seed, with_attention=alignment)
        found = [
            best if length else [NOTHING]
            for best, length in zip(found, row_lengths(encoded), strict=True)
        ]
        candidates = self._candidates(column.to_list(), found, alignment=alignment)
        several = self.task.decoding.nbest > 1
        return [
            TextAnswer(best, truncated=bool(cut), several=several)
            for best, cut in zip(candidates, truncated, strict=True)
        ]

    def evaluate(self, table: Table) -> TranslationScores:
        """Judge the answers to the sources of pairs, of any length, by their targets."""
        pairs = encode_pairs(self.sides, table)
        sources = self._truncated(pairs.sources)
        return self.task.concluded(self.network, replace(pairs, sources=sources))[1]

    def attention(self, text: str, target: str | None = None) -> Attention:
        """What the words of an answer take from the words of `text`, and from one another.

        Args:
            text: the source.
            target: an answer to look at; the model's own when left out.

        Raises:
            ConfigError: the model attends to nothing.
            DataError: the source is empty, or the target too long.
        """
        if not self.recipe.model.has_attention:
            raise ConfigError(
                f"{self.recipe.model_name} attends to nothing; attentive and transformer do"
            )
        encoded, truncated = self._encoded(text_column([text]))
        if not row_lengths(encoded)[0]:
            raise DataError("expected a text to look at, got an empty one")
        if target is None:
            best = self._found(encoded)[0][0]
            ids, answer = best.ids, self.task.texts_of([best], [text])[0]
        else:
            column = self.sides.target.encode(text_column([target]))
            ids, answer = tuple(values_and_offsets(column)[0].tolist()), target
            most = self.recipe.tokenizer.target.max_length
            if len(ids) > most:
                raise DataError(
                    f"the target has {len(ids):,} tokens, and the model reads up to {most:,} "
                    "(tokenizer.target.max_length); shorten it"
                )
        batch = next(PairExamples(encoded, column_of([ids])).in_order_of_length())
        compute_alone_if_forked()
        with torch.inference_mode():
            looks = cast(EncoderDecoder, self.network).attention_weights(*batch.inputs)
        return from_looks(
            looks,
            _source_pieces(self.sides, text)[: batch.source.shape[1]],
            [*target_pieces(self.sides, ids), EOS_SHOWN],
            text=text,
            answer=answer,
            truncated=bool(truncated[0]),
        )

    def predict_proba(self, texts: Any) -> NoReturn:
        """None: refused."""
        raise ConfigError("a model of the task translate gives texts, no probabilities: predict()")

    def logits(self, texts: Any) -> NoReturn:
        """None: refused."""
        raise ConfigError("a model of the task translate has logits a token: predict()")

    def save(self, folder: str | Path) -> Path:
        """Write the model folder; files of an earlier model in it are replaced."""
        sides = self.sides
        others = {TOKENIZER: sides.source.to_json(), VOCABULARY: sides.source.vocabulary.to_json()}
        if not sides.shared:
            others[TARGET_TOKENIZER] = sides.target.to_json()
            others[TARGET_VOCABULARY] = sides.target.vocabulary.to_json()
        return write_folder(
            folder,
            config=merge(self.recipe.to_dict(), self.task.learned()),
            network=self.network,
            metrics=self.metrics,
            card=pair_card(self),
            others={name: to_json(state) for name, state in others.items()},
        )

    def decoding_otherwise(self, decoding: Mapping[str, Any]) -> Self:
        """The same model with other settings of `munjang.decoding.settings.DecodingSettings`.

        Raises:
            ConfigError: an unknown setting, or one that the model cannot follow.
        """
        wanted = merge(self.recipe.decoding.model_dump(exclude_unset=True), decoding)
        settings = DecodingSettings.parse(wanted, where="decoding")
        recipe = self.recipe.model_copy(update={"decoding": settings})
        return replace(self, recipe=recipe, task=task_of(recipe, self.sides))

    def _found(
        self, sources: TokenColumn, *, seed: int = 0, with_attention: bool = False
    ) -> list[list[Hypothesis]]:
        return hypotheses_of(
            self.network,
            PairExamples(sources, sources),
            self.task.decoding,
            seed=seed,
            with_attention=with_attention or self.task.settings.copy_unknown,
        )

    def _encoded(self, texts: pl.Series) -> tuple[TokenColumn, Bools]:
        """Sources as ids, and which were cut."""
        column, settings = self.sides.source.encode(texts), self.recipe.tokenizer
        long = self._too_long(column)
        if long.any() and settings.too_long == "refuse":
            place = int(np.argmax(long))
            raise DataError(
                f"a text of {row_lengths(column)[place]:,} tokens; this model takes up to "
                f"{settings.source.max_length} (tokenizer.source.max_length)",
                row=place + 1,
            )
        return self._truncated(column), long

    def _truncated(self, sources: TokenColumn) -> TokenColumn:
        most, signs = (
            self.recipe.tokenizer.source.max_length,
            sign_ids(self.sides.source.vocabulary),
        )
        return truncate(sources, most, signs=signs)[0]

    def _too_long(self, column: TokenColumn) -> Bools:
        return np.asarray(row_lengths(column) > self.recipe.tokenizer.source.max_length)

    def _candidates(
        self, texts: Sequence[str], found: Sequence[Sequence[Hypothesis]], *, alignment: bool
    ) -> list[tuple[Candidate, ...]]:
        """The hypotheses of each text as people read them."""
        asked = [text for text, best in zip(texts, found, strict=True) for _ in best]
        flat = [one for best in found for one in best]
        written = self.task.texts_of(flat, asked)
        made = (
            Candidate(
                text=answer,
                score=one.score,
                log_probability=one.log_probability,
                finished=one.finished,
                alignment=links(self.sides, text, one) if alignment else None,
            )
            for text, one, answer in zip(asked, flat, written, strict=True)
        )
        return [tuple(islice(made, len(best))) for best in found]


def load_pairs(folder: str | Path | SealedFolder) -> PairModel:
    """The model from text to text in `folder`, ready to predict. No random number is drawn.

    Raises:
        FolderError: the folder is missing, unfinished, altered, or of another format.
    """
    with as_folder_errors(folder):
        sealed = open_sealed(folder)
        sealed.expect(FILES, or_also=_OF_TARGETS)
        recipe = load_recipe(sealed, PairRecipe)
        asked = recipe.tokenizer
        sealed.expect(FILES if asked.shared else (*FILES, *_OF_TARGETS))
        source = target = _tokenizer(sealed, (TOKENIZER, VOCABULARY), asked.source)
        if not asked.shared:
            target = _tokenizer(sealed, _OF_TARGETS, asked.target)
        sides = Sides(source, target)
        network = load_network(
            sealed, lambda: build_encoder_decoder(recipe.model, vocabularies_of(sides))
        )
        metrics = load_metrics(sealed)
        sealed.check(CARD)
        model = PairModel(recipe, sides, task_of(recipe, sides), network, metrics)
        with reading_metrics(sealed):
            pair_card(model)  # whoever saves it again writes one
        return model


def _tokenizer(sealed: SealedFolder, files: tuple[str, str], asked: SideSettings) -> Tokenizer:
    return load_tokenizer(sealed, *files, name=asked.name, settings=asked.settings)


def pair_card(model: PairModel) -> str:
    """`README.md` of the folder."""
    card = model.task.card(model.metrics["validation"])
    numbers = sum(p.numel() for p in model.network.parameters())
    sides = model.recipe.tokenizer
    return card_page(
        card,
        model.metrics,
        made_of=f"Architecture `{model.recipe.model_name}` from `{sides.source.name}` to "
        f"`{sides.target.name}`, {numbers:,} parameters.",
        rows="pairs",
        in_python='["a text"]',
        typed='"a text"',
        limits=f"It knows only what stood in its training pairs. {card.limits} Texts longer than "
        f"{sides.source.max_length} tokens are\n"
        + ("cut, and the answer says so." if sides.too_long == "cut" else "refused.")
        + " Check it on your own texts before you rely on it.",
    )


def _source_pieces(sides: Sides, text: str) -> list[str]:
    tokens = sides.source.encode_with_offsets(pl.Series([text]))
    columns = (tokens.ids, tokens.starts, tokens.ends)
    ids, starts, ends = (values_and_offsets(column)[0].tolist() for column in columns)
    return shown_tokens(text, ids, starts, ends, sides.source.vocabulary)
