"""GET /healthz, /readyz, /models, /v1/models and /metrics."""

from munjang.serving.endpoints.endpoint import Call
from munjang.serving.http import Reply, reply_json
from munjang.serving.request_errors import RequestError


async def healthz(call: Call) -> Reply:
    """Return that the process answers."""
    return reply_json({"status": "ok"})


async def readyz(call: Call) -> Reply:
    """Return that requests are accepted; 503 while the server stops."""
    if not call.service.is_ready:
        raise RequestError(503, "stopping", "the server is stopping", {"Retry-After": "1"})
    return reply_json({"status": "ready"})


async def models(call: Call) -> Reply:
    """Return what the models are, and whether there are runs to show."""
    described = [served.to_json() for served in call.service.store.all]
    return reply_json({"models": described, "has_runs": call.service.runs is not None})


async def openai_models(call: Call) -> Reply:
    """Return the names of the models, in the shape of OpenAI."""
    data = [
        {"id": name, "object": "model", "created": 0, "owned_by": "munjang"}
        for name in call.service.store.names
    ]
    return reply_json({"object": "list", "data": data})


async def metrics(call: Call) -> Reply:
    """Return counters and histograms in the format of Prometheus."""
    text = call.service.metrics.render(call.service.queued_tokens)
    return Reply(text, media_type=call.service.metrics.content_type.encode())
