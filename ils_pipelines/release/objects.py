"""Kubernetes objects as this product handles them: where the API serves them and what names them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Body = Mapping[str, Any]


@dataclass(frozen=True)
class Kind:
    api_version: str
    kind: str
    plural: str
    namespaced: bool = True

    @property
    def root(self) -> str:
        return f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"


NAMESPACE = Kind("v1", "Namespace", "namespaces", namespaced=False)
SERVICE_ACCOUNT = Kind("v1", "ServiceAccount", "serviceaccounts")
CONFIG_MAP = Kind("v1", "ConfigMap", "configmaps")
SECRET = Kind("v1", "Secret", "secrets")
SERVICE = Kind("v1", "Service", "services")
RESOURCE_QUOTA = Kind("v1", "ResourceQuota", "resourcequotas")
LIMIT_RANGE = Kind("v1", "LimitRange", "limitranges")
ROLE = Kind("rbac.authorization.k8s.io/v1", "Role", "roles")
ROLE_BINDING = Kind("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings")
NETWORK_POLICY = Kind("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies")
DISRUPTION_BUDGET = Kind("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets")
AUTOSCALER = Kind("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers")
DEPLOYMENT = Kind("apps/v1", "Deployment", "deployments")
REPLICA_SET = Kind("apps/v1", "ReplicaSet", "replicasets")
POD = Kind("v1", "Pod", "pods")
TARGET_GROUP_BINDING = Kind("elbv2.k8s.aws/v1beta1", "TargetGroupBinding", "targetgroupbindings")
"""Of the AWS Load Balancer Controller: the pods of a service are the targets of a target group."""

RELEASED: tuple[tuple[Kind, ...], ...] = (
    (NAMESPACE,),
    (
        RESOURCE_QUOTA,
        LIMIT_RANGE,
        SERVICE_ACCOUNT,
        CONFIG_MAP,
        SECRET,
        ROLE,
        SERVICE,
        NETWORK_POLICY,
        DISRUPTION_BUDGET,
    ),
    (ROLE_BINDING,),
    (DEPLOYMENT,),
    (AUTOSCALER, TARGET_GROUP_BINDING),
)
"""Kinds that a release may hold, in the order in which they are applied; those of one step do not need each other.

A kind that a release held once stays here, or what is left of it is not found and not removed.
"""


@dataclass(frozen=True, order=True)
class Ref:
    """One object of a cluster."""

    api_version: str
    kind: str
    namespace: str
    """Empty for an object without a namespace."""
    name: str

    @property
    def path(self) -> str:
        """`<namespace>/<name>`, or the name alone."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    @property
    def type(self) -> str:
        return f"kubernetes:{self.api_version}:{self.kind}"

    def urn(self, environment: str) -> str:
        return f"urn:kubernetes:{environment}::{self.api_version}::{self.kind}::{self.path}"

    def __str__(self) -> str:
        return f"{self.kind} {self.path}"


_KINDS = {(kind.api_version, kind.kind): kind for step in RELEASED for kind in step}


def kind_of(ref: Ref) -> Kind:
    return _KINDS[ref.api_version, ref.kind]


def ref_of(kind: Kind, body: Body) -> Ref:
    metadata = body["metadata"]
    return Ref(kind.api_version, kind.kind, metadata.get("namespace", "") if kind.namespaced else "", metadata["name"])


def ref_at(body: Body) -> Ref:
    """Of an object that says itself what it is."""
    kind = _KINDS[body["apiVersion"], body["kind"]]
    return ref_of(kind, body)


@dataclass(frozen=True)
class Manifest:
    """One object as it should be. Its body may hold secrets, so it is never shown by accident."""

    kind: Kind
    body: Body = field(repr=False)

    @property
    def ref(self) -> Ref:
        return ref_of(self.kind, self.body)


def canonical(value: Any) -> str:
    """JSON with sorted keys and no spaces: equal values have equal texts."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
