"""Sentences of the page, in English and Korean; braces stand for values."""

from collections.abc import Mapping

from munjang.errors import ConfigError

_SENTENCES: Mapping[str, tuple[str, str]] = {
    "text": ("Text", "텍스트"),
    "private": (
        "The model is in this page, and answers as you type. The page uses no network: no text "
        "leaves it.",
        "모델이 이 페이지 안에 있어 입력하는 대로 답합니다. 네트워크를 쓰지 않으므로 텍스트가 "
        "페이지 밖으로 나가지 않습니다.",
    ),
    "no script": (
        "This page computes its answers with JavaScript, which is turned off here.",
        "이 페이지는 JavaScript로 답을 계산하는데, 지금은 꺼져 있습니다.",
    ),
    "differs": (
        "This browser computes other numbers than the program that wrote the page: do not rely on "
        "the answers here.",
        "이 브라우저의 계산 결과가 페이지를 만든 프로그램과 다릅니다. 여기서 나온 답을 믿지 "
        "마세요.",
    ),
    "loading": ("Loading the model …", "모델을 불러오는 중 …"),
    "cannot run": (
        "This browser cannot run the model: {reason}",
        "이 브라우저에서는 모델을 실행할 수 없습니다: {reason}",
    ),
    "answer": ("Answer", "답"),
    "no label": ("no label", "해당하는 레이블 없음"),
    "label": ("label", "레이블"),
    "probability": ("probability", "확률"),
    "probability {p}": ("probability {p}", "확률 {p}"),
    "{n} more labels": ("and {n} more labels", "그 밖의 레이블 {n}개"),
    "cut": (
        "The text is longer than the model reads: its end was ignored.",
        "텍스트가 모델이 읽는 길이보다 깁니다. 끝부분은 읽지 않았습니다.",
    ),
    "why": ("Why: the words that decided", "이유: 답을 정한 단어"),
    "legend": (
        "share of a word in the score: blue raises it, brown lowers it",
        "점수에서 단어가 차지하는 몫: 파랑은 높이고 갈색은 낮춥니다",
    ),
    "log odds of {label}": ("Score: log odds of {label}", "점수: {label}의 로그 승산"),
    "logit of {label}": ("Score: logit of {label}", "점수: {label}의 로짓"),
    "logit of {label} minus logit of {other}": (
        "Score: logit of {label} minus logit of {other}",
        "점수: {label}의 로짓 − {other}의 로짓",
    ),
    "the number": ("Score: the number", "점수: 답한 수"),
    "logarithm of the number": ("Score: logarithm of the number", "점수: 답한 수의 로그"),
    "exact": (
        "{value} = {base} without text, {words} from the words, {rest} from the beginning and the "
        "end of the text. The shares are the terms of this sum.",
        "{value} = 텍스트가 없을 때 {base}, 단어들의 몫 {words}, 텍스트의 시작과 끝 {rest}. 각 "
        "몫은 이 합의 항입니다.",
    ),
    "left out": (
        "{value}; {base} with all words replaced by unknown ones. The share of a word is the fall "
        "of the score when that word alone is replaced. Shares need not sum to the score.",
        "{value}. 모든 단어를 모르는 단어로 바꾸면 {base}. 단어의 몫은 그 단어만 모르는 단어로 "
        "바꿀 때 줄어드는 점수이며, 모두 더해도 점수와 같지 않을 수 있습니다.",
    ),
    "numbers": ("Numbers", "숫자로 보기"),
    "word": ("word", "단어"),
    "share": ("share", "몫"),
    "beginning and end": ("beginning and end of the text", "텍스트의 시작과 끝"),
    "without text": ("without text", "텍스트가 없을 때"),
    "all words left out": ("all words replaced", "모든 단어를 바꿀 때"),
    "score": ("score", "점수"),
    "choose": (
        "Choose a label to see the words that speak for and against it.",
        "레이블을 고르면 그 레이블에 힘을 싣거나 빼는 단어를 볼 수 있습니다.",
    ),
    "caution": (
        "Shares say what the model used, not what is true.",
        "몫은 모델이 쓴 것을 말할 뿐, 무엇이 사실인지를 말하지 않습니다.",
    ),
    "model": ("The model", "모델"),
    "limits": (
        "It knows only what was in its training data. Check it on your own data before you rely "
        "on it.",
        "모델은 학습 데이터에 있던 것만 압니다. 쓰기 전에 자신의 데이터로 확인하세요.",
    ),
    "task": ("task", "과제"),
    "architecture": ("architecture", "구조"),
    "{architecture} on {tokenizer}": (
        "{architecture} on {tokenizer}",
        "{architecture}, {tokenizer}",
    ),
    "parameters": ("parameters", "매개변수"),
    "labels": ("labels", "레이블"),
    "training rows": ("training rows", "학습 행"),
    "validation": ("validation", "검증"),
    "longest text": ("longest text", "가장 긴 텍스트"),
    "{n} tokens": ("{n} tokens", "토큰 {n}개"),
    "temperature": ("temperature", "온도"),
    "weights": ("weights", "가중치"),
    "float32": ("32 bits, as trained", "32비트, 학습한 그대로"),
    "int8": ("tables rounded to 8 bits", "표를 8비트로 반올림"),
    "graph int8": ("8 bits, with a scale per row", "8비트, 행마다 배율 하나"),
    "computed by": ("computed by", "계산하는 프로그램"),
    "written by": ("written by", "만든 프로그램"),
}
_LANGUAGES = ("en", "ko")


def sentences_in(language: str) -> dict[str, str]:
    """Return all sentences by their keys.

    Args:
        language: en or ko.

    Raises:
        ConfigError: there is no such language.
    """
    if language not in _LANGUAGES:
        raise ConfigError(f"language: expected {' or '.join(_LANGUAGES)}, got {language!r}")
    place = _LANGUAGES.index(language)
    return {key: both[place] for key, both in _SENTENCES.items()}
