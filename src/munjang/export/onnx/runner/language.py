"""Texts that a language model continues."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from munjang.export.onnx.runner.model import MODELS, Model
from munjang.export.onnx.runner.text import EOS, GO, OOV, PAD, Array, check_text, compose
from munjang.export.onnx.runner.tokens import (
    Values,
    draw_token,
    empty_state,
    forbid,
    log_softmax,
    name_likeliest,
    run_step,
)


class Reading(NamedTuple):
    """Progress in a text: first token of the window, tokens read, and the state."""

    start: int
    read: int
    state: Values


class LanguageModel(Model):
    """A model of running text, in which EOS is a line break."""

    def next_logits(
        self, ids: Sequence[int], reading: Reading | None = None
    ) -> tuple[Array, Reading]:
        """Return logits [vocabulary] of the token after `ids`.

        Args:
            ids: all tokens so far.
            reading: of the same tokens but the last ones; None: none was read.
        """
        graph, start, context = self.graphs["next"], 0, self.card["context"]
        if context:  # a Transformer reads windows, each begun half a window after the last one
            half = context // 2
            start = max(0, -(-(len(ids) - context) // half)) * half
        if reading is None or reading.start != start:
            reading = Reading(start, start, empty_state(graph))
        first, before = reading.read, self.card["before"]
        previous = [PAD] * max(0, before - first) + list(ids[max(0, first - before) : first])
        feeds = {
            "ids": np.array([ids[first:]], dtype=np.int64),
            "previous": np.array(previous, dtype=np.int64).reshape(1, before),
        }
        logits, state = run_step(graph, {**feeds, **reading.state})
        return logits[0], Reading(start, len(ids), state)

    def prompt_ids(self, text: str) -> list[int]:
        """Return a line break and the ids of the beginning of a text."""
        lines = [self.encoder.encode(line)[0] for line in check_text(text).split("\n")]
        return [number for line in lines for number in [EOS, *line]]

    def answers(
        self, values: list[Any], *, top: int = 5, **options: Any
    ) -> Iterator[dict[str, Any]]:
        """Yield the `top` likeliest next tokens of each text."""
        for text in values:
            logits = self.next_logits(self.prompt_ids(text))[0]
            logits[[PAD, GO, OOV]] = -np.inf
            yield {"next": name_likeliest(self.encoder, logits, top), "truncated": False}

    def generate(
        self, prompt: str = "", *, length: int = 200, seed: int = 0, greedy: bool = False
    ) -> str:
        """Return a text with `length` more tokens.

        Args:
            prompt: the beginning; an empty one is the beginning of a line.
            length: number of tokens to add.
            seed: random seed of sampling.
            greedy: take the most likely token at each step.
        """
        ids, reading, added = self.prompt_ids(prompt), None, list[int]()
        # in running text a line break is a token, and nothing ends it
        decoding = {**self.card["decoding"], "allow_unknown": False, "min_length": 0}
        is_greedy, draw = greedy or decoding["method"] == "greedy", np.random.default_rng(seed)
        for _ in range(length):
            logits, reading = self.next_logits(ids, reading)
            values = log_softmax(logits)
            forbid(values, added, decoding)
            number = int(values.argmax()) if is_greedy else draw_token(values, decoding, draw)
            ids.append(number)
            added.append(number)
        return self._continue(prompt, added)

    def _continue(self, prompt: str, added: Sequence[int]) -> str:
        head, line_break, last = prompt.rpartition("\n")
        lines: list[list[int]] = [[]]
        for number in added:
            if number == EOS:
                lines.append([])
            else:
                lines[-1].append(number)
        if self.encoder.settings["name"] == "library":
            first = self.encoder.decode([*self.encoder.encode(last)[0], *lines[0]])
        else:
            first = compose(last + self.encoder.decode(lines[0], goes_on=bool(last)))
        return head + line_break + "\n".join([first, *map(self.encoder.decode, lines[1:])])


MODELS["language"] = LanguageModel
