"""The Python servers of row 11, each in its own process.

python -m tests.benchmarks.emulated ours 8000
"""

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

from starlette.types import ASGIApp, Receive, Scope, Send

from tests.emulator.worlds import TASK, WORKERS, WORKSPACE, people

RESERVATION: Final = "WR" + "9" * 32

STORED: Final[Mapping[str, Any]] = {
    "account_sid": "AC" + "0" * 32,
    "date_created": "2030-01-01T00:00:00Z",
    "date_updated": "2030-01-01T00:00:00Z",
    "reservation_status": "pending",
    "sid": RESERVATION,
    "task_sid": TASK,
    "worker_name": "Worker 0",
    "worker_sid": WORKERS[0],
    "workspace_sid": WORKSPACE,
}
"""A reservation, as a dict."""

_CORS: Final = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
    "Access-Control-Allow-Headers": (
        "Authorization, Content-Type, If-Match, apiVersion, clientVersion"
    ),
    "Access-Control-Allow-Credentials": "true",
    "Access-Control-Expose-Headers": (
        "ETag, X-Rate-Limit-Limit, X-Rate-Limit-Remaining, X-Rate-Limit-Config"
    ),
}
"""The CORS headers of every reply."""


def shown(stored: Mapping[str, Any], origin: str) -> dict[str, Any]:
    """Return the body of a reservation, with its addresses."""
    workspace = f"{origin}/v1/Workspaces/{stored['workspace_sid']}"
    task, worker = (
        f"{workspace}/Tasks/{stored['task_sid']}",
        f"{workspace}/Workers/{stored['worker_sid']}",
    )
    links = {"task": task, "worker": worker, "workspace": workspace}
    return {**stored, "url": f"{task}/Reservations/{stored['sid']}", "links": links}


def ours(port: int) -> None:
    """Run the emulator over one pending reservation that never times out."""
    from reservation_core.emulator import ManualClock, Platform
    from reservation_core.emulator.server import serve

    platform = Platform(ManualClock())
    people(platform)
    platform.reserve(TASK, WORKERS[0], sid=RESERVATION)
    serve(platform, port=port)


def starlette(port: int) -> None:
    """Run Starlette with a dict: a route, the form, the version, a JSON reply."""
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    reservations = {RESERVATION: dict(STORED)}
    versions = {RESERVATION: 0}
    origin = f"http://127.0.0.1:{port}"

    async def update(request: Request) -> JSONResponse:
        sid = request.path_params["sid"]
        found = reservations.get(sid)
        if found is None or found["task_sid"] != request.path_params["task_sid"]:
            return JSONResponse({"code": 20404, "status": 404}, 404)
        if request.headers.get("if-match", str(versions[sid])) != str(versions[sid]):
            return JSONResponse({"code": 20412, "status": 412}, 412)
        form = await request.form()
        if found["reservation_status"] != "pending" or form.get("Instruction") != "call":
            return JSONResponse({"code": 20001, "status": 400}, 400)
        versions[sid] += 1
        return JSONResponse(shown(found, origin), headers={"ETag": str(versions[sid]), **_CORS})

    route = Route(
        "/v1/Workspaces/{workspace_sid}/Tasks/{task_sid}/Reservations/{sid}",
        update,
        methods=["POST"],
    )
    _run(Starlette(routes=[route]), port)


def bare_uvicorn(port: int) -> None:
    """Run uvicorn alone, which answers every request with the same bytes."""
    body = json.dumps(shown(STORED, f"http://127.0.0.1:{port}")).encode()
    sent = {
        "ETag": "0",
        "Content-Type": "application/json",
        **_CORS,
        "content-length": str(len(body)),
    }
    headers = [(name.encode(), value.encode()) for name, value in sent.items()]

    async def application(_: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    _run(application, port)


def _run(application: ASGIApp, port: int) -> None:
    import uvicorn

    uvicorn.run(
        application,
        port=port,
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=75,
    )


_SERVERS: Final[Mapping[str, Callable[[int], None]]] = {
    "ours": ours,
    "starlette": starlette,
    "uvicorn": bare_uvicorn,
}

if __name__ == "__main__":
    _SERVERS[sys.argv[1]](int(sys.argv[2]))
