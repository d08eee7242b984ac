"""Texts from texts: greedy decoding, sampling and beam search."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from munjang.runners.onnx.decoding import (
    Values,
    empty_state,
    extend,
    find_largest,
    forbid,
    log_softmax,
    run_step,
)
from munjang.runners.onnx.model import MODELS, Array, Model, pad
from munjang.runners.tokenizer import open_tokenizer
from munjang.text.plain.ids import EOS, GO

# Ids, score, log-probability, and whether the answer ended with EOS.
Found = tuple[list[int], float, float, bool]


class TranslationModel(Model):
    """An encoder-decoder."""

    def __init__(self, folder: Path, card: dict[str, Any], threads: int | None) -> None:
        super().__init__(folder, card, threads)
        target = card["target_tokenizer"]
        self.target = open_tokenizer(target, folder, "target_") if target else self.tokenizer

    def answers(
        self,
        values: list[Any],
        *,
        decoding: dict[str, Any] | None = None,
        seed: int = 0,
        **options: Any,
    ) -> Iterator[dict[str, Any]]:
        """Yield the best answer to each text, and all candidates.

        Args:
            values: the texts.
            decoding: other settings of decoding than the model's.
            seed: random seed of sampling.
            options: ignored.
        """
        for place, text in enumerate(values):
            (ids,), is_cut = self.reader.row(text)
            found = self.decode(ids, decoding or self.card["decoding"], seed, place)
            candidates = [
                {
                    "text": self.target.write(row),
                    "score": score,
                    "log_probability": total,
                    "finished": end,
                }
                for row, score, total, end in found
            ]
            yield {"answer": candidates[0]["text"], "truncated": is_cut, "candidates": candidates}

    def begin(self, rows: Sequence[Sequence[int]]) -> tuple[Values, Values]:
        """Return what is known of sources, and the state before the first token."""
        ids, lengths = pad(rows)
        encoder, step = self.graphs["encoder"], self.graphs["step"]
        found = encoder.run(None, {"ids": ids, "lengths": lengths})
        given = dict(zip((output.name for output in encoder.get_outputs()), found, strict=True))
        source = {name: value for name, value in given.items() if name.startswith("source_")}
        return source, {name: given.get(name, v) for name, v in empty_state(step, len(ids)).items()}

    def step(self, source: Values, state: Values, last: Sequence[int]) -> tuple[Array, Values]:
        """Read a token of each row; return the logits [rows, vocabulary], and the state."""
        feeds = {"ids": np.array(last, dtype=np.int64)[:, None], **source, **state}
        return run_step(self.graphs["step"], feeds)

    def limit(self, ids: Sequence[int], decoding: dict[str, Any]) -> int:
        """Return the most tokens of the answer to a source, EOS included."""
        most = int(len(ids) * decoding["max_length_ratio"]) + decoding["extra_steps"]
        return int(min(decoding["max_length"], most))

    def extend(
        self, ids: Sequence[int], limit: int, decoding: dict[str, Any], **draw: int
    ) -> Iterator[tuple[int, float]]:
        """Yield the tokens of an answer and their log-probabilities, up to EOS or `limit`."""
        source, state = self.begin([ids])

        def read(last: int) -> Array:
            nonlocal state
            logits, state = self.step(source, state, [last])
            following: Array = logits[0]
            return following

        return extend(read, limit, decoding, **draw)

    def decode(
        self, ids: Sequence[int], decoding: dict[str, Any], seed: int = 0, row: int = 0
    ) -> list[Found]:
        """Return the answers to a source, the best first."""
        if not ids:
            return [([], 0.0, 0.0, True)]
        limit = self.limit(ids, decoding)
        if decoding["method"] == "beam" and decoding["beam"] > 1:
            return self._search_beam(ids, limit, decoding)
        answers = []
        for sample in range(decoding["nbest"]):
            taken = list(self.extend(ids, limit, decoding, seed=seed, row=row, sample=sample))
            prefix, total = [number for number, _ in taken], sum(value for _, value in taken)
            score = total / _length_penalty(len(prefix), decoding)
            has_ended = prefix[-1] == EOS
            answers.append((prefix[: len(prefix) - has_ended], score, total, has_ended))
        return sorted(answers, key=lambda found: (not found[3], -found[1]))

    def _search_beam(self, ids: Sequence[int], limit: int, decoding: dict[str, Any]) -> list[Found]:
        """Search until no hypothesis can come before the last of the answers kept."""
        source, state = self.begin([ids])
        beam, nbest, early = decoding["beam"], decoding["nbest"], decoding["early_stopping"]
        prefixes: list[list[int]] = [[]]
        sums, ended = [0.0], list[Found]()
        for length in range(1, limit + 1):
            last = [prefix[-1] if prefix else GO for prefix in prefixes]
            spread = {name: np.repeat(v, len(last), axis=0) for name, v in source.items()}
            logits, state = self.step(spread, state, last)
            candidates = []
            for parent, (row, prefix) in enumerate(zip(logits, prefixes, strict=True)):
                values = log_softmax(row)
                forbid(values, prefix, decoding)
                best = find_largest(values, 2 * beam).tolist()
                candidates += [(sums[parent] + float(values[n]), parent, n) for n in best]
            # stable: of equal ones the lower parent and the lower id come first
            candidates = sorted(candidates, key=lambda candidate: -candidate[0])[: 2 * beam]
            candidates = [candidate for candidate in candidates if candidate[0] > -np.inf]
            for total, parent, number in candidates[:beam]:
                if number == EOS:
                    score = total / _length_penalty(length, decoding)
                    ended.append((prefixes[parent], score, total, True))
            ended = sorted(ended, key=lambda found: -found[1])[: beam if early else nbest]
            chosen = [candidate for candidate in candidates if candidate[2] != EOS][:beam]
            if not chosen:
                return ended[:nbest]
            parents = [parent for _, parent, _ in chosen]
            prefixes = [[*prefixes[parent], number] for _, parent, number in chosen]
            sums = [total for total, _, _ in chosen]
            state = {name: value[parents] for name, value in state.items()}
            reachable = max(sums) / _length_penalty(limit, decoding)
            is_full = len(ended) == (beam if early else nbest)
            if is_full and (early or reachable <= ended[-1][1]):
                return ended[:nbest]
        penalty = _length_penalty(limit, decoding)
        cut = [
            (prefix, total / penalty, total, False)
            for prefix, total in zip(prefixes, sums, strict=True)
        ]
        return [*ended, *sorted(cut, key=lambda found: -found[1])][:nbest]


def _length_penalty(length: int, decoding: dict[str, Any]) -> float:
    return float(((5.0 + length) / 6.0) ** decoding["length_penalty"])


MODELS["translate"] = TranslationModel
