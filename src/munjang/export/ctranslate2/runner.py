"""Answers of a model of Munjang by CTranslate2, without PyTorch and without Munjang.

    python munjang_ctranslate2.py < texts.txt

    >>> from munjang_ctranslate2 import Translator
    >>> Translator("FOLDER").translate(["A man sleeps."])

One answer per line of the input. Needs: pip install ctranslate2 tokenizers
"""

import argparse
import json
import re
import sys
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import ctranslate2

PAD, OOV, GO, EOS = range(4)
UNKNOWN = "\N{REPLACEMENT CHARACTER}"  # how the unknown token reads
SPACE_SIGN = "\u2581"
# Characters that nobody sees; a text of them alone is empty.
IGNORABLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
VISIBLE = re.compile(rf"[^\s\x00-\x20\x7f-\xa0{IGNORABLE}]")


class Letters(dict[int, str]):
    """Table from code point to the letter of its class, for `str.translate`, filled on demand."""

    def __init__(self, letter_of: Callable[[str], str]) -> None:
        super().__init__()
        self._letter_of = letter_of

    def __missing__(self, point: int) -> str:
        self[point] = self._letter_of(chr(point))
        return self[point]


def _piece_letter(character: str) -> str:
    if character in (SPACE_SIGN, "#"):
        return "_" if character == SPACE_SIGN else "#"
    category = unicodedata.category(character)
    if category == "So":
        return "S"
    if category in ("Cf", "Sk"):  # joiners, skin tones
        return "P" if character.isascii() else "m"
    if category[0] == "S":
        return "P"
    return {"L": "L", "N": "N", "M": "m", "P": "P"}.get(category[0], "B")


_SWAPPED = {ord(" "): SPACE_SIGN, ord(SPACE_SIGN): " "}


class Subwords:
    """BPE, unigram or WordPiece: a text is cut into runs of one class, and these into pieces."""

    _LETTERS = Letters(_piece_letter)
    _RUN = re.compile(r"(?:_m*)?(?:L[Lm]*|N[Nm]*|P[Pm]*|S[Sm]*|B[Bm]*|#m*)|_m*")
    _LONGEST = 64

    def __init__(self, settings: dict[str, Any], tokens: Sequence[str]) -> None:
        from tokenizers import Tokenizer

        self._model = Tokenizer.from_str(json.dumps(settings["model"]))
        prefix = settings["continuation"]
        self._written = [
            UNKNOWN if i <= EOS else token.removeprefix(prefix).replace(SPACE_SIGN, " ")
            for i, token in enumerate(tokens)
        ]

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text."""
        text = SPACE_SIGN + unicodedata.normalize("NFC", text).translate(_SWAPPED)
        runs = [found.span() for found in self._RUN.finditer(text.translate(self._LETTERS))]
        pieces = [
            text[start : min(start + self._LONGEST, end)]
            for first, end in runs
            for start in range(first, end, self._LONGEST)
        ]
        ids: list[int] = self._model.encode(
            pieces, is_pretokenized=True, add_special_tokens=False
        ).ids
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids."""
        return "".join(self._written[i] for i in ids).removeprefix(" ")


def _word_letter(character: str) -> str:
    if character == "\u200d":
        return "j"
    if 0x1F3FB <= ord(character) <= 0x1F3FF:  # skin tones
        return "m"
    category = unicodedata.category(character)
    if category == "Cf":
        return "f"
    if category == "Cc" or category[0] == "Z":
        return " "
    return {"L": "w", "N": "w", "M": "m"}.get(category[0], "s")


