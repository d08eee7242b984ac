"""Types of the bodies of responses, for `/openapi.json`. Responses are made as plain values."""

from typing import Any

from msgspec import Struct


class LabelScore(Struct):
    """A label and its probability."""

    label: str
    score: float


PredictResponse = list[Any] | dict[str, Any]
EmbedResponse = list[Any]


class NearWord(Struct):
    """A word of the vocabulary, and the cosine of its vector."""

    word: str
    score: float


NeighborsResponse = list[list[NearWord]]


class ClassifiedText(Struct):
    """The classes of one text."""

    index: int
    label: Any
    probs: list[float]
    num_classes: int
    truncated: bool


class Usage(Struct):
    """Numbers of tokens; those of inputs are estimated from their characters."""

    prompt_tokens: int
    total_tokens: int
    completion_tokens: int


class ClassifyResponse(Struct):
    """Classes of texts, in the shape of vLLM."""

    id: str
    object: str
    created: int
    model: str
    data: list[ClassifiedText]
    usage: Usage


class ExplainResponse(Struct):
    """An answer and what each word gives to it."""

    answer: Any
    explanation: dict[str, Any]


class Translation(Struct):
    """One translated text."""

    translation_text: str
    answer: str
    truncated: bool
    candidates: list[dict[str, Any]]


class GenerateResponse(Struct):
    """A text that continues the given one, which it does not repeat."""

    generated_text: str
    generated_tokens: int
    finish_reason: str


class Choice(Struct):
    """A completion."""

    index: int
    text: str
    logprobs: None
    finish_reason: str | None


class CompletionResponse(Struct):
    """A completion, in the shape of OpenAI."""

    id: str
    object: str
    created: int
    model: str
    choices: list[Choice]
    usage: Usage


class ModelDescription(Struct):
    """A model."""

    name: str
    task: str
    input: str
    architecture: str
    parameters: int
    labels: list[str]
    skills: list[str]
    sha256: str


class ModelsResponse(Struct):
    """All models, the default one first; `has_runs` tells whether GET /runs has a folder."""

    models: list[ModelDescription]
    has_runs: bool


class OpenModel(Struct):
    """A model, in the shape of OpenAI."""

    id: str
    object: str
    created: int
    owned_by: str


class OpenModelsResponse(Struct):
    """All models, in the shape of OpenAI."""

    object: str
    data: list[OpenModel]


class Status(Struct):
    """A state in a word."""

    status: str


class TensorDescription(Struct):
    """A tensor without its values."""

    name: str
    datatype: str
    shape: list[int]


class OutputTensor(Struct):
    """A tensor of answers."""

    name: str
    datatype: str
    shape: list[int]
    data: list[Any]


class ServerDescription(Struct):
    """The server."""

    name: str
    version: str
    extensions: list[str]


class Live(Struct):
    """State of the process, for KServe."""

    live: bool


class Ready(Struct):
    """State of all models, for KServe."""

    ready: bool


class ModelReady(Struct):
    """State of one model, for KServe."""

    name: str
    ready: bool


class InferModel(Struct):
    """The tensors that a model takes and gives."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorDescription]
    outputs: list[TensorDescription]


class InferResponse(Struct, omit_defaults=True):
    """Answers as tensors."""

    model_name: str
    model_version: str
    outputs: list[OutputTensor]
    id: str = ""


class LoadResponse(Struct):
    """A model that was loaded again, if its folder had changed."""

    name: str
    sha256: str
    changed: bool
