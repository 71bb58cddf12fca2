"""Which requests the code makes to the Kubernetes API of an environment, as RBAC names them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ils_sandbox.control.recording import KindOfCall

ENVIRONMENT = "${ENVIRONMENT}"


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


def placed(request: Request, environment: str) -> Request:
    """The same of any environment. Drills make namespaces of their own, whose names no rule can foresee."""
    namespace = request.namespace
    if namespace.startswith("ilsdrill-"):
        namespace = ""
    elif namespace in (f"ils-{environment}", f"ils-{environment}-backup"):
        namespace = namespace.replace(environment, ENVIRONMENT, 1)
    return replace(request, namespace=namespace)


def requests_of(call: KindOfCall) -> Iterator[Request]:
    """The request, or none: discovery is everybody's. A patch that makes an object needs the right to create it, too."""
    verb, _, resource = call.operation.partition(" ")
    if resource == "discovery":
        return
    yield Request(call.group, resource, verb, call.namespace)
    if verb == "patch" and call.created:
        yield Request(call.group, resource, "create", call.namespace)
