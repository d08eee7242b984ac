"""POST /embed: sentence vectors."""

from munjang.serving.bodies import EmbedRequest
from munjang.serving.endpoints.endpoint import Call
from munjang.serving.endpoints.inputs import read_inputs
from munjang.serving.http import Reply, reply_json
from munjang.serving.skills import EMBEDS
from munjang.serving.works import embedding


async def embed(call: Call) -> Reply:
    """Return a vector per text, in the shape of text-embeddings-inference."""
    body: EmbedRequest = call.body
    served = call.service.store.find(body.model, EMBEDS)
    inputs = read_inputs(served, body.inputs, one_by_one=True)
    work = embedding(served, pooling=body.pooling, normalize=body.normalize)
    vectors = await call.service.run(work, inputs.values)
    return reply_json([vector.tolist() for vector in vectors])
