"""The control API of the data plane, an ASGI application: JSON over HTTP, for those who hold its token.

PUT    /clusters/<id>            make one (ClusterOrder); GET its State, PATCH it (ClusterChange), DELETE it
POST   /clusters/<id>/failover   cut everybody off, as a failover does
PUT    /caches/<id>              likewise (CacheOrder, CacheChange)
PUT    /snapshots/<id>           take or copy one (SnapshotOrder); GET its State, DELETE it
GET    /snapshots/<id>/file      the RDB file of a cache's; PUT makes a snapshot of such a file
GET    /_sandbox/health
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from pydantic import BaseModel, ValidationError

from ils_sandbox.data.owned import DataServerError
from ils_sandbox.data.records import CacheChange, CacheOrder, ClusterChange, ClusterOrder, SnapshotOrder, State
from ils_sandbox.data.service import DataService, UnknownError

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

log = logging.getLogger(__name__)

Answer = tuple[int, dict[str, Any] | bytes]


class Application:
    """Opens the service when the server starts and closes it when it ends."""

    def __init__(self, service: DataService, token: str) -> None:
        self._service = service
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        status, answer = await self._answer(scope, receive)
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        kind = b"application/octet-stream" if isinstance(answer, bytes) else b"application/json"
        headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        self._service.open()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._service.close()
        log.info("closed")
        await send({"type": "lifespan.shutdown.complete"})

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        method, path = scope["method"], scope["path"]
        if (method, path) == ("GET", "/_sandbox/health"):
            return 200, {"status": "ok", "pid": os.getpid()}
        given = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
        if not hmac.compare_digest(given, f"Bearer {self._token}"):
            return 401, {"error": "the token of the data plane is needed"}
        kind, _, rest = path.strip("/").partition("/")
        id_, _, action = rest.partition("/")
        if kind not in ("clusters", "caches", "snapshots") or not id_:
            return 404, {"error": f"{path} is neither a cluster, a cache nor a snapshot"}
        try:
            return await self._carry_out(method, kind, id_, action, await _body(receive))
        except UnknownError as unknown:
            return 404, {"error": f"there is no {unknown}"}
        except (ValidationError, ValueError) as invalid:
            return 400, {"error": str(invalid)}
        except (DataServerError, OSError) as failed:
            return 500, {"error": str(failed)}
        except Exception as broken:
            log.exception("%s %s broke", method, path)
            return 500, {"error": f"{type(broken).__name__}: {broken}"}

    async def _carry_out(self, method: str, kind: str, id_: str, action: str, body: bytes) -> Answer:
        service = self._service
        if method == "DELETE":
            # Its end is not waited for: whoever asks has gone on, and nothing that comes later can see it.
            _in_background(service.delete(kind, id_))
            return 200, {}
        if (kind, action) == ("snapshots", "file"):
            return await self._with_file(method, id_, body)
        if method == "PUT":
            if kind == "clusters":
                return _state(service.make_cluster(id_, ClusterOrder.model_validate_json(body)).state)
            if kind == "caches":
                return _state(service.make_cache(id_, CacheOrder.model_validate_json(body)).state)
            return _state(service.make_snapshot(id_, SnapshotOrder.model_validate_json(body)).state)
        if kind == "snapshots":
            found = service.snapshots.get(id_)
            return (404, {"error": f"there is no snapshot {id_}"}) if found is None else _state(found.state)
        return await self._on_server(method, kind, id_, action, body)

    async def _with_file(self, method: str, id_: str, body: bytes) -> Answer:
        if method == "PUT":
            return _state(self._service.keep_snapshot(id_, body).state)
        found = self._service.snapshots.get(id_)
        if found is None:
            raise UnknownError(id_)
        return 200, await found.content()

    async def _on_server(self, method: str, kind: str, id_: str, action: str, body: bytes) -> Answer:
        server = self._service.clusters.get(id_) if kind == "clusters" else self._service.caches.get(id_)
        if server is None:
            raise UnknownError(id_)
        if (method, action) == ("POST", "failover"):
            await server.fail_over()
        elif method == "PATCH" and kind == "clusters":
            await self._service.clusters[id_].change(ClusterChange.model_validate_json(body))
        elif method == "PATCH":
            await self._service.caches[id_].change(CacheChange.model_validate_json(body))
        elif method != "GET":
            return 405, {"error": f"{method} is not understood"}
        return _state(server.state)


_background: set[asyncio.Task[None]] = set()


def _in_background(work: Awaitable[None]) -> None:
    async def run() -> None:
        try:
            await work
        except Exception:
            log.exception("a deletion failed")

    task = asyncio.get_running_loop().create_task(run())
    _background.add(task)
    task.add_done_callback(_background.discard)


def _state(state: State | BaseModel) -> Answer:
    return 200, state.model_dump(mode="json")


async def _body(receive: Receive) -> bytes:
    chunks: list[bytes] = []
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)
