"""`/openapi.json`: the endpoints, described for programs."""

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from munjang import __version__
from munjang.serving.bodies import ErrorResponse
from munjang.serving.endpoints.endpoint import Endpoint

_TEMPLATE = "#/components/schemas/{name}"
_MEANINGS = {
    400: "the request is no valid HTTP or JSON",
    401: "the key is missing or wrong",
    403: "the host or the origin is not allowed",
    404: "no such model or run",
    405: "another method is expected",
    408: "the request was not sent in time",
    409: "the folder or file cannot be read",
    413: "the request exceeds a limit",
    415: "the body is not JSON",
    422: "the content cannot be used",
    503: "overloaded, or stopping",
}
# Of a stream the schema of each event.
_SCHEMAS: dict[str, Any] = {
    "text/plain": {"type": "string"},
    "text/html": {"type": "string"},
    "text/event-stream": {
        "type": "object",
        "properties": {"data": {"type": "string"}},
        "required": ["data"],
    },
}
_ALWAYS = (400, 401, 403)
_WITH_BODY = (404, 408, 413, 415, 422, 503)


def describe(endpoints: Sequence[Endpoint], *, has_key: bool) -> dict[str, Any]:
    """Return the document in the format OpenAPI 3.1."""
    types = [kind for each in endpoints for kind in (each.body, each.response) if kind is not None]
    types.append(ErrorResponse)
    schemas, components = msgspec.json.schema_components(types, ref_template=_TEMPLATE)
    schema_of = dict(zip(map(str, types), schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        operation = _describe_operation(endpoint, schema_of, has_key)
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = operation
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "Munjang", "version": __version__},
        "paths": paths,
        "components": {"schemas": components},
    }
    if has_key:
        document["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    return document


def _describe_operation(
    endpoint: Endpoint, schema_of: dict[str, Any], has_key: bool
) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": endpoint.about,
        "operationId": re.sub(r"\W+", "_", f"{endpoint.method} {endpoint.path}").strip("_").lower(),
        "responses": {"200": _describe_success(endpoint, schema_of)},
    }
    if names := re.findall(r"\{(\w+)\}", endpoint.path):
        operation["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in names
        ]
    if endpoint.body is not None:
        content = {"application/json": {"schema": schema_of[str(endpoint.body)]}}
        operation["requestBody"] = {"required": True, "content": content}
    if has_key and not endpoint.is_open:
        operation["security"] = [{"key": []}]
    error = {"application/json": {"schema": schema_of[str(ErrorResponse)]}}
    statuses = {*_ALWAYS, *endpoint.statuses, *(_WITH_BODY if endpoint.body is not None else ())}
    if endpoint.path.endswith(("readyz", "ready")):
        statuses.add(503)
    for status in sorted(statuses):
        operation["responses"][str(status)] = {
            "description": _MEANINGS[status],
            "content": error,
        }
    return operation


def _describe_success(endpoint: Endpoint, schema_of: dict[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if endpoint.response is not None:
        content["application/json"] = {"schema": schema_of[str(endpoint.response)]}
    if endpoint.media_type is not None:
        content[endpoint.media_type] = {"schema": _SCHEMAS[endpoint.media_type]}
    return {"description": "done", "content": content}
