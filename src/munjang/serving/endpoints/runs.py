"""GET /runs: trainings, comparisons and searches of a folder."""

from munjang.serving.endpoints.endpoint import Call
from munjang.serving.http import Reply, reply_json
from munjang.serving.request_errors import not_found
from munjang.serving.runs.shapes import RunsResponse
from munjang.serving.runs.view import Runs

HTML = b"text/html; charset=utf-8"
# A page is shown as it was written, styles included, but it is a document of no origin: it runs no
# script, and asks nobody for anything.
_PAGE_HEADERS = {
    "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}


async def list_runs(call: Call) -> Reply:
    """Return all runs, the newest first."""
    if call.service.runs is None:
        return reply_json(RunsResponse())
    return reply_json(await call.service.runs.list_runs())


async def show_run(call: Call) -> Reply:
    """Return a run with its curves or its table."""
    return reply_json(await _runs(call).show(call.path["name"]))


async def show_page(call: Call) -> Reply:
    """Return a page that was written for a run."""
    data = await _runs(call).read_page(call.path["name"], call.path["page"])
    return Reply(data, media_type=HTML, headers=_PAGE_HEADERS)


def _runs(call: Call) -> Runs:
    if call.service.runs is None:
        raise not_found("this server has no folder of runs; start it with munjang serve RUNS")
    return call.service.runs
