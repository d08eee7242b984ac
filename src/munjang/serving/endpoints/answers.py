"""POST /predict and /classify."""

import time
import uuid
from typing import Any

from munjang.serving.bodies import ClassifyRequest, PredictRequest
from munjang.serving.endpoints.endpoint import Call
from munjang.serving.endpoints.inputs import read_inputs
from munjang.serving.http import Reply, reply_json
from munjang.serving.skills import CLASSIFIES
from munjang.serving.works import predicting


async def predict(call: Call) -> Reply:
    """Answer texts; scores of labels in the shape of Hugging Face's text classification."""
    body: PredictRequest = call.body
    served = call.service.store.find(body.model)
    inputs = read_inputs(served, body.inputs)
    work = predicting(served, abstain=body.abstain)
    answers = await call.service.run(work, inputs.values)
    return reply_json(inputs.like_request([show_answer(each, body.top_k) for each in answers]))


def show_answer(answer: Any, top_k: int | None = None) -> Any:
    """Return an answer as JSON: labels with their scores, the best first, or what it is else."""
    probabilities = getattr(answer, "probabilities", None)
    if probabilities is None:
        return answer.to_json()
    ranked = sorted(probabilities.items(), key=lambda pair: -pair[1])
    return [{"label": label, "score": score} for label, score in ranked[:top_k]]


async def classify(call: Call) -> Reply:
    """Classify texts, in the shape of vLLM's /classify."""
    body: ClassifyRequest = call.body
    served = call.service.store.find(body.model, CLASSIFIES)
    inputs = read_inputs(served, body.input)
    answers = await call.service.run(predicting(served), inputs.values)
    tokens = sum(map(served.estimate_tokens, inputs.values))
    return reply_json(
        {
            "id": f"classify-{uuid.uuid4().hex}",
            "object": "list",
            "created": int(time.time()),
            "model": served.name,
            "data": [_show_class(place, answer) for place, answer in enumerate(answers)],
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens, "completion_tokens": 0},
        }
    )


def _show_class(place: int, answer: Any) -> dict[str, Any]:
    probabilities: dict[str, float] = answer.probabilities
    return {
        "index": place,
        "label": getattr(answer, "label", None) or list(getattr(answer, "labels", ())),
        "probs": list(probabilities.values()),
        "num_classes": len(probabilities),
        "truncated": answer.truncated,
    }
