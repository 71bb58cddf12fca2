"""Which requests the code makes to the Kubernetes API of an environment, as RBAC names them."""

from __future__ import annotations

import json
import ssl
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

_CREATED = 201


@dataclass(frozen=True, order=True)
class Request:
    """What a rule has to allow."""

    group: str
    """API group; empty for the core's."""
    resource: str
    """Plural, with its subresource: `pods/log`."""
    verb: str
    namespace: str
    """Empty for what is in none, and for all of them at once."""
    name: str = ""
    """The one object that is meant; empty for any."""


@dataclass(frozen=True)
class KubernetesRecorder:
    """What was asked of the sandbox's clusters."""

    endpoint: str
    ca_file: str

    def forget(self) -> None:
        self._ask("DELETE")

    def requests(self) -> set[Request]:
        return {request for each in json.loads(self._ask("GET")) for request in requests_of(each)}

    def _ask(self, method: str) -> bytes:
        request = urllib.request.Request(f"{self.endpoint}/_sandbox/requests", method=method)
        context = ssl.create_default_context(cafile=self.ca_file)
        with urllib.request.urlopen(request, context=context) as response:
            answer: bytes = response.read()
        return answer


ENVIRONMENT = "${ENVIRONMENT}"


def placed(request: Request, environment: str) -> Request:
    """The same of any environment. Drills make namespaces of their own, whose names no rule can foresee."""
    namespace = request.namespace
    if namespace.startswith("ilsdrill-"):
        namespace = ""
    elif namespace in (f"ils-{environment}", f"ils-{environment}-backup"):
        namespace = namespace.replace(environment, ENVIRONMENT, 1)
    return replace(request, namespace=namespace)


def requests_of(recorded: Mapping[str, Any]) -> Iterator[Request]:
    """The request, or none: discovery is everybody's. A patch that makes an object needs the right to create it, too."""
    verb, _, resource = recorded["operation"].partition(" ")
    if resource == "discovery":
        return
    yield Request(recorded["group"], resource, verb, recorded["namespace"])
    if verb == "patch" and recorded["status"] == _CREATED:
        yield Request(recorded["group"], resource, "create", recorded["namespace"])
