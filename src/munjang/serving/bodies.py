"""Bodies of requests.

Their types are checked when a body is read, and are the schemas of `/openapi.json`.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

Name = Annotated[
    str, Meta(max_length=200, description="name of the model; the first one that can if omitted")
]
Inputs = str | list[str | list[str]]
Positive = Annotated[int, Meta(ge=1, le=2**20)]
Seed = Annotated[int, Meta(ge=0, le=2**53)]


class Request(Struct, forbid_unknown_fields=True):
    """Base of bodies whose unknown fields are errors."""


class PredictRequest(Request):
    """Texts to answer: one or a list; of a model of two texts [first, second] or a list."""

    inputs: Inputs
    model: Name | None = None
    top_k: Positive | None = None
    abstain: Annotated[float, Meta(gt=0, lt=1)] | None = None


class ClassifyRequest(Struct):
    """Texts to classify, in the shape of vLLM; unknown fields are ignored."""

    input: Inputs
    model: Name | None = None


class EmbedRequest(Request):
    """Texts to turn into vectors."""

    inputs: str | list[str]
    model: Name | None = None
    pooling: Literal["mean", "first", "max", "pooled"] | None = None
    normalize: bool = False


class NeighborsRequest(Request):
    """Words whose neighbors are found: one or a list."""

    inputs: str | list[str]
    model: Name | None = None
    k: Annotated[int, Meta(ge=1, le=100)] = 10


class ExplainRequest(Request):
    """One text whose answer is explained; of a model of two texts [first, second]."""

    inputs: str | list[str]
    model: Name | None = None
    method: Literal["exact", "integrated", "gradient", "leave_one_out"] | None = None
    label: str | None = None
    baseline: Literal["zero", "oov", "deleted"] | None = None


class TranslateRequest(Request):
    """Texts to translate, or to answer with a text."""

    inputs: str | list[str]
    model: Name | None = None
    stream: bool = False
    beam: Annotated[int, Meta(ge=1, le=64)] | None = None
    nbest: Annotated[int, Meta(ge=1, le=64)] | None = None
    alignment: bool = False


class GenerateParameters(Request):
    """Settings of generation."""

    max_new_tokens: Positive = 200
    temperature: Annotated[float, Meta(ge=0, le=1000)] | None = None
    top_k: Positive | None = None
    top_p: Annotated[float, Meta(gt=0, le=1)] | None = None
    seed: Seed | None = None
    stop: Annotated[list[Annotated[str, Meta(max_length=200)]], Meta(max_length=16)] = []


class GenerateRequest(Request):
    """The beginning of a text to continue."""

    inputs: str = ""
    model: Name | None = None
    parameters: GenerateParameters = msgspec.field(default_factory=GenerateParameters)
    stream: bool = False


class CompletionRequest(Struct):
    """A completion in the shape of OpenAI; unknown fields are ignored."""

    prompt: str | list[str] = ""
    model: Name | None = None
    max_tokens: Positive | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(gt=0, le=1)] | None = None
    seed: Seed | None = None
    stop: str | Annotated[list[str], Meta(max_length=16)] | None = None
    stream: bool | None = None
    n: Annotated[int, Meta(ge=1, le=1)] | None = None


class InferTensor(Struct):
    """A tensor of texts, in the shape of KServe."""

    name: str
    shape: list[Annotated[int, Meta(ge=0)]]
    datatype: Literal["BYTES"]
    data: list[str | list[str]]


class InferRequest(Struct):
    """Tensors to infer from: `text`, or `first` and `second` of a model of two texts."""

    inputs: list[InferTensor]
    id: str | UnsetType = UNSET
    parameters: dict[str, Any] | UnsetType = UNSET


class ErrorDetail(Struct):
    """An error."""

    type: str
    message: str


class ErrorResponse(Struct):
    """Body of every response whose status is 400 or more."""

    error: ErrorDetail
