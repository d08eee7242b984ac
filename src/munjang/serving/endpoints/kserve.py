"""KServe's Open Inference Protocol, version 2."""

from typing import Any

import msgspec

from munjang import __version__
from munjang.serving.bodies import InferRequest, InferTensor
from munjang.serving.endpoints.endpoint import Call
from munjang.serving.http import Reply, reply_json
from munjang.serving.models import ServedModel
from munjang.serving.request_errors import invalid
from munjang.serving.skills import CLASSIFIES, RANKS_TOKENS
from munjang.serving.works import predicting

_EXTENSIONS = ["model_repository"]


async def server(call: Call) -> Reply:
    """Return name and version of the server."""
    return reply_json({"name": "munjang", "version": __version__, "extensions": _EXTENSIONS})


async def live(call: Call) -> Reply:
    """Return that the process answers."""
    return reply_json({"live": True})


async def ready(call: Call) -> Reply:
    """Return whether the models answer."""
    is_ready = call.service.is_ready
    return reply_json({"ready": is_ready}, 200 if is_ready else 503)


async def model_ready(call: Call) -> Reply:
    """Return whether a model answers."""
    served = call.service.store.find(call.path["name"])
    return reply_json({"name": served.name, "ready": call.service.is_ready})


async def describe_model(call: Call) -> Reply:
    """Return the tensors that a model takes and gives."""
    served = call.service.store.find(call.path["name"])
    names = ("first", "second") if served.description.reads_pairs else ("text",)
    outputs = [_tensor_of("answer", "BYTES", [-1])]
    if CLASSIFIES in served.description.skills:
        outputs.append(_tensor_of("probabilities", "FP64", [-1, len(served.description.labels)]))
    return reply_json(
        {
            "name": served.name,
            "versions": [served.sha256[:12]],
            "platform": "munjang",
            "inputs": [_tensor_of(name, "BYTES", [-1]) for name in names],
            "outputs": outputs,
        }
    )


async def infer(call: Call) -> Reply:
    """Answer the texts of a tensor."""
    body: InferRequest = call.body
    served = call.service.store.find(call.path["name"])
    answers = await call.service.run(predicting(served), _values(served, body))
    count = len(answers)
    shows_json = RANKS_TOKENS in served.description.skills
    texts = [_show_json(answer) if shows_json else _answer_text(answer) for answer in answers]
    outputs = [{**_tensor_of("answer", "BYTES", [count]), "data": texts}]
    if CLASSIFIES in served.description.skills:
        rows = [list(answer.probabilities.values()) for answer in answers]
        data = [value for row in rows for value in row]
        shape = [count, len(served.description.labels)]
        outputs.append({**_tensor_of("probabilities", "FP64", shape), "data": data})
    reply: dict[str, Any] = {
        "model_name": served.name,
        "model_version": served.sha256[:12],
        "outputs": outputs,
    }
    if isinstance(body.id, str):
        reply["id"] = body.id
    return reply_json(reply)


async def load(call: Call) -> Reply:
    """Load a model again if its folder has changed; requests are answered meanwhile."""
    has_changed = await call.service.reload(call.path["name"])
    served = call.service.store.find(call.path["name"])
    return reply_json({"name": served.name, "sha256": served.sha256, "changed": has_changed})


def _answer_text(answer: Any) -> str:
    """Return the answer alone: the first column that `munjang predict` writes."""
    text: str = answer.lines(1, "")[0][0]
    return text


def _show_json(answer: Any) -> str:
    return msgspec.json.encode(answer.to_json()).decode()


def _values(served: ServedModel, body: InferRequest) -> list[Any]:
    """Return the values of the tensors of a request."""
    tensors = {tensor.name: _flatten(tensor) for tensor in body.inputs}
    wanted = ("first", "second") if served.description.reads_pairs else ("text",)
    if len(tensors) == len(wanted) == 1:
        return next(iter(tensors.values()))
    if set(tensors) != set(wanted):
        raise invalid(
            f"inputs: expected tensors named {' and '.join(wanted)}, got "
            f"{', '.join(sorted(tensors)) or 'none'}"[:300]
        )
    first, second = (tensors[name] for name in wanted)
    if len(first) != len(second):
        raise invalid(
            f"inputs: expected as many first texts as second ones, got {len(first)} and "
            f"{len(second)}"
        )
    return list(zip(first, second, strict=True))


def _flatten(tensor: InferTensor) -> list[str]:
    texts: list[str] = []
    for entry in tensor.data:
        texts.extend([entry] if isinstance(entry, str) else entry)
    size = 1
    for length in tensor.shape:
        size *= length
    if size != len(texts):
        raise invalid(
            f"inputs: tensor {tensor.name[:50]!r} has the shape {tensor.shape[:8]} and "
            f"{len(texts)} texts"
        )
    return texts


def _tensor_of(name: str, datatype: str, shape: list[int]) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": shape}
