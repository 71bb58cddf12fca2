"""The API of one cluster over HTTP: each verb on each resource."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from ils_sandbox.kubernetes import evictions, logs, patches, scaling, statuses, tables
from ils_sandbox.kubernetes.clusters import Running
from ils_sandbox.kubernetes.kinds import EVICTION, LOG, POD, PROXY, RESOURCE_QUOTA, SCALE, SERVICE, SERVICE_ACCOUNT
from ils_sandbox.kubernetes.proxying import Proxy
from ils_sandbox.kubernetes.registry import Deletion, Write
from ils_sandbox.kubernetes.requests import (
    JSON,
    Parameters,
    Target,
    body_of,
    check_accepts_json,
    field_manager,
    media_type,
    wants_table,
)
from ils_sandbox.kubernetes.selectors import matcher
from ils_sandbox.kubernetes.store import Object, name_of, namespace_of
from ils_sandbox.kubernetes.watching import Watches, WatchOptions

RETURNED_WHEN_DELETED = (POD, SERVICE, SERVICE_ACCOUNT, RESOURCE_QUOTA)
_FIELD_VALIDATIONS = ("Strict", "Warn", "Ignore")


def json_response(
    body: Any, code: int = 200, warnings: list[str] | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    response = Response(json.dumps(body, separators=(",", ":")), code, dict(headers or {}), JSON)
    for warning in warnings or ():
        escaped = warning.replace("\\", "\\\\").replace('"', '\\"')
        response.headers.append("Warning", f'299 - "{escaped}"')
    return response


class ClusterApi:
    """Answers one request to one cluster. Errors are raised as `ApiError`."""

    def __init__(self, running: Running, watches: Watches, request: Request, target: Target) -> None:
        self._registry = running.registry
        self._continuations = running.continuations
        self._logs = running.surroundings.processes.logs
        self._proxy = Proxy(running.registry, running.surroundings.network)
        self._watches = watches
        self._request = request
        self._target = target
        self._parameters = Parameters(request.query_params)

    async def answer(self, verb: str) -> Response:
        if self._target.subresource == PROXY:
            return await self._proxy.answer(self._request.method, self._target)
        if verb != "watch" and self._target.subresource != LOG:
            check_accepts_json(self._request)
        handlers: dict[str, Callable[[], Awaitable[Response]]] = {
            "get": self._get,
            "list": self._list,
            "watch": self._watch,
            "create": self._create,
            "update": self._update,
            "patch": self._patch,
            "delete": self._delete,
            "deletecollection": self._delete_collection,
        }
        collection_verb = verb in ("create", "list", "deletecollection") and self._target.subresource != EVICTION
        if verb not in handlers or (verb != "watch" and collection_verb == bool(self._target.name)):
            raise statuses.method_not_allowed()
        if self._target.subresource == EVICTION:
            return await self._evict(verb)
        if self._target.subresource and verb not in ("get", "update", "patch"):
            raise statuses.method_not_allowed()
        return await handlers[verb]()

    # -- reading --------------------------------------------------------------------------------------------------

    async def _get(self) -> Response:
        target = self._target
        obj = self._registry.get(target.kind, target.namespace, target.name)
        if target.subresource == SCALE:
            return json_response(scaling.scale_of(obj))
        if target.subresource == LOG:
            return self._log(obj)
        if wants_table(self._request):
            return json_response(self._table([obj], {"resourceVersion": obj["metadata"]["resourceVersion"]}))
        return json_response(obj)

    def _log(self, pod: Object) -> Response:
        log = logs.PodLog(pod, self._parameters, self._logs)
        if self._parameters.flag("follow"):
            stream = log.follow(self._registry.cluster, self._watches.closed)
            return StreamingResponse(stream, media_type="text/plain")
        return PlainTextResponse(log.text())

    def _matches(self) -> Callable[[Object], bool]:
        labels, fields = self._parameters.text("labelSelector"), self._parameters.text("fieldSelector")
        named = matcher(self._target.kind, labels, fields)
        name = self._target.name
        return (lambda obj: name_of(obj) == name and named(obj)) if name else named

    async def _list(self) -> Response:
        target, cluster = self._target, self._registry.cluster
        limit = self._parameters.number("limit") or 0
        token = self._parameters.text("continue")
        if token:
            page = self._continuations.next(token, limit)
        else:
            matches = self._matches()
            objects = [obj for obj in cluster.objects(target.kind, target.namespace) if matches(obj)]
            page = self._continuations.first(objects, cluster.revision, limit)
        metadata: dict[str, Any] = {"resourceVersion": str(page.revision)}
        if page.token:
            metadata |= {"continue": page.token, "remainingItemCount": page.remaining}
        if wants_table(self._request):
            return json_response(self._table(page.objects, metadata))
        items = [{k: v for k, v in obj.items() if k not in ("apiVersion", "kind")} for obj in page.objects]
        kind = target.kind
        body = {"kind": f"{kind.kind}List", "apiVersion": kind.api_version, "metadata": metadata, "items": items}
        return json_response(body)

    def _table(self, objects: list[Object], metadata: dict[str, Any]) -> dict[str, Any]:
        include = self._parameters.text("includeObject") or "Metadata"
        return tables.table(self._target.kind, objects, metadata, include)

    async def _watch(self) -> Response:
        options = WatchOptions(
            kind=self._target.kind,
            namespace=self._target.namespace,
            matches=self._matches(),
            resource_version=self._parameters.text("resourceVersion"),
            timeout_seconds=self._parameters.number("timeoutSeconds"),
            bookmarks=self._parameters.flag("allowWatchBookmarks"),
            send_initial_events=self._parameters.flag("sendInitialEvents"),
        )

        def render(obj: Object) -> Any:
            if wants_table(self._request):
                return self._table([obj], {"resourceVersion": obj["metadata"]["resourceVersion"]})
            return obj

        stream = self._watches.stream(self._registry.cluster, options, render)
        return StreamingResponse(stream, media_type=JSON)

    # -- writing --------------------------------------------------------------------------------------------------

    def _write(self, *, force: bool = False) -> Write:
        validation = self._parameters.text("fieldValidation") or "Warn"
        if validation not in _FIELD_VALIDATIONS:
            raise statuses.bad_request(f"fieldValidation is one of {', '.join(_FIELD_VALIDATIONS)}, found {validation}")
        return Write(
            manager=field_manager(self._request, self._parameters),
            dry_run=self._parameters.dry_run(),
            force=force,
            field_validation=validation,
        )

    async def _create(self) -> Response:
        body, write = await body_of(self._request), self._write()
        created = self._registry.create(self._target.kind, self._target.namespace, body, write)
        return json_response(created, 201, write.warnings)

    async def _update(self) -> Response:
        target, write = self._target, self._write()
        body = await body_of(self._request)
        if target.subresource == SCALE:
            live = self._registry.get(target.kind, target.namespace, target.name)
            return json_response(scaling.set_scale(self._registry, target.kind, live, body, write))
        updated = self._registry.update(target.kind, target.namespace, target.name, body, write, target.subresource)
        return json_response(updated, 200, write.warnings)

    async def _patch(self) -> Response:
        target, kind = self._target, self._target.kind
        found = media_type(self._request)
        accepted = [each for each in patches.MEDIA_TYPES if not (kind.custom and each == patches.STRATEGIC_MERGE_PATCH)]
        patch = await body_of(self._request, tuple(accepted))
        write = self._write(force=self._parameters.flag("force"))
        if target.subresource == SCALE:
            live = self._registry.get(kind, target.namespace, target.name)
            return json_response(scaling.patch_scale(self._registry, kind, live, found, patch, write))
        if found != patches.APPLY_PATCH:
            if self._parameters.text("force"):
                raise _invalid_options("force", "Forbidden: may not be specified for non-apply patch")
            obj = self._registry.patch(kind, target.namespace, target.name, found, patch, write, target.subresource)
            return json_response(obj, 200, write.warnings)
        if not self._parameters.text("fieldManager"):
            raise _invalid_options("fieldManager", "Required value: is required for apply patch")
        obj, created = self._registry.apply(kind, target.namespace, target.name, patch, write, target.subresource)
        return json_response(obj, 201 if created else 200, write.warnings)

    async def _evict(self, verb: str) -> Response:
        if verb != "create":
            raise statuses.method_not_allowed()
        target = self._target
        pod = self._registry.get(target.kind, target.namespace, target.name)
        eviction = await body_of(self._request) or {}
        deletion = self._deletion(eviction.get("deleteOptions") or {})
        return json_response(evictions.evict(self._registry, pod, eviction, deletion), 201)

    def _deletion(self, body: dict[str, Any]) -> Deletion:
        preconditions = body.get("preconditions") or {}
        propagation = body.get("propagationPolicy") or self._parameters.text("propagationPolicy") or None
        orphans = body.get("orphanDependents")
        if orphans is not None and propagation is None:
            propagation = "Orphan" if orphans else "Background"
        if propagation not in (None, "Orphan", "Background", "Foreground"):
            raise _invalid_options("propagationPolicy", f'Unsupported value: "{propagation}"')
        grace = body.get("gracePeriodSeconds")
        return Deletion(
            propagation=propagation,
            grace_seconds=self._parameters.number("gracePeriodSeconds") if grace is None else int(grace),
            uid=preconditions.get("uid"),
            resource_version=preconditions.get("resourceVersion"),
            dry_run=self._parameters.dry_run() or body.get("dryRun") == ["All"],
        )

    async def _delete(self) -> Response:
        target, kind = self._target, self._target.kind
        deletion = self._deletion(await body_of(self._request) or {})
        obj, gone = self._registry.delete(kind, target.namespace, target.name, deletion)
        if gone and kind not in RETURNED_WHEN_DELETED:
            return json_response(statuses.success(kind, name_of(obj), obj["metadata"]["uid"]))
        return json_response(obj)

    async def _delete_collection(self) -> Response:
        target, matches = self._target, self._matches()
        deletion = self._deletion(await body_of(self._request) or {})
        deleted = []
        for obj in self._registry.cluster.objects(target.kind, target.namespace):
            if matches(obj):
                deleted.append(self._registry.delete(target.kind, namespace_of(obj), name_of(obj), deletion)[0])
                await asyncio.sleep(0)
        kind = target.kind
        metadata = {"resourceVersion": str(self._registry.cluster.revision)}
        return json_response(
            {"kind": f"{kind.kind}List", "apiVersion": kind.api_version, "metadata": metadata, "items": deleted}
        )


def _invalid_options(field: str, message: str) -> statuses.ApiError:
    causes = [{"reason": "FieldValueInvalid", "message": message, "field": field}]
    text = f'PatchOptions.meta.k8s.io "" is invalid: {field}: {message}'
    return statuses.ApiError(422, "Invalid", text, {"group": "meta.k8s.io", "kind": "PatchOptions", "causes": causes})
