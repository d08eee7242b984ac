"""Answers of a model that munjang exported: numpy, onnxruntime and tokenizers are all it needs.

    from munjang_onnx import load
    model = load("my-export")
    model.predict(["재미있는 영화였다"])

    python munjang_onnx.py my-export < texts.txt

A text goes through the same steps as in munjang: normalization, tokens, ids, graph, answer.
"""

import argparse
import json
import re
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

FORMAT = 1
PAD, OOV, GO, EOS = 0, 1, 2, 3
Array = npt.NDArray[Any]
# Rows that one run of the graph gets, of similar length. An answer does not depend on its batch.
_BATCH_ROWS = 32

# What Unicode lets software ignore: a text of nothing else counts as empty.
_IGNORABLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_VISIBLE = re.compile(rf"[^\s\x00-\x20\x7f-\xa0{_IGNORABLE}]")


# Texts -> words, characters or pieces ---------------------------------------------------------


def _compose(text: str) -> str:
    """Normalize to NFC."""
    if len(text) > 1000 and not unicodedata.is_normalized("NFC", text):
        # sorted here, as unicodedata takes quadratic time for a long run of marks
        for mark in "\u0f73\u0f75\u0f81":
            text = text.replace(mark, unicodedata.normalize("NFD", mark))
        runs = groupby(text, key=lambda character: unicodedata.combining(character) > 0)
        text = "".join(
            "".join(sorted(run, key=unicodedata.combining) if are_marks else run)
            for are_marks, run in runs
        )
    return unicodedata.normalize("NFC", text)


class _Classes(dict[int, str]):
    """The letter of the class of each character, for `str.translate`."""

    def __init__(self, class_of: Callable[[str], str]) -> None:
        super().__init__()
        self._class_of = class_of

    def __missing__(self, point: int) -> str:
        self[point] = letter = self._class_of(chr(point))
        return letter


def _word_class(character: str) -> str:
    """Return space, w(ord), s(ymbol), m(ark), f(ormat) or j(oiner)."""
    if character == "\u200d":
        return "j"
    if "\U0001f3fb" <= character <= "\U0001f3ff":  # skin tones
        return "m"
    category = unicodedata.category(character)
    if category == "Cf":
        return "f"
    if category == "Cc" or category[0] == "Z":
        return " "
    return {"L": "w", "N": "w", "M": "m"}.get(category[0], "s")


_word_classes = _Classes(_word_class)
_WORD = re.compile(r"m*w[wmfj]*|m+|s(?:[mfj]|(?<=j)s)*+")
_KERAS = str.maketrans(dict.fromkeys('!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n', " "))
CAPITAL, CAPITALS = "<\u21e7>", "<\u21ea>"


def _cut_words(text: str, settings: dict[str, Any]) -> list[tuple[str, str | None]]:
    """Return words, each with the marker of its capitals, if there is one."""
    text = _compose(text) if settings["nfc"] else text
    lower = settings["lower"]
    if settings["split"] == "keras":
        cut = (text.lower() if lower else text).translate(_KERAS).split(" ")
        return [(word, None) for word in cut if word]
    given = text.replace("\u0130", "I\u0307") if lower else text
    lowered, classes = text.lower() if lower else text, given.translate(_word_classes)
    words, is_first = [], True
    for found in _WORD.finditer(classes):
        start, end = found.span()
        mark = None
        if settings["capitals"] and classes[start] == "w" and given[start] <= "\uffff":
            mark = _find_marker(given[start:end], lowered[start:end], is_first)
            is_first = False
        words.append((lowered[start:end], mark))
    return words


def _find_marker(given: str, lowered: str, is_first: bool) -> str | None:
    if given[0] == lowered[0]:
        return None
    pairs = list(zip(given, lowered, strict=True))
    small = (a == b and a <= "\uffff" and unicodedata.category(a) == "Ll" for a, b in pairs)
    if sum(a != b for a, b in pairs) > 1 and not any(small):
        return CAPITALS
    return None if is_first else CAPITAL


def _lower_simply(character: str) -> str:
    """Return the lower case by Unicode's simple mapping: one character."""
    return {"\u0130": "i", "\u03a3": "\u03c3"}.get(character) or character.lower()


