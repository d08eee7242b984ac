"""Texts that a language model continues."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from munjang.runners.onnx.decoding import Values, empty_state, extend, name_likeliest, run_step
from munjang.runners.onnx.model import MODELS, Array, Model
from munjang.runners.tokenizer import check_text
from munjang.text.plain.ids import EOS, GO, OOV, PAD
from munjang.text.plain.nfc import normalize_text


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
        lines = [self.tokenizer.encode(line) for line in check_text(text).split("\n")]
        return [number for ids in lines for number in [EOS, *ids]]

    def answers(
        self, values: list[Any], *, top: int = 5, **options: Any
    ) -> Iterator[dict[str, Any]]:
        """Yield the `top` likeliest next tokens of each text."""
        for text in values:
            logits = self.next_logits(self.prompt_ids(text))[0]
            logits[[PAD, GO, OOV]] = -np.inf
            yield {"next": name_likeliest(self.tokenizer, logits, top), "truncated": False}

    def continue_ids(
        self, prompt: str, length: int, decoding: dict[str, Any], seed: int = 0
    ) -> Iterator[int]:
        """Yield `length` tokens that continue a text."""
        ids, reading = self.prompt_ids(prompt), None

        def read(last: int) -> Array:
            nonlocal reading
            if last != GO:
                ids.append(EOS if last == OOV else last)
            logits, reading = self.next_logits(ids, reading)
            # nothing ends running text: a line break is a token, and stands at the place of OOV
            logits[OOV], logits[EOS] = logits[EOS], -np.inf
            return logits

        decoding = {**decoding, "allow_unknown": True}
        for number, _ in extend(read, length, decoding, seed=seed):
            yield EOS if number == OOV else number

    def generate(
        self, prompt: str = "", *, length: int = 200, seed: int = 0, greedy: bool = False
    ) -> str:
        """Return a text with `length` more tokens.

        Args:
            prompt: the beginning; an empty one is the beginning of a line.
            length: number of tokens to add.
            seed: random seed of sampling, which gives the same text as in munjang.
            greedy: take the most likely token at each step.
        """
        decoding = {**self.card["decoding"], **({"method": "greedy"} if greedy else {})}
        head, line_break, last = prompt.rpartition("\n")
        lines: list[list[int]] = [[]]
        for number in self.continue_ids(prompt, length, decoding, seed):
            lines[-1].append(number)
            if number == EOS:
                lines.append([])
        if self.tokenizer.settings["name"] == "library":
            first = self.tokenizer.decode([*self.tokenizer.encode(last), *lines[0]])
        else:
            first = normalize_text(last + self.tokenizer.decode(lines[0], goes_on=bool(last)))
        return head + line_break + "\n".join([first, *map(self.tokenizer.decode, lines[1:])])


MODELS["language"] = LanguageModel
