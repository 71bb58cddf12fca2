"""Any Kubernetes API as tests speak to it: plain requests over the Python client, every answer looked at as it is."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kubernetes.client.exceptions import ApiException

SECONDS_TO_HAPPEN = 60.0
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"


@dataclass(frozen=True)
class Answer:
    code: int
    body: Any
    headers: Any

    @property
    def message(self) -> str:
        return str(self.body["message"])


@dataclass(frozen=True)
class KubernetesApi:
    api_client: Any

    def call(
        self, method: str, path: str, body: Any = None, content_type: str = "application/json", **query: str
    ) -> Answer:
        """Any request; an error is an answer like any other."""
        headers = {"Content-Type": content_type, "Accept": "application/json"}
        try:
            response = self.api_client.call_api(
                path,
                method,
                query_params=list(query.items()),
                header_params=headers,
                body=body,
                auth_settings=["BearerToken"],
                _preload_content=False,
                _return_http_data_only=True,
            )
        except ApiException as error:
            return Answer(error.status, _error(error), error.headers)
        return Answer(response.status, json.loads(response.data), response.headers)

    def ok(self, method: str, path: str, body: Any = None, content_type: str = "application/json", **query: str) -> Any:
        answer = self.call(method, path, body, content_type, **query)
        assert answer.code < 300, answer.body
        return answer.body

    def apply(self, path: str, body: Any, manager: str = "tester", **query: str) -> Answer:
        return self.call("PATCH", path, body, APPLY, fieldManager=manager, **query)

    def eventually(self, condition: Callable[[], Any], what: str) -> Any:
        """The first true result of `condition`."""
        deadline = time.monotonic() + SECONDS_TO_HAPPEN
        while not (result := condition()):
            assert time.monotonic() < deadline, f"not within {SECONDS_TO_HAPPEN} s: {what}"
            time.sleep(0.01)
        return result

    @contextmanager
    def watch(self, path: str, *, seconds: int = 15, **query: str) -> Iterator[Iterator[tuple[str, Any]]]:
        """The events of a watch, as (type, object)."""
        response = self.api_client.call_api(
            path,
            "GET",
            query_params=[("watch", "true"), ("timeoutSeconds", str(seconds)), *query.items()],
            header_params={"Accept": "application/json"},
            auth_settings=["BearerToken"],
            _preload_content=False,
            _return_http_data_only=True,
        )

        def events() -> Iterator[tuple[str, Any]]:
            buffer = b""
            for chunk in response.stream(amt=None):
                buffer += chunk
                *lines, buffer = buffer.split(b"\n")
                for line in lines:
                    event = json.loads(line)
                    yield event["type"], event["object"]

        try:
            yield events()
        finally:
            response.close()


def _error(error: ApiException) -> Any:
    """What is not even a path of the API is answered in plain text."""
    if "json" in error.headers.get("Content-Type", ""):
        return json.loads(error.body)
    return {"message": error.body if isinstance(error.body, str) else error.body.decode()}


def deployment(name: str = "web", *, replicas: int = 3, image: str = "app:1", **spec: Any) -> dict[str, Any]:
    labels = {"app": name}
    container = {"name": "web", "image": image, "ports": [{"containerPort": 8080}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
            **spec,
        },
    }


def config_map(name: str = "settings", **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}
