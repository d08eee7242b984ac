"""POST /explain: why an answer is what it is."""

from munjang.serving.bodies import ExplainRequest
from munjang.serving.endpoints.answers import show_answer
from munjang.serving.endpoints.endpoint import Call
from munjang.serving.endpoints.inputs import read_inputs
from munjang.serving.http import Reply, reply_json
from munjang.serving.request_errors import invalid
from munjang.serving.skills import EXPLAINS
from munjang.serving.works import explaining, predicting


async def explain(call: Call) -> Reply:
    """Return the answer to one text, and how much each word gives to it."""
    body: ExplainRequest = call.body
    served = call.service.store.find(body.model, EXPLAINS)
    inputs = read_inputs(served, body.inputs)
    if not inputs.is_single:
        raise invalid(f"inputs: expected one text to explain, got {len(inputs.values)}")
    work = explaining(served, method=body.method, label=body.label, baseline=body.baseline)
    [explanation] = await call.service.run(work, inputs.values)
    [answer] = await call.service.run(predicting(served), inputs.values)
    return reply_json({"answer": show_answer(answer), "explanation": explanation.to_json()})
