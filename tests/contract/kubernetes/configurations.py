"""Random configurations of the kinds a release applies: every shape of field, small alphabets, so that managers meet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

Object = dict[str, Any]

NAMES = st.sampled_from(["a", "b", "c"])
TEXTS = st.sampled_from(["x", "y", "z"])
TEXT_MAPS = st.dictionaries(NAMES, TEXTS, max_size=3)
QUANTITIES = st.sampled_from(["100m", "0.5", "1", "1000m", "64Mi", "1Gi"])


def optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Object]:
    """Any of these fields."""
    return st.fixed_dictionaries({}, optional=fields)


@dataclass(frozen=True)
class Kind:
    api_version: str
    kind: str
    plural: str
    content: st.SearchStrategy[Object]
    """Everything but names."""


METADATA = optional(
    labels=TEXT_MAPS,
    annotations=TEXT_MAPS,
    finalizers=st.lists(st.sampled_from(["example.com/a", "example.com/b"]), unique=True, max_size=2),
)


def named(item: st.SearchStrategy[Object], key: str = "name", most: int = 3) -> st.SearchStrategy[list[Object]]:
    return st.lists(item, max_size=most, unique_by=lambda value: value[key])


ENVIRONMENT = named(
    st.fixed_dictionaries({"name": NAMES}, optional={"value": st.sampled_from(["", "x", "y"])})
    | st.fixed_dictionaries(
        {"name": NAMES, "valueFrom": st.just({"fieldRef": {"fieldPath": "metadata.name"}})},
    )
)
PORTS = st.lists(
    st.fixed_dictionaries(
        {"containerPort": st.integers(80, 82)}, optional={"protocol": st.sampled_from(["TCP", "UDP"]), "name": NAMES}
    ),
    max_size=3,
    unique_by=lambda port: (port["containerPort"], port.get("protocol", "TCP")),
)
RESOURCES = optional(
    requests=st.dictionaries(st.sampled_from(["cpu", "memory"]), QUANTITIES, max_size=2),
    limits=st.dictionaries(st.sampled_from(["cpu", "memory"]), QUANTITIES, max_size=2),
)
PROBE = st.fixed_dictionaries(
    {"httpGet": st.fixed_dictionaries({"port": st.sampled_from([80, "a"])}, optional={"path": TEXTS})},
    optional={"periodSeconds": st.integers(1, 3), "initialDelaySeconds": st.integers(0, 2)},
)
SECURITY = optional(
    runAsNonRoot=st.booleans(),
    capabilities=optional(drop=st.lists(st.sampled_from(["ALL", "NET_RAW"]), unique=True, max_size=2)),
)
CONTAINER = st.fixed_dictionaries(
    {"name": NAMES, "image": st.sampled_from(["app:1", "app:2"])},
    optional={
        "args": st.lists(TEXTS, max_size=2),
        "env": ENVIRONMENT,
        "ports": PORTS,
        "resources": RESOURCES,
        "readinessProbe": PROBE,
        "securityContext": SECURITY,
    },
)
POD = st.fixed_dictionaries(
    {"containers": st.lists(CONTAINER, min_size=1, max_size=3, unique_by=lambda container: container["name"])},
    optional={
        "volumes": named(st.fixed_dictionaries({"name": NAMES, "emptyDir": st.just({})})),
        "tolerations": st.lists(st.fixed_dictionaries({"key": NAMES, "operator": st.just("Exists")}), max_size=2),
        "nodeSelector": TEXT_MAPS,
        "terminationGracePeriodSeconds": st.integers(0, 2),
        "serviceAccountName": NAMES,
        "topologySpreadConstraints": st.lists(
            st.fixed_dictionaries(
                {
                    "maxSkew": st.integers(1, 2),
                    "topologyKey": NAMES,
                    "whenUnsatisfiable": st.sampled_from(["DoNotSchedule", "ScheduleAnyway"]),
                }
            ),
            max_size=2,
            unique_by=lambda constraint: (constraint["topologyKey"], constraint["whenUnsatisfiable"]),
        ),
    },
)
DEPLOYMENT = st.fixed_dictionaries(
    {
        "spec": st.fixed_dictionaries(
            {
                "paused": st.just(True),  # nothing but the appliers changes it
                "selector": st.just({"matchLabels": {"app": "web"}}),
                "template": st.fixed_dictionaries({"metadata": st.just({"labels": {"app": "web"}}), "spec": POD}),
            },
            optional={
                "replicas": st.integers(0, 2),
                "minReadySeconds": st.integers(0, 2),
                "strategy": st.just({"type": "Recreate"})
                | st.fixed_dictionaries(
                    {"type": st.just("RollingUpdate")}, optional={"rollingUpdate": st.just({"maxSurge": 1})}
                ),
            },
        )
    }
)
SERVICE_PORTS = st.lists(
    st.fixed_dictionaries(
        {"name": NAMES, "port": st.integers(80, 82)},
        optional={"targetPort": st.sampled_from([8080, "a"]), "protocol": st.sampled_from(["TCP", "UDP"])},
    ),
    min_size=1,
    max_size=3,
    unique_by=(lambda port: port["name"], lambda port: (port["port"], port.get("protocol", "TCP"))),
)
SERVICE = st.fixed_dictionaries(
    {"spec": st.fixed_dictionaries({"ports": SERVICE_PORTS}, optional={"selector": TEXT_MAPS})},
)
POLICY = st.fixed_dictionaries(
    {
        "spec": st.fixed_dictionaries(
            # Go tells an empty map here from none when it counts generations; nothing that is read differs.
            {"podSelector": optional(matchLabels=st.dictionaries(NAMES, TEXTS, min_size=1, max_size=3))},
            optional={
                "policyTypes": st.lists(st.sampled_from(["Ingress", "Egress"]), min_size=1, unique=True),
                "ingress": st.lists(
                    optional(ports=st.lists(optional(port=st.integers(80, 82)), min_size=1, max_size=2)), max_size=2
                ),
            },
        )
    }
)
BUDGET = st.fixed_dictionaries(
    {
        "spec": st.fixed_dictionaries(
            {"selector": st.just({"matchLabels": {"app": "web"}})},
            optional={"minAvailable": st.sampled_from([1, "50%"])},
        )
    }
)
RULE = st.fixed_dictionaries(
    {
        "apiGroups": st.just([""]),
        "resources": st.lists(st.sampled_from(["pods", "secrets"]), min_size=1, unique=True),
        "verbs": st.lists(st.sampled_from(["get", "list"]), min_size=1, unique=True),
    }
)
AUTOSCALER = st.fixed_dictionaries(
    {
        "spec": st.fixed_dictionaries(
            {
                "scaleTargetRef": st.just({"apiVersion": "apps/v1", "kind": "Deployment", "name": "nothing"}),
                "maxReplicas": st.integers(2, 3),
            },
            optional={"minReplicas": st.integers(1, 2), "behavior": st.just({"scaleUp": {"selectPolicy": "Min"}})},
        )
    }
)

KINDS = (
    Kind("v1", "ConfigMap", "configmaps", optional(data=TEXT_MAPS, immutable=st.just(False))),
    Kind("v1", "Secret", "secrets", optional(stringData=TEXT_MAPS)),
    Kind("v1", "Service", "services", SERVICE),
    Kind("v1", "ServiceAccount", "serviceaccounts", optional(automountServiceAccountToken=st.booleans())),
    Kind("apps/v1", "Deployment", "deployments", DEPLOYMENT),
    Kind("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies", POLICY),
    Kind("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets", BUDGET),
    Kind("rbac.authorization.k8s.io/v1", "Role", "roles", optional(rules=st.lists(RULE, min_size=1, max_size=2))),
    Kind("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", AUTOSCALER),
)


@dataclass(frozen=True)
class Step:
    """One write. `manager` is who applies, or edits with a merge patch."""

    manager: str
    applies: bool
    force: bool
    body: Object


@st.composite
def steps(draw: st.DrawFn, kind: Kind) -> list[Step]:
    """Up to five writes of up to three managers to one object, the first an apply."""
    result = []
    for number in range(draw(st.integers(2, 5))):
        body = {"apiVersion": kind.api_version, "kind": kind.kind, **draw(kind.content)}
        body["metadata"] = draw(METADATA)
        applies = number == 0 or draw(st.integers(0, 4)) > 0
        manager = draw(st.sampled_from(["one", "two", "three"]))
        result.append(Step(manager, applies, force=draw(st.booleans()), body=body))
    return result