def _jamo(text: str) -> Iterator[str]:
    """Yield two or three jamo for each Hangul syllable, and other characters as they are."""
    for character in text:
        number = ord(character) - 0xAC00
        if not 0 <= number < 11172:
            yield character
            continue
        lead, rest = divmod(number, 588)
        vowel, tail = divmod(rest, 28)
        yield chr(0x1100 + lead)
        yield chr(0x1161 + vowel)
        if tail:
            yield chr(0x11A7 + tail)


def _piece_class(character: str) -> str:
    if character in "\u2581#":
        return "_" if character == "\u2581" else "#"
    category = unicodedata.category(character)
    if category == "So":
        return "S"
    if category in ("Cf", "Sk"):
        return "P" if character.isascii() else "m"
    if category[0] == "S":
        return "P"
    return {"L": "L", "N": "N", "M": "m", "P": "P", "Z": "B"}.get(category[0], "B")


_piece_classes = _Classes(_piece_class)
_PRETOKEN = re.compile(r"(?:_m*)?(?:L[Lm]*|N[Nm]*|P[Pm]*|S[Sm]*|B[Bm]*|#m*)|_m*")
_SWAPPED = {ord(" "): "\u2581", ord("\u2581"): " "}
_LONGEST_PRETOKEN = 64


def _pretokens(text: str) -> list[str]:
    if not text:
        return []
    swapped = "\u2581" + text.translate(_SWAPPED)
    spans = (found.span() for found in _PRETOKEN.finditer(swapped.translate(_piece_classes)))
    return [
        swapped[place : min(place + _LONGEST_PRETOKEN, end)]
        for start, end in spans
        for place in range(start, end, _LONGEST_PRETOKEN)
    ]


class Encoder:
    """Texts to ids.

    Args:
        settings: the section `tokenizer` of `munjang.json`.
        folder: holds `vocabulary.json` or `tokenizer.json`.
    """

    def __init__(self, settings: dict[str, Any], folder: Path) -> None:
        self.settings = settings
        self.tokens: list[str] = json.loads((folder / "vocabulary.json").read_text("utf-8"))
        self._ids = {token: n for n, token in enumerate(self.tokens) if n > EOS}
        self.signs = [self._ids[sign] for sign in (CAPITAL, CAPITALS) if sign in self._ids]
        self._encode: Callable[[str], tuple[list[int], list[str]]] = {
            "words": self._words,
            "characters": self._characters,
            "jamo": lambda text: self._find(_jamo(_compose(text))),
            "bytes": lambda text: self._find(f"{b:02x}" for b in _compose(text).encode()),
            "subwords": self._subwords,
            "library": self._library_pieces,
        }[settings["name"]]
        if settings["name"] in ("subwords", "library"):
            from tokenizers import Tokenizer

            self.library = Tokenizer.from_file(str(folder / "tokenizer.json"))

    def encode(self, text: str) -> tuple[list[int], list[str]]:
        """Return ids, and the word of each OOV, in order, of a tokenizer of words."""
        return self._encode(text)

    def _find(self, tokens: Any) -> tuple[list[int], list[str]]:
        return [self._ids.get(token, OOV) for token in tokens], []

    def _words(self, text: str) -> tuple[list[int], list[str]]:
        ids, unknown = [], []
        for word, mark in _cut_words(text, self.settings):
            if mark in self._ids:
                ids.append(self._ids[mark])
            ids.append(self._ids.get(word, OOV))
            if ids[-1] == OOV:
                unknown.append(word)
        return ids, unknown

    def _characters(self, text: str) -> tuple[list[int], list[str]]:
        text = _compose(text)
        return self._find(map(_lower_simply, text) if self.settings["lower"] else text)

    def _subwords(self, text: str) -> tuple[list[int], list[str]]:
        pieces = _pretokens(_compose(text))
        found = self.library.encode(pieces, is_pretokenized=True, add_special_tokens=False)
        return list(found.ids), []

    def _library_pieces(self, text: str) -> tuple[list[int], list[str]]:
        adds = self.settings["post_process"]
        found = self.library.encode(text, add_special_tokens=adds)
        ours, ids = self.settings["ids"], []
        for number, added in zip(found.ids, found.special_tokens_mask, strict=True):
            known = ours[number]
            # a special token that is spelled in a text is none
            is_spelled = known in (PAD, GO, EOS) and not (adds and added)
            ids.append(OOV if is_spelled else known)
        return ids, []


