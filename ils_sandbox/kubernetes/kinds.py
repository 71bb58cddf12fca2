"""The kinds the API server knows, as a table: a new kind is a new row, its fields come from the published schema."""

from __future__ import annotations

from dataclasses import dataclass

from ils_sandbox.kubernetes.custom_types import TARGET_GROUP_BINDING as TARGET_GROUP_BINDING_TYPE

STATUS = "status"
SCALE = "scale"
LOG = "log"
EVICTION = "eviction"
PROXY = "proxy"


@dataclass(frozen=True)
class Kind:
    """One kind of object and where the API serves it."""

    kind: str
    plural: str
    definition: str
    """Name of its type in the published OpenAPI definitions."""
    group: str = ""
    version: str = "v1"
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    counts_generations: bool = False
    """Whether `metadata.generation` counts the changes of everything but metadata and status."""
    label_names: bool = False
    """Whether names are DNS labels (no dots) rather than DNS subdomains."""
    custom: bool = False
    """Whether a CustomResourceDefinition brings it; `definition` is that one's name."""

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def singular(self) -> str:
        return self.kind.lower()

    @property
    def qualified(self) -> str:
        """The resource with its group, as error messages name it: `deployments.apps`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def qualified_kind(self) -> str:
        """The kind with its group, as messages about invalid objects name it: `Deployment.apps`."""
        return f"{self.kind}.{self.group}" if self.group else self.kind

    def has(self, subresource: str) -> bool:
        return subresource in self.subresources

    def __str__(self) -> str:
        return f"{self.api_version}/{self.kind}"


_CORE = "io.k8s.api.core.v1."
_APPS = "io.k8s.api.apps.v1."
_RBAC = "io.k8s.api.rbac.v1."
_RBAC_GROUP = "rbac.authorization.k8s.io"

NAMESPACE = Kind(
    "Namespace",
    "namespaces",
    _CORE + "Namespace",
    namespaced=False,
    short_names=("ns",),
    subresources=(STATUS,),
    label_names=True,
)
CONFIG_MAP = Kind("ConfigMap", "configmaps", _CORE + "ConfigMap", short_names=("cm",))
SECRET = Kind("Secret", "secrets", _CORE + "Secret")
SERVICE_ACCOUNT = Kind("ServiceAccount", "serviceaccounts", _CORE + "ServiceAccount", short_names=("sa",))
SERVICE = Kind(
    "Service",
    "services",
    _CORE + "Service",
    short_names=("svc",),
    categories=("all",),
    subresources=(STATUS, PROXY),
    label_names=True,
)
POD = Kind(
    "Pod",
    "pods",
    _CORE + "Pod",
    short_names=("po",),
    categories=("all",),
    subresources=(STATUS, LOG, EVICTION, PROXY),
    counts_generations=True,
)
NODE = Kind("Node", "nodes", _CORE + "Node", namespaced=False, short_names=("no",), subresources=(STATUS,))
EVENT = Kind("Event", "events", _CORE + "Event", short_names=("ev",))
RESOURCE_QUOTA = Kind(
    "ResourceQuota", "resourcequotas", _CORE + "ResourceQuota", short_names=("quota",), subresources=(STATUS,)
)
LIMIT_RANGE = Kind("LimitRange", "limitranges", _CORE + "LimitRange", short_names=("limits",))
ROLE = Kind("Role", "roles", _RBAC + "Role", group=_RBAC_GROUP)
ROLE_BINDING = Kind("RoleBinding", "rolebindings", _RBAC + "RoleBinding", group=_RBAC_GROUP)
CLUSTER_ROLE = Kind("ClusterRole", "clusterroles", _RBAC + "ClusterRole", group=_RBAC_GROUP, namespaced=False)
CLUSTER_ROLE_BINDING = Kind(
    "ClusterRoleBinding", "clusterrolebindings", _RBAC + "ClusterRoleBinding", group=_RBAC_GROUP, namespaced=False
)
ENDPOINTS = Kind("Endpoints", "endpoints", _CORE + "Endpoints", short_names=("ep",))
ENDPOINT_SLICE = Kind(
    "EndpointSlice",
    "endpointslices",
    "io.k8s.api.discovery.v1.EndpointSlice",
    group="discovery.k8s.io",
)
PRIORITY_CLASS = Kind(
    "PriorityClass",
    "priorityclasses",
    "io.k8s.api.scheduling.v1.PriorityClass",
    group="scheduling.k8s.io",
    namespaced=False,
    short_names=("pc",),
)
DEPLOYMENT = Kind(
    "Deployment",
    "deployments",
    _APPS + "Deployment",
    group="apps",
    short_names=("deploy",),
    categories=("all",),
    subresources=(STATUS, SCALE),
    counts_generations=True,
)
REPLICA_SET = Kind(
    "ReplicaSet",
    "replicasets",
    _APPS + "ReplicaSet",
    group="apps",
    short_names=("rs",),
    categories=("all",),
    subresources=(STATUS, SCALE),
    counts_generations=True,
)
JOB = Kind(
    "Job",
    "jobs",
    "io.k8s.api.batch.v1.Job",
    group="batch",
    categories=("all",),
    subresources=(STATUS,),
    counts_generations=True,
)
CRON_JOB = Kind(
    "CronJob",
    "cronjobs",
    "io.k8s.api.batch.v1.CronJob",
    group="batch",
    short_names=("cj",),
    categories=("all",),
    subresources=(STATUS,),
    counts_generations=True,
)
HORIZONTAL_POD_AUTOSCALER = Kind(
    "HorizontalPodAutoscaler",
    "horizontalpodautoscalers",
    "io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler",
    group="autoscaling",
    version="v2",
    short_names=("hpa",),
    categories=("all",),
    subresources=(STATUS,),
)
POD_DISRUPTION_BUDGET = Kind(
    "PodDisruptionBudget",
    "poddisruptionbudgets",
    "io.k8s.api.policy.v1.PodDisruptionBudget",
    group="policy",
    short_names=("pdb",),
    subresources=(STATUS,),
    counts_generations=True,
)
NETWORK_POLICY = Kind(
    "NetworkPolicy",
    "networkpolicies",
    "io.k8s.api.networking.v1.NetworkPolicy",
    group="networking.k8s.io",
    short_names=("netpol",),
    counts_generations=True,
)
INGRESS = Kind(
    "Ingress",
    "ingresses",
    "io.k8s.api.networking.v1.Ingress",
    group="networking.k8s.io",
    short_names=("ing",),
    subresources=(STATUS,),
    counts_generations=True,
)
"""Kept, and no more: no controller here makes a load balancer of one."""
LEASE = Kind("Lease", "leases", "io.k8s.api.coordination.v1.Lease", group="coordination.k8s.io")
TARGET_GROUP_BINDING = Kind(
    "TargetGroupBinding",
    "targetgroupbindings",
    TARGET_GROUP_BINDING_TYPE,
    group="elbv2.k8s.aws",
    version="v1beta1",
    subresources=(STATUS,),
    counts_generations=True,
)

CUSTOM_RESOURCE_DEFINITION = Kind(
    "CustomResourceDefinition",
    "customresourcedefinitions",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition",
    group="apiextensions.k8s.io",
    namespaced=False,
    short_names=("crd", "crds"),
    categories=("api-extensions",),
    subresources=(STATUS,),
    counts_generations=True,
)

KINDS: tuple[Kind, ...] = (
    NAMESPACE,
    CONFIG_MAP,
    SECRET,
    SERVICE_ACCOUNT,
    SERVICE,
    POD,
    NODE,
    EVENT,
    RESOURCE_QUOTA,
    LIMIT_RANGE,
    ROLE,
    ROLE_BINDING,
    CLUSTER_ROLE,
    CLUSTER_ROLE_BINDING,
    ENDPOINTS,
    ENDPOINT_SLICE,
    PRIORITY_CLASS,
    DEPLOYMENT,
    REPLICA_SET,
    JOB,
    CRON_JOB,
    HORIZONTAL_POD_AUTOSCALER,
    POD_DISRUPTION_BUDGET,
    NETWORK_POLICY,
    INGRESS,
    LEASE,
    TARGET_GROUP_BINDING,
    CUSTOM_RESOURCE_DEFINITION,
)

BY_RESOURCE = {(kind.group, kind.version, kind.plural): kind for kind in KINDS}
BY_NAME = {(kind.api_version, kind.kind): kind for kind in KINDS}
