"""Answers of an encoder-decoder by CTranslate2."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ctranslate2

from munjang.runners.rows import Reader
from munjang.runners.tokenizer import TOKENIZERS, Tokenizer
from munjang.text.plain.ids import EOS, GO, PAD


class Translator:
    """A model that was written by `munjang export ctranslate2`.

    Args:
        folder: its folder.
        device: cpu or cuda.
        compute_type: of CTranslate2; "default" is that of the weights.
        threads: CPU threads of one batch.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        device: str = "cpu",
        compute_type: str = "default",
        threads: int = 1,
    ) -> None:
        folder = Path(folder)
        self.settings: dict[str, Any] = _read(folder / "munjang.json")
        self.source = self._open_tokenizer(folder, "source")
        self.reader, self.target = Reader(self.source, self.settings["input"]), self.source
        if self.settings["target_tokenizer"] is not None:
            self.target = self._open_tokenizer(folder, "target")
        self._target_ids = {token: number for number, token in enumerate(self.target.tokens)}
        self.model = ctranslate2.Translator(
            str(folder), device=device, compute_type=compute_type, intra_threads=threads
        )

    def _open_tokenizer(self, folder: Path, side: str) -> Tokenizer:
        own, shared = folder / f"{side}_vocabulary.json", folder / "shared_vocabulary.json"
        settings, file = self.settings[f"{side}_tokenizer"], folder / f"{side}_tokenizer.json"
        tokens = _read(own if own.exists() else shared)
        return TOKENIZERS[settings["name"]](settings, tokens, file)

    def translate(
        self, texts: Sequence[str], *, beam: int | None = None, batch_size: int = 32
    ) -> list[str]:
        """Return an answer per text; an empty text has an empty answer.

        Args:
            texts: sources.
            beam: beam size, 1 = greedy; None: that of the model's settings.
            batch_size: texts of like length that are answered together.

        Raises:
            ValueError: a value is no text, or too long where the model refuses such texts.
        """
        rows = [self.encode(text) for text in texts]
        found = self.generate(rows, beam=beam, batch_size=batch_size)
        return [self.target.write(ids) for ids in found]

    def encode(self, text: str) -> list[int]:
        """Return the ids of a source, cut to the length that the model reads."""
        (ids,), is_cut = self.reader.row(text)
        if is_cut and self.settings["long_sources"] == "refuse":
            raise ValueError(f"a text is too long; this model takes up to {len(ids)} tokens")
        return ids

    def generate(
        self, rows: Sequence[Sequence[int]], *, beam: int | None = None, batch_size: int = 32
    ) -> list[list[int]]:
        """Return the ids of the answer to each row of source ids, without EOS."""
        answers: list[list[int]] = [[] for _ in rows]
        order = sorted((i for i, row in enumerate(rows) if row), key=lambda i: len(rows[i]))
        for first in range(0, len(order), batch_size):
            batch = order[first : first + batch_size]
            limits = [self._limit(len(rows[i])) for i in batch]
            results = self.model.translate_batch(
                [[self.source.tokens[token] for token in rows[i]] for i in batch],
                **self._options(beam or self.settings["beam"], max(limits)),
            )
            for i, limit, result in zip(batch, limits, results, strict=True):
                answers[i] = self._best(result, limit)
        return answers

    def _limit(self, length: int) -> int:
        """Return after how many tokens the answer to a source is cut, EOS included."""
        settings = self.settings
        relative = int(length * settings["max_length_ratio"]) + settings["extra_steps"]
        return min(relative, settings["max_length"])  # type: ignore[no-any-return]

    def _options(self, beam: int, limit: int) -> dict[str, Any]:
        return {
            "beam_size": beam,
            "num_hypotheses": beam,
            "length_penalty": 0,  # see _best
            "return_scores": True,
            "return_end_token": True,
            "disable_unk": not self.settings["allow_unknown"],
            "suppress_sequences": [[self.target.tokens[PAD]], [self.target.tokens[GO]]],
            "no_repeat_ngram_size": self.settings["no_repeat_ngram_size"],
            "min_decoding_length": self.settings["min_length"],
            "max_decoding_length": limit,
            "max_input_length": 0,
        }

    def _best(self, result: Any, limit: int) -> list[int]:
        """Return the hypothesis with the highest score; cut ones come after finished ones.

        The score is log P / lp, where lp = ((5 + tokens) / 6) ** length_penalty (Wu et al. 2016).
        """
        ranked = []
        for tokens, score in zip(result.hypotheses, result.scores, strict=True):
            ids = [self._target_ids[token] for token in tokens[:limit]]
            penalty = ((5 + len(ids)) / 6) ** self.settings["length_penalty"]
            is_finished = bool(ids) and ids[-1] == EOS
            ranked.append((is_finished, score / penalty, ids[:-1] if is_finished else ids))
        return max(ranked, key=lambda each: each[:2])[2]


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