# Ids -> rows of a batch -----------------------------------------------------------------------


class Reader:
    """Texts to rows of ids, cut to the length that the model reads."""

    def __init__(self, encoder: Encoder, settings: dict[str, Any]) -> None:
        self.encoder = encoder
        self.settings = settings

    def read(self, text: Any) -> tuple[list[int], list[str], bool]:
        """Return ids without GO and EOS, words out of the vocabulary, and whether it was cut."""
        text, settings = _check(text), self.settings
        lines = text.split("\n") if settings["line_breaks"] else [text]
        ids: list[int] = []
        words: list[str] = []
        for line in lines:
            found, unknown = self.encoder.encode(line)
            ids += [EOS, *found] if settings["line_breaks"] else found
            words += unknown
        first = int(settings["line_breaks"])
        longest, room = settings["max_length"], settings["max_tokens"]
        if len(ids) <= min(longest, longest if room is None else room) + first:
            return ids, words, False
        kept = self._cut(ids, longest + first, None if room is None else room + first)
        return kept, words, len(kept) < len(ids)

    def _cut(self, ids: list[int], most: int, room: int | None) -> list[int]:
        """Keep `most` tokens that are no markers, and no marker without its word."""
        signs, kept, count = self.encoder.signs, [], 0
        for place, number in enumerate(ids):
            is_sign = number in signs
            if count >= most or (room is not None and place >= room - is_sign):
                break
            kept.append(number)
            count += not is_sign
        return kept

    def row(self, text: Any) -> tuple[list[list[int]], list[str], bool]:
        """Return the sides of a row of one text, its words and whether it was cut."""
        ids, words, is_cut = self.read(text)
        return [[GO, *ids, EOS] if self.settings["add_go_eos"] else ids], words, is_cut

    def pair(self, texts: Any) -> tuple[list[list[int]], list[str], bool]:
        """Return the sides of a row of two texts: one joined row, or two."""
        if isinstance(texts, str) or len(texts) != 2:
            raise ValueError(f"expected two texts (first, second), got {texts!r:.80}")
        (first, words, cut), (second, more, also) = map(self.read, texts)
        is_cut = cut or also
        if self.settings["reading"] == "towers":
            rows = [[GO, *side, EOS] for side in (first, second)]
        else:
            count = len(first) + len(second)
            first, second = self._share(first, second)
            rows = [[GO, *first, EOS, *second, EOS]]
            is_cut = is_cut or len(first) + len(second) < count
        return rows, [*words[: first.count(OOV)], *more], is_cut

    def _share(self, first: list[int], second: list[int]) -> tuple[list[int], list[int]]:
        """Cut two texts to the tokens that both together may have, the longer one first."""
        most, room, signs = (
            self.settings["max_length"],
            self.settings["max_tokens"],
            self.encoder.signs,
        )
        sides = first, second
        counts = [sum(number not in signs for number in side) for side in sides]
        if len(first) + len(second) > most:
            limits = _split_limit(counts[0], counts[1], most)
            sides = tuple(self._cut(side, n, None) for side, n in zip(sides, limits, strict=True))  # type: ignore[assignment]
        if room is not None:
            limits = _split_limit(len(sides[0]), len(sides[1]), room)
            sides = tuple(
                side if len(side) <= n else self._cut(side, len(side), n)
                for side, n in zip(sides, limits, strict=True)
            )  # type: ignore[assignment]
        return sides


def _split_limit(first: int, second: int, most: int) -> tuple[int, int]:
    half = (most + 1) // 2
    return min(first, max(most - second, half)), min(second, max(most - first, most - half))


