"""Texts from texts: greedy decoding, sampling and beam search."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from munjang.export.onnx.runner.model import MODELS, Model
from munjang.export.onnx.runner.text import ENCODERS, EOS, GO, Array, pad
from munjang.export.onnx.runner.tokens import (
    Values,
    draw_token,
    empty_state,
    find_largest,
    forbid,
    log_softmax,
    run_step,
)

_BEFORE_CLOSING = re.compile(r" +([.,!?;:%)\]}»”’…。、，！？」』])")
_AFTER_OPENING = re.compile(r"([(\[{«“‘„「『]) +")
# Ids, score, log-probability, and whether the answer ended with EOS.
Found = tuple[list[int], float, float, bool]


class TranslationModel(Model):
    """An encoder-decoder."""

    def __init__(self, folder: Path, card: dict[str, Any], threads: int | None) -> None:
        super().__init__(folder, card, threads)
        target = card["target_tokenizer"]
        self.target = (
            ENCODERS[target["name"]](target, folder, "target_") if target else self.encoder
        )

    def answers(self, values: list[Any], **options: Any) -> Iterator[dict[str, Any]]:
        """Yield the best answer to each text, and all candidates."""
        for text in values:
            (ids,), _, is_cut = self.reader.row(text)
            candidates = [
                {
                    "text": self._write(row),
                    "score": score,
                    "log_probability": total,
                    "finished": end,
                }
                for row, score, total, end in self._decode(ids)
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

    def _write(self, ids: Sequence[int]) -> str:
        text = self.target.decode(ids)
        if self.target.settings["name"] == "words":
            text = _AFTER_OPENING.sub(r"\1", _BEFORE_CLOSING.sub(r"\1", text))
        return text

    def _decode(self, ids: Sequence[int]) -> list[Found]:
        """Return the answers to a source, the best first."""
        if not ids:
            return [([], 0.0, 0.0, True)]
        decoding = self.card["decoding"]
        most = int(len(ids) * decoding["max_length_ratio"]) + decoding["extra_steps"]
        limit = min(decoding["max_length"], most)
        source, state = self.begin([ids])
        if decoding["method"] == "beam" and decoding["beam"] > 1:
            return self._search_beam(source, state, limit)
        return [self._walk(source, state, limit)]

    def _walk(self, source: Values, state: Values, limit: int) -> Found:
        """Take the most likely token at each step, or draw one."""
        decoding, ids, total, last = self.card["decoding"], list[int](), 0.0, GO
        draw = np.random.default_rng(0)
        for _ in range(limit):
            logits, state = self.step(source, state, [last])
            values = log_softmax(logits[0])
            forbid(values, ids, decoding)
            is_drawn = decoding["method"] == "sample"
            last = draw_token(values, decoding, draw) if is_drawn else int(values.argmax())
            total += float(values[last])
            if last == EOS:
                break
            ids.append(last)
        length = len(ids) + (last == EOS)
        return ids, total / _length_penalty(length, decoding), total, last == EOS

    def _search_beam(self, source: Values, state: Values, limit: int) -> list[Found]:
        """Search until no hypothesis can come before the last of the answers kept."""
        decoding = self.card["decoding"]
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
            (ids, total / penalty, total, False) for ids, total in zip(prefixes, sums, strict=True)
        ]
        return [*ended, *sorted(cut, key=lambda found: -found[1])][:nbest]


def _length_penalty(length: int, decoding: dict[str, Any]) -> float:
    return float(((5.0 + length) / 6.0) ** decoding["length_penalty"])


MODELS["translate"] = TranslationModel