class Words:
    """One id per word; punctuation is a word of its own."""

    _LETTERS = Letters(_word_letter)
    _WORD = re.compile(r"m*w[wmfj]*|m+|s(?:[mfj]|(?<=j)s)*+")
    _BEFORE_CLOSING = re.compile(r" +([.,!?;:%)\]}»”’…。、，！？」』])")
    _AFTER_OPENING = re.compile(r"([(\[{«“‘„「『]) +")

    def __init__(self, settings: dict[str, Any], tokens: Sequence[str]) -> None:
        self._settings = settings
        self._ids = {token: i for i, token in enumerate(tokens) if i > EOS}
        self._written = [UNKNOWN if i <= EOS else token for i, token in enumerate(tokens)]

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text."""
        if self._settings["nfc"]:
            text = unicodedata.normalize("NFC", text)
        if self._settings["lower"]:
            text = text.lower()
        spans = (found.span() for found in self._WORD.finditer(text.translate(self._LETTERS)))
        return [self._ids.get(text[start:end], OOV) for start, end in spans]

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids."""
        text = " ".join(self._written[i] for i in ids)
        return self._AFTER_OPENING.sub(r"\1", self._BEFORE_CLOSING.sub(r"\1", text))


TOKENIZERS: dict[str, type[Subwords] | type[Words]] = {"subwords": Subwords, "words": Words}


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
        self.source_tokens, self.target_tokens = (_tokens(folder, s) for s in ("source", "target"))
        self._target_ids = {token: i for i, token in enumerate(self.target_tokens)}
        self._source, self._target = (
            _tokenizer(folder, self.settings[side], tokens)
            for side, tokens in (("source", self.source_tokens), ("target", self.target_tokens))
        )
        self.model = ctranslate2.Translator(
            str(folder), device=device, compute_type=compute_type, intra_threads=threads
        )

    def translate(
        self, texts: Sequence[str], *, beam: int | None = None, batch_size: int = 32
    ) -> list[str]:
        """Return an answer per text; an empty text has an empty answer.

        Args:
            texts: sources.
            beam: beam size, 1 = greedy; None: that of the model's settings.
            batch_size: texts of like length that are answered together.

        Raises:
            ValueError: a text is too long, where the model refuses such texts.
        """
        rows = [self.encode(text) for text in texts]
        found = self.generate(rows, beam=beam, batch_size=batch_size)
        return [self._target.decode(ids) for ids in found]

    def encode(self, text: str) -> list[int]:
        """Return the ids of a source, cut to the length that the model reads."""
        if not VISIBLE.search(text):
            return []
        ids, most = self._source.encode(text), self.settings["longest_source"]
        if len(ids) > most and self.settings["long_sources"] == "refuse":
            raise ValueError(f"a text of {len(ids):,} tokens; this model takes up to {most}")
        return ids[:most]

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
                [[self.source_tokens[token] for token in rows[i]] for i in batch],
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
            "suppress_sequences": [[self.target_tokens[PAD]], [self.target_tokens[GO]]],
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


def _tokens(folder: Path, side: str) -> list[str]:
    own, shared = folder / f"{side}_vocabulary.json", folder / "shared_vocabulary.json"
    tokens: list[str] = _read(own if own.exists() else shared)
    return tokens


def _tokenizer(folder: Path, file: str, tokens: Sequence[str]) -> Subwords | Words:
    settings = _read(folder / file)
    return TOKENIZERS[settings["kind"]](settings, tokens)


def main() -> None:
    """Answer the lines of standard input."""
    parser = argparse.ArgumentParser(description="Answer the lines of standard input.")
    parser.add_argument("folder", nargs="?", default=Path(__file__).parent, help="model folder")
    parser.add_argument("--beam", type=int, help="beam size; 1 = greedy")
    parser.add_argument("--batch-size", type=int, default=32, help="texts answered together")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    given = parser.parse_args()
    sys.stdin.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    texts = [line.rstrip("\r\n") for line in sys.stdin]
    translator = Translator(given.folder, device=given.device, threads=given.threads)
    for answer in translator.translate(texts, beam=given.beam, batch_size=given.batch_size):
        print(answer.replace("\n", " "))


if __name__ == "__main__":
    main()