def _check(text: Any) -> str:
    if not isinstance(text, str):
        raise ValueError(f"expected a string, got {type(text).__name__}")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("a text holds half of a surrogate pair, which is no character") from None
    return text if _VISIBLE.search(text) else ""


def pad(rows: Sequence[Sequence[int]]) -> tuple[Array, Array]:
    """Return ids [batch, time], at least one column, and lengths [batch]."""
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    ids = np.zeros((len(rows), max(1, int(lengths.max(initial=0)))), dtype=np.int64)
    for place, row in enumerate(rows):
        ids[place, : len(row)] = row
    return ids, lengths


def _units(word: str, kind: str) -> list[int]:
    """Return the numbers of the letters or jamo of a word, with its boundaries."""
    points: list[int] = []
    for letter in word[:40]:
        number = ord(letter) - 0xAC00
        if kind == "jamo" and 0 <= number < 11172:
            lead, rest = divmod(number, 588)
            points += (0x1100 + lead, 0x1161 + rest // 28, 0x11A7 + rest % 28)
        else:
            points.append(ord(letter))
    return [1, *(point + 3 for point in points[:40]), 2]


# Rows -> answers ------------------------------------------------------------------------------


class Model:
    """An exported model.

    Attributes:
        card: content of `munjang.json`.
    """

    def __init__(self, folder: str | Path, threads: int | None = None) -> None:
        folder = Path(folder)
        self.card: dict[str, Any] = json.loads((folder / "munjang.json").read_text("utf-8"))
        if self.card.get("format") != FORMAT:
            raise ValueError(
                f"{folder / 'munjang.json'}: expected format {FORMAT}, got "
                f"{self.card.get('format')!r}; take munjang_onnx.py from the folder of the export"
            )
        self.encoder = Encoder(self.card["tokenizer"], folder)
        self.reader = Reader(self.encoder, self.card["input"])
        self._graphs = {
            name: _open_graph(folder / file, threads) for name, file in self.card["graphs"].items()
        }

    def predict(self, texts: Any) -> list[dict[str, Any]]:
        """Return an answer per text; a single text counts as a list of one.

        Args:
            texts: strings; of a model of two texts pairs (first, second).

        Raises:
            ValueError: a value is no text.
        """
        outputs, truncated = self.outputs(texts)
        answer = _ANSWERS[self.card["task"]]
        return [
            {**values, "truncated": is_cut}
            for values, is_cut in zip(answer(self.card, outputs), truncated, strict=True)
        ]

    def outputs(self, texts: Any) -> tuple[Array, list[bool]]:
        """Return the outputs of the graph [rows, outputs], and which texts were cut [rows]."""
        is_pair = self.card["input"]["kind"] == "two_texts"
        if isinstance(texts, str) or (is_pair and _is_pair(texts)):
            texts = [texts]
        rows = [(self.reader.pair if is_pair else self.reader.row)(text) for text in texts]
        order = sorted(range(len(rows)), key=lambda place: len(rows[place][0][0]))
        outputs: list[Any] = [None] * len(rows)
        for start in range(0, len(order), _BATCH_ROWS):
            places = order[start : start + _BATCH_ROWS]
            found = self._run([rows[place] for place in places])
            for place, values in zip(places, found, strict=True):
                outputs[place] = values
        width = (0, self.card["outputs"])
        return np.array(outputs) if rows else np.zeros(width, np.float32), [r[2] for r in rows]

    def _run(self, rows: Sequence[tuple[list[list[int]], list[str], bool]]) -> Array:
        feeds: dict[str, Array] = {}
        spelled = self.card["input"]["spelled_words"]
        sides = list(zip(*(row[0] for row in rows), strict=True))
        if spelled is not None:
            numbers: dict[str, int] = {}
            sides = list(
                zip(*(self._number_words(row[0], row[1], numbers) for row in rows), strict=True)
            )
            units, lengths = pad([_units(word, spelled) for word in numbers])
            feeds = {"word_units": units, "word_lengths": lengths}
        for side, prefix in zip(
            sides, ("",) if len(sides) == 1 else ("first_", "second_"), strict=True
        ):
            feeds[f"{prefix}ids"], feeds[f"{prefix}lengths"] = pad(side)
        found: Array = self._graphs["logits"].run(None, feeds)[0]
        return found

    def _number_words(
        self, sides: list[list[int]], words: list[str], numbers: dict[str, int]
    ) -> list[list[int]]:
        """Give each word out of the vocabulary an id behind it."""
        left, size = iter(words), len(self.encoder.tokens)
        return [
            [
                size + numbers.setdefault(next(left), len(numbers)) if number == OOV else number
                for number in side
            ]
            for side in sides
        ]


def _is_pair(texts: Any) -> bool:
    return isinstance(texts, tuple) and len(texts) == 2 and all(isinstance(t, str) for t in texts)


def _open_graph(path: Path, threads: int | None) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    if threads is not None:
        options.intra_op_num_threads = threads
    # weights of 8 bits become floats once, when the graph is opened
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _softmax(logits: Array) -> Array:
    if logits.shape[1] == 1:
        odds = np.exp(-np.maximum(logits, -700.0))
        return np.concatenate([odds / (1 + odds), 1 / (1 + odds)], axis=1)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Array = powers / powers.sum(axis=1, keepdims=True)
    return shares


def _classify(card: dict[str, Any], logits: Array) -> Iterator[dict[str, Any]]:
    logits, labels = logits.astype(np.float64), card["labels"]
    probabilities, decision = _softmax(logits / card["temperature"]), card["decision"]
    best = _softmax(logits).argmax(1)
    if decision is not None:
        positive = labels.index(decision["positive"])
        is_reached = probabilities[:, positive] >= decision["threshold"]
        best = np.where(is_reached, positive, 1 - positive)
    for number, row in zip(best.tolist(), probabilities.tolist(), strict=True):
        yield {
            "label": labels[number],
            "probability": row[number],
            "probabilities": dict(zip(labels, row, strict=True)),
        }


def _multilabel(card: dict[str, Any], logits: Array) -> Iterator[dict[str, Any]]:
    labels, thresholds = card["labels"], card["thresholds"]
    probabilities = 1 / (1 + np.exp(-np.maximum(logits.astype(np.float64), -700.0)))
    for row in probabilities.tolist():
        chosen = [n for n, p, t in zip(labels, row, thresholds, strict=True) if p >= t]
        yield {"labels": chosen, "probabilities": dict(zip(labels, row, strict=True))}


def _regress(card: dict[str, Any], logits: Array) -> Iterator[dict[str, Any]]:
    numbers = logits[:, 0].astype(np.float64)
    numbers = np.exp(numbers) if card["loss"] == "poisson" else numbers
    for number in (numbers * card["scale"] + card["mean"]).tolist():
        yield {"value": number}


_ANSWERS: dict[str, Callable[[dict[str, Any], Array], Iterator[dict[str, Any]]]] = {
    "classify": _classify,
    "multilabel": _multilabel,
    "regress": _regress,
}


def load(folder: str | Path, *, threads: int | None = None) -> Model:
    """Open an exported model.

    Args:
        folder: what `munjang export onnx` wrote.
        threads: threads of onnxruntime; as many as it chooses if None.

    Raises:
        ValueError: the folder has another format.
        OSError: a file is missing.
    """
    return Model(folder, threads)


def main(arguments: Sequence[str] | None = None) -> int:
    """Answer lines of the standard input: an answer of JSON per line."""
    parser = argparse.ArgumentParser(
        description="Answer texts on the standard input, one per line, by JSON on one line each."
    )
    parser.add_argument("folder", help="folder that munjang export onnx wrote")
    parser.add_argument("--threads", type=int, help="threads of onnxruntime")
    given = parser.parse_args(arguments)
    sys.stdin.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    try:
        model = load(given.folder, threads=given.threads)
        is_pair = model.card["input"]["kind"] == "two_texts"
        lines = (line.rstrip("\n") for line in sys.stdin)
        while batch := [line for _, line in zip(range(_BATCH_ROWS), lines, strict=False)]:
            values = [tuple(line.split("\t")) for line in batch] if is_pair else batch
            for answer in model.predict(values):
                print(json.dumps(answer, ensure_ascii=False))
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
