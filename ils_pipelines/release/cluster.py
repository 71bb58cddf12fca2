"""The calls a release makes to the Kubernetes API, over the official client's connection."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ils_pipelines.release.errors import ApiFailure, ClusterUnreachable
from ils_pipelines.release.names import FIELD_MANAGER
from ils_pipelines.release.objects import DEPLOYMENT, POD, Body, Kind, Ref, kind_of
from ils_pipelines.release.settings import SERVICE_PORT

TIMEOUT_SECONDS = (5, 30)
"""To connect, and to answer."""
MOST_LOG_BYTES = 16_384
_APPLY = "application/apply-patch+yaml"

Object = dict[str, Any]


class Cluster:
    """Thin functions over a `kubernetes.client.ApiClient`. Raises `ApiFailure` and `ClusterUnreachable`.

    Bodies go and come as they are: the client's models drop fields they do not know, and its logger writes answers,
    Secrets included, when debugging is on.
    """

    def __init__(self, api_client: Any) -> None:
        self._api_client = api_client

    def get(self, ref: Ref) -> Object | None:
        try:
            return self._call("GET", _path(kind_of(ref), ref.namespace, ref.name))
        except ApiFailure as failure:
            if failure.code == 404:
                return None
            raise

    def find(self, kind: Kind, labels: Mapping[str, str], namespace: str = "") -> list[Object]:
        """Objects with these labels, of one namespace or of all."""
        selector = ",".join(f"{key}={value}" for key, value in labels.items())
        found: list[Object] = []
        token = ""
        while True:
            query = [("labelSelector", selector), ("limit", "500"), *([("continue", token)] if token else [])]
            page = self._call("GET", _path(kind, namespace), query)
            # Items of a list come without their kind.
            found += [{**item, "apiVersion": kind.api_version, "kind": kind.kind} for item in page["items"]]
            token = page["metadata"].get("continue", "")
            if not token:
                return found

    def apply(
        self, ref: Ref, body: Body, *, force: bool, manager: str = FIELD_MANAGER, dry_run: bool = False
    ) -> Object:
        """Server-side apply: create the object, or make the fields of `body` what they say there.

        With `dry_run` the server says what it would do, admission and conflicts included, and changes nothing.
        """
        query = [
            ("fieldManager", manager),
            ("force", "true" if force else "false"),
            ("fieldValidation", "Strict"),
            *([("dryRun", "All")] if dry_run else []),
        ]
        return self._call("PATCH", _path(kind_of(ref), ref.namespace, ref.name), query, dict(body), _APPLY)

    def log(self, namespace: str, pod: str, container: str, *, lines: int, previous: bool) -> str:
        """The end of a container's log; of the run before this one with `previous`. Empty where there is none."""
        query = [
            ("container", container),
            ("tailLines", str(lines)),
            ("limitBytes", str(MOST_LOG_BYTES)),
            *([("previous", "true")] if previous else []),
        ]
        try:
            return self._text("GET", f"{_path(POD, namespace, pod)}/log", query)
        except ApiFailure as failure:
            if failure.code in (400, 404):  # the container has not run, or the pod has gone
                return ""
            raise

    def ask(self, service: Ref, path: str) -> str:
        """What one of the ready pods behind a service of a release answers to a GET, by way of the API server.

        Its port is named: of a service whose ports have names, the API server takes none by itself.
        """
        name = f"{service.name}:{SERVICE_PORT}"
        return self._text("GET", f"{_path(kind_of(service), service.namespace, name)}/proxy{path}")

    def delete(self, ref: Ref) -> None:
        """Delete the object; a deployment stays until its pods are gone. Nothing happens when it is gone already."""
        policy = "Foreground" if kind_of(ref) is DEPLOYMENT else "Background"
        body = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": policy}
        try:
            self._call("DELETE", _path(kind_of(ref), ref.namespace, ref.name), [], body)
        except ApiFailure as failure:
            if failure.code != 404:
                raise

    def _call(
        self,
        method: str,
        path: str,
        query: list[tuple[str, str]] | None = None,
        body: Object | None = None,
        content_type: str = "application/json",
    ) -> Object:
        answer: Object = json.loads(self._text(method, path, query, body, content_type))
        return answer

    def _text(
        self,
        method: str,
        path: str,
        query: list[tuple[str, str]] | None = None,
        body: Object | None = None,
        content_type: str = "application/json",
    ) -> str:
        from kubernetes.client.exceptions import ApiException
        from urllib3.exceptions import HTTPError

        headers = {"Accept": "application/json, */*", "Content-Type": content_type}
        try:
            response = self._api_client.call_api(
                path,
                method,
                query_params=query or [],
                header_params=headers,
                body=body,
                auth_settings=["BearerToken"],
                _preload_content=False,
                _return_http_data_only=True,
                _request_timeout=TIMEOUT_SECONDS,
            )
            data: bytes = response.data
        except ApiException as error:
            raise _failure(method, path, error.status, error.body) from None  # its text shows the body
        except (HTTPError, OSError) as error:
            host = self._api_client.configuration.host
            raise ClusterUnreachable(
                f"the Kubernetes API at {host} does not answer ({type(error).__name__}). Check that the cluster is "
                "active and that its endpoint can be reached from here."
            ) from error
        return data.decode("utf-8", "replace")


def _path(kind: Kind, namespace: str, name: str = "") -> str:
    scope = f"/namespaces/{namespace}" if namespace else ""
    return f"{kind.root}{scope}/{kind.plural}" + (f"/{name}" if name else "")


def _failure(method: str, path: str, status: int | None, body: Any) -> ApiFailure | ClusterUnreachable:
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        found = {}
    if not status:
        return ClusterUnreachable(
            f"{method} {path}: no secure connection to the Kubernetes API. Check the cluster's certificate authority."
        )
    if status == 401:
        return ClusterUnreachable(
            "the Kubernetes API does not accept our token (401). Check the AWS credentials in use, and that the "
            "cluster has an access entry for them."
        )
    message = found.get("message") or f"HTTP {status}"
    return ApiFailure(f"{method} {path}: {message}", status, found.get("details") or {})
