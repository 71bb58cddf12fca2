"""The server: every request authenticated, counted, delayed and failed as asked, then answered by its cluster."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from ils_sandbox.control.faults import Faults
from ils_sandbox.control.recording import RecordedRequest, Recording
from ils_sandbox.kubernetes import discovery, statuses
from ils_sandbox.kubernetes.api import ClusterApi, json_response
from ils_sandbox.kubernetes.callers import EKS_TOKEN_PREFIX, caller_of
from ils_sandbox.kubernetes.clusters import Clusters, Running
from ils_sandbox.kubernetes.control import PREFIX, Control
from ils_sandbox.kubernetes.controllers.target_groups import Registrar
from ils_sandbox.kubernetes.custom_kinds import kinds_of
from ils_sandbox.kubernetes.requests import Parameters, Target, parse_target, verb_of
from ils_sandbox.kubernetes.settings import Settings
from ils_sandbox.kubernetes.statuses import ApiError
from ils_sandbox.kubernetes.watching import Watches
from ils_sandbox.state import write_atomically

_MUTATING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]

logger = logging.getLogger(__name__)


def ensure_token(directory: Path) -> str:
    """The token of this sandbox's clusters, made once."""
    path = directory / "token"
    if not path.exists():
        write_atomically(path, secrets.token_urlsafe(32).encode())
    return path.read_text(encoding="utf-8").strip()


class Application:
    """The ASGI application of one state folder."""

    def __init__(self, directory: Path, aws_endpoint: str | None = None, authority: Path | None = None) -> None:
        """`aws_endpoint` is where target groups are, if there are any; `authority` a PEM file of whom images trust."""
        self._token = ensure_token(directory)
        self._directory = directory
        self._aws_endpoint = aws_endpoint
        self._authority = authority
        self.settings = Settings()
        self.recording = Recording()
        self.faults = Faults()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._asgi = Starlette(lifespan=self._lifespan)

    @asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        self._loop = asyncio.get_running_loop()
        self.watches = Watches()
        registrar = Registrar(self._aws_endpoint) if self._aws_endpoint else None
        self.clusters = Clusters(
            self._directory, self.settings, self.watches, registrar, self._aws_endpoint, self._authority
        )
        self.clusters.start()
        control = Control(self.clusters, self.settings, self.recording, self.faults)
        app.router.routes.extend(control.routes())
        app.router.routes.append(Route("/clusters/{cluster}/{path:path}", self._cluster, methods=_METHODS))
        app.router.routes.append(Route("/clusters/{cluster}", self._cluster, methods=_METHODS))
        try:
            yield
        finally:
            await self.clusters.stop()

    def close(self) -> None:
        """End open watches, if there can be any yet; may be called from a signal handler."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self.watches.close)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(PREFIX + "/"):
            await self._asgi(scope, receive, send)
            return
        started = time.time()
        status = 0

        async def remember(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._asgi(scope, receive, remember)
        finally:
            request = Request(scope)
            target = self._target(request)
            self.recording.add(
                RecordedRequest(
                    service="kubernetes",
                    operation=self._operation(request),
                    mutating=request.method in _MUTATING and "dryRun" not in request.query_params,
                    status=status,
                    started=started,
                    finished=time.time(),
                    client=request.headers.get("user-agent", ""),
                    caller=caller_of(_bearer(request)),
                    cluster=request.path_params.get("cluster", ""),
                    group=target.kind.group if target else "",
                    namespace=target.namespace if target else "",
                )
            )

    async def _cluster(self, request: Request) -> Response:
        try:
            self._authenticate(request)
            if self.settings.latency_seconds:
                await asyncio.sleep(self.settings.latency_seconds)
            self._fail_if_asked(request)
            return await self._answer(request)
        except ApiError as error:
            return json_response(error.status(), error.code)
        except ClientDisconnect:
            return Response(status_code=499)
        except Exception as error:  # the client is told, as an API server tells it
            logger.exception("%s %s", request.method, request.url.path)
            failure = statuses.server_error(str(error))
            return json_response(failure.status(), failure.code)

    def _authenticate(self, request: Request) -> None:
        token = _bearer(request)
        ours = secrets.compare_digest(token.encode(), self._token.encode())
        if not (ours or token.startswith(EKS_TOKEN_PREFIX)):
            raise statuses.unauthorized()

    def _fail_if_asked(self, request: Request) -> None:
        fault = self.faults.next("kubernetes", self._operation(request))
        if fault is not None:
            raise ApiError(fault.status, fault.error_code, "a failure that was asked for")

    async def _answer(self, request: Request) -> Response:
        running = self.clusters.get(request.path_params["cluster"])
        path = request.path_params.get("path", "").strip("/")
        target = parse_target(path, running.registry.cluster)
        if target is None:
            return _described(running, path)
        verb = verb_of(request.method, target, Parameters(request.query_params))
        return await ClusterApi(running, self.watches, request, target).answer(verb)

    def _operation(self, request: Request) -> str:
        """What is counted: `patch deployments`, `update deployments/scale`, or `get discovery`."""
        target = self._target(request)
        if target is None:
            return f"{request.method.lower()} discovery"
        try:
            verb = verb_of(request.method, target, Parameters(request.query_params))
        except ApiError:
            verb = request.method.lower()
        return f"{verb} {target.resource}"

    def _target(self, request: Request) -> Target | None:
        name, _, path = request.url.path.removeprefix("/clusters/").partition("/")
        running = self.clusters.find(name)
        return parse_target(path, running.registry.cluster if running else None)


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" else ""


def _described(running: Running, path: str) -> Response:
    """What is not a resource: health, version, discovery and OpenAPI."""
    version, kinds = running.registry.cluster.version, kinds_of(running.registry.cluster)
    fixed: dict[str, Any] = {
        "version": lambda: discovery.version(version),
        "api": discovery.core_versions,
        "apis": lambda: discovery.groups(kinds),
        "openapi/v3": lambda: discovery.openapi_index(kinds),
    }
    if path in ("healthz", "livez", "readyz"):
        return PlainTextResponse("ok")
    found: dict[str, Any] | None = None
    if path in fixed:
        found = fixed[path]()
    elif path.startswith("openapi/v3/"):
        found = discovery.openapi(path.removeprefix("openapi/v3/"), version, kinds, running.registry.schema)
    elif path.startswith("api/"):
        found = discovery.resources(path.removeprefix("api/"), kinds)
    elif path.startswith("apis/"):
        name = path.removeprefix("apis/")
        found = discovery.resources(name, kinds) if "/" in name else discovery.group(name, kinds)
    if found is None:
        raise statuses.no_such_path()
    return json_response(found)
