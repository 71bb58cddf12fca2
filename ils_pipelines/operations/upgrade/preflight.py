"""What is looked at before a cluster is upgraded. Reads only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ils_pipelines.operations.findings import Finding, Urgency, by_urgency
from ils_pipelines.operations.upgrade.models import Preflight, Standing, Step, UpgradeRefused, path
from ils_pipelines.operations.upgrade.removed_apis import removed_apis
from ils_pipelines.provisioning.layers import layer_work
from ils_pipelines.provisioning.versions import calendar_of
from ils_pipelines.release.cluster import Cluster, Object
from ils_pipelines.release.objects import DISRUPTION_BUDGET, POD
from ils_pipelines.settings.cluster import MOST_BEHIND, minor
from ils_pipelines.settings.environment import utc_today
from ils_pipelines.settings.layers import Layer
from ils_pipelines.settings.versions import TABLE_DATE, Product, Support, classify
from ils_pipelines.targets.protocol import Target


def standing_of(target: Target) -> Standing:
    """Raises `UpgradeRefused` where there is no cluster."""
    outputs = layer_work(target, Layer.CLUSTER).outputs()
    if not outputs or "cluster_name" not in outputs:
        name = target.environment.name
        raise UpgradeRefused(
            name, [f"there is no cluster yet: ils up {name} makes one of the version that the file says"]
        )
    eks, name = target.client("eks"), str(outputs["cluster_name"].value)
    cluster = eks.describe_cluster(name=name)["cluster"]
    groups = {
        group: eks.describe_nodegroup(clusterName=name, nodegroupName=group)["nodegroup"]
        for page in eks.get_paginator("list_nodegroups").paginate(clusterName=name)
        for group in page["nodegroups"]
    }
    return Standing(
        cluster=name,
        version=str(cluster["version"]),
        nodes={group: str(found["version"]) for group, found in groups.items()},
        status={name: str(cluster["status"]), **{group: str(found["status"]) for group, found in groups.items()}},
    )


def preflight(target: Target) -> Preflight:
    """Raises `UpgradeRefused` where there is no way from where the cluster is to what the file says."""
    standing, wanted = standing_of(target), target.environment.cluster.version
    if minor(wanted) < minor(standing.version):
        raise UpgradeRefused(
            target.environment.name,
            [
                f"expected cluster.version to be {standing.version} or newer, found {wanted}: no cluster goes back by an "
                "upgrade. For seven days after one, EKS can roll it back: aws eks describe-cluster-versions, and its console."
            ],
        )
    if target.environment.cluster.node_version is not None:
        raise UpgradeRefused(
            target.environment.name,
            [
                f"cluster.node_version ({target.environment.cluster.node_version}) holds the nodes back: leave it out, and "
                "they are brought along"
            ],
        )
    steps = path(standing, wanted)
    kubernetes = Cluster(target.kubernetes(standing.cluster))
    findings = [
        *_busy(standing),
        *_skew(standing),
        *_calendar(target, steps),
        *_addons(target, standing, steps),
        *_budgets(kubernetes),
        *removed_apis(kubernetes, standing.version, wanted),
        *_insights(target, standing, steps),
    ]
    return Preflight(standing, wanted, steps, by_urgency(findings))


def _busy(standing: Standing) -> Iterator[Finding]:
    for name, status in standing.status.items():
        if status != "ACTIVE":
            yield Finding(name, Urgency.CRITICAL, "it to be ACTIVE", status, "Wait until what is under way is over.")


def _skew(standing: Standing) -> Iterator[Finding]:
    for group, version in standing.nodes.items():
        if minor(standing.version) - minor(version) > MOST_BEHIND:
            yield Finding(
                f"node group {group}",
                Urgency.CRITICAL,
                f"nodes at most {MOST_BEHIND} minor versions older than the cluster ({standing.version})",
                version,
                "Bring the group along by hand first, version by version: aws eks update-nodegroup-version.",
            )


def _calendar(target: Target, steps: tuple[Step, ...]) -> Iterator[Finding]:
    """Every version on the way has to be one that EKS still has."""
    calendar, silent = calendar_of(target)
    for step in steps:
        standing = classify(Product.EKS, step.version, utc_today(), calendar)
        source = f"the table of {TABLE_DATE}, as EKS did not answer" if Product.EKS in silent else "EKS"
        if standing.support in (Support.NOT_CREATABLE, Support.UNKNOWN):
            yield Finding(
                f"Kubernetes {step.version}",
                Urgency.CRITICAL,
                "a version that EKS offers",
                f"{standing.support} ({source})",
                f"Write one of {', '.join(standing.alternatives)} into cluster.version.",
            )
        elif standing.ends_soon and step is steps[-1]:
            yield Finding(
                f"Kubernetes {step.version}",
                Urgency.WARNING,
                "support for more than 90 days",
                f"{standing.support} support until {standing.until} ({source})",
                "Go on to a newer one soon.",
            )
        elif not calendar.is_current(Product.EKS, utc_today()):
            yield Finding(
                f"Kubernetes {step.version}",
                Urgency.UNKNOWN,
                "a version that EKS offers",
                f"{source}, and that table is too old to tell",
                "See that these credentials may ask for eks:DescribeClusterVersions.",
            )


def _addons(target: Target, standing: Standing, steps: tuple[Step, ...]) -> Iterator[Finding]:
    for name, current in installed_addons(target, standing.cluster).items():
        for step in steps:
            offered = addon_versions(target, name, step.version)
            pinned = target.environment.cluster.addon_versions.get(name)
            if not offered or (pinned and pinned not in offered):
                yield Finding(
                    f"add-on {name} {current}",
                    Urgency.CRITICAL,
                    f"a version for Kubernetes {step.version}",
                    f"{pinned} pinned in cluster.addon_versions, which is none" if pinned and offered else "none",
                    "Pin one that goes with every version on the way: aws eks describe-addon-versions.",
                )


def installed_addons(target: Target, cluster: str) -> Mapping[str, str]:
    """Version by add-on."""
    eks = target.client("eks")
    names = [name for page in eks.get_paginator("list_addons").paginate(clusterName=cluster) for name in page["addons"]]
    return {
        name: str(eks.describe_addon(clusterName=cluster, addonName=name)["addon"]["addonVersion"]) for name in names
    }


def addon_versions(target: Target, name: str, version: str) -> tuple[str, ...]:
    """What EKS offers for a version of Kubernetes, its default first."""
    pages = target.client("eks").get_paginator("describe_addon_versions")
    found: list[tuple[bool, str]] = []
    for page in pages.paginate(addonName=name, kubernetesVersion=version):
        for addon in page["addons"]:
            for each in addon["addonVersions"]:
                default = any(known.get("defaultVersion") for known in each["compatibilities"])
                found.append((not default, str(each["addonVersion"])))
    return tuple(each for _, each in sorted(found, key=lambda pair: pair[0]))


def _budgets(cluster: Cluster) -> Iterator[Finding]:
    """Budgets that would keep a node from being drained, with the pods that they keep."""
    for budget in cluster.find(DISRUPTION_BUDGET, {}):
        status = budget.get("status", {})
        if status.get("disruptionsAllowed", 0) or not status.get("expectedPods", 0):
            continue
        namespace = budget["metadata"]["namespace"]
        pods = [
            f"{pod['metadata']['name']} on {pod['spec'].get('nodeName', 'no node')}"
            for pod in cluster.find(POD, {}, namespace)
            if _selected(budget["spec"].get("selector") or {}, pod)
        ]
        healthy = f"{status.get('currentHealthy', 0)} of {status.get('desiredHealthy', 0)} healthy"
        yield Finding(
            f"disruption budget {namespace}/{budget['metadata']['name']}",
            Urgency.CRITICAL,
            "at least one of its pods to be spared",
            f"none ({healthy}): {', '.join(sorted(pods))}",
            "Run more of them, or see why they are not healthy: no node that they are on could be drained.",
        )


def _selected(selector: Mapping[str, Any], pod: Object) -> bool:
    labels = pod["metadata"].get("labels", {})
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    for each in selector.get("matchExpressions") or ():
        key, values = each["key"], each.get("values") or ()
        holds = {
            "In": labels.get(key) in values,
            "NotIn": labels.get(key) not in values,
            "Exists": key in labels,
            "DoesNotExist": key not in labels,
        }
        if not holds[each["operator"]]:
            return False
    return True


def _insights(target: Target, standing: Standing, steps: tuple[Step, ...]) -> Iterator[Finding]:
    """What EKS itself has to say of the next version."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    for step in steps[:1]:
        wanted = {"categories": ["UPGRADE_READINESS"], "kubernetesVersions": [step.version]}
        try:
            pages = (
                target.client("eks")
                .get_paginator("list_insights")
                .paginate(clusterName=standing.cluster, filter=wanted)
            )
            found = [each for page in pages for each in page["insights"]]
        except (BotoCoreError, ClientError, ResponseParserError) as error:
            yield Finding(
                f"EKS's insights about {step.version}",
                Urgency.UNKNOWN,
                "an answer",
                f"{type(error).__name__}",
                "Look at them in the console of EKS; where there are none, the other checks stand alone.",
            )
            return
        for each in found:
            status = each["insightStatus"]["status"]
            if status != "PASSING":
                yield Finding(
                    f"EKS insight {each['name']}",
                    {"ERROR": Urgency.CRITICAL, "WARNING": Urgency.WARNING}.get(status, Urgency.UNKNOWN),
                    "PASSING",
                    f"{status}: {each['insightStatus'].get('reason', '')}",
                    f"aws eks describe-insight --cluster-name {standing.cluster} --id {each['id']} says what to do.",
                )
