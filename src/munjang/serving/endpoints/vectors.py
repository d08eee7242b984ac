"""POST /embed and /neighbors: vectors of texts and of words."""

from dataclasses import asdict

from munjang.serving.bodies import EmbedRequest, NeighborsRequest
from munjang.serving.endpoints.endpoint import Call
from munjang.serving.endpoints.inputs import read_inputs
from munjang.serving.http import Reply, reply_json
from munjang.serving.skills import EMBEDS, HAS_WORDS
from munjang.serving.works import embedding, finding_neighbors


async def embed(call: Call) -> Reply:
    """Return a vector per text, in the shape of text-embeddings-inference."""
    body: EmbedRequest = call.body
    served = call.service.store.find(body.model, EMBEDS)
    inputs = read_inputs(served, body.inputs, one_by_one=True)
    work = embedding(served, pooling=body.pooling, normalize=body.normalize)
    vectors = await call.service.run(work, inputs.values)
    return reply_json([vector.tolist() for vector in vectors])


async def neighbors(call: Call) -> Reply:
    """Return the words nearest to each word by cosine, as `munjang neighbors`."""
    body: NeighborsRequest = call.body
    served = call.service.store.find(body.model, HAS_WORDS)
    inputs = read_inputs(served, body.inputs, one_by_one=True)
    found = await call.service.run(finding_neighbors(served, k=body.k), inputs.values)
    return reply_json([list(map(asdict, near)) for near in found])
