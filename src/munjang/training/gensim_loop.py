"""The engine `gensim`: steps of a training of word vectors, taken by Word2Vec or FastText."""

from importlib.metadata import version
from typing import Any

import numpy as np
import torch

from munjang.data.dataset import AnyBatch, Dataset
from munjang.processes import count_cores
from munjang.reporting import pluralize
from munjang.tasks.inference import evaluating
from munjang.tasks.task import TaskScores
from munjang.training.gensim_sentences import SentenceBatch, SentenceDataset
from munjang.training.gensim_vectors import GensimVectors
from munjang.training.loop import Loop
from munjang.training.schedules import learning_rate_factor
from munjang.training.settings import TrainingSettings
from munjang.training.state import TrainingState
from munjang.training.threads import use_threads


class GensimLoop(Loop):
    """Trains word vectors by gensim, and keeps the checkpoint that is best on `valid`.

    A step is one call of gensim on many batches. The learning rate is the scheduled one of
    `training.embedding_learning_rate` at the ends of a step, and changes along a line between them.
    Sentences, windows and negatives follow from the seed and the number of the step, so that one
    thread repeats a run, resumed or not, bit for bit. Several threads write the same weights at the
    same time, without locks, as they come.

    Args:
        state: fresh or restored.
        task: the task `vectors`.
        train: training data.
        valid: validation data.
        settings: settings of the training; `threads` is the number of gensim's.
        seed: seed of batches and of all draws.
    """

    has_workers = False

    def __init__(
        self,
        state: TrainingState,
        task: Any,
        train: Dataset,
        valid: Dataset,
        settings: TrainingSettings,
        seed: int,
    ) -> None:
        tokens, counts = task.vocabulary.tokens, task.counts.tolist()
        words = [token if count else None for token, count in zip(tokens, counts, strict=True)]
        super().__init__(state, task, SentenceDataset(train, words), valid, settings, seed)
        network: Any = state.model
        self.threads = settings.threads or count_cores()
        self.vectors = GensimVectors(
            network,
            tokens,
            counts,
            window=task.settings.window,
            negatives=int(task.settings.negatives),
            sample=task.settings.sample,
            threads=self.threads,
        )

    @classmethod
    def check_recipe(cls, recipe: Any) -> None:
        """Refuse settings that gensim does not have.

        Raises:
            ValueError: naming the setting.
        """
        vectors, model = recipe.section("vectors"), recipe.model
        other = "or set training.engine=munjang"
        if vectors.negatives != int(vectors.negatives):
            raise ValueError(
                f"vectors.negatives: gensim draws a whole number of negatives, got "
                f"{vectors.negatives:g}; give another one, {other}"
            )
        if model.subword_ngrams and model.subword_scheme != "fasttext":
            raise ValueError(
                "model.subword_scheme: gensim learns n-grams as fastText does; leave it out, or "
                f"set it to fasttext, {other}"
            )

    @property
    def remarks(self) -> list[str]:
        """One line on the number of gensim's threads, and on repeating a run."""
        if self.threads == 1:
            return []
        return [
            f"gensim: {pluralize(self.threads, 'thread')}, which write the same weights as they "
            "come; the same seed repeats a run with training.threads=1 only"
        ]

    @property
    def facts(self) -> dict[str, Any]:
        """The version of gensim, and the number of its threads."""
        return {"gensim": version("gensim"), "threads": self.threads}

    def _draw_targets(self, batch: AnyBatch, progress: float) -> AnyBatch:
        """Return the batch as it is: gensim draws windows and negatives."""
        return batch

    def _update(self, batch: AnyBatch, factor: float) -> float:
        """Learn from the sentences of a step; return the loss before it, on its first batch."""
        assert isinstance(batch, SentenceBatch)
        loss = self._estimate_loss(batch)
        rate = self.settings.embedding_learning_rate or self.settings.learning_rate
        seed = self.seed * 1_000_003 + self.state.counters.step
        self.vectors.train(batch.sentences, rate * factor, rate * self._next_factor(factor), seed)
        return loss

    def _next_factor(self, factor: float) -> float:
        """Return the factor of the learning rate after this step; with a budget it is unknown."""
        if self.budget is not None:
            return factor
        return learning_rate_factor(
            self.state.counters.step + 1,
            self.total,
            warmup=self.settings.warmup,
            schedule=self.settings.schedule,
        )

    def _estimate_loss(self, batch: SentenceBatch) -> float:
        """Return the loss of the first batch of a step, as the engine munjang computes it."""
        drawn = super()._draw_targets(batch.first, self.progress)
        self.vectors.join(np.unique(drawn.inputs[0].numpy()))
        with use_threads(1), evaluating(self.state.model), torch.inference_mode():
            assert drawn.targets is not None
            return self.task.loss(self.state.model(*drawn.inputs), drawn.targets).item()

    def validate(self) -> TaskScores:
        """Return the scores of the current vectors on the validation data."""
        self.vectors.join()
        with use_threads(1):
            return super().validate()
