"""Likewise, of the cluster, its add-ons and its roles."""

from __future__ import annotations

import json
from collections.abc import Iterator
from unittest.mock import ANY

from ils_pipelines.settings.layers import Layer
from tests.operations.watch.drift_cases import CLUSTER, WRONG, Case
from tests.operations.watch.site import Site, calls, change, without_addon


@change
def _without_attachment(site: Site) -> Iterator[None]:
    iam = site.client("iam")
    role, arn = "ils-dev-nodes", "arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy"
    iam.detach_role_policy(RoleName=role, PolicyArn=arn)
    try:
        yield
    finally:
        iam.attach_role_policy(RoleName=role, PolicyArn=arn)


@change
def _larger_group(site: Site) -> Iterator[None]:
    eks = site.client("eks")
    names = {"clusterName": CLUSTER, "nodegroupName": "general"}
    before = eks.describe_nodegroup(**names)["nodegroup"]["scalingConfig"]
    eks.update_nodegroup_config(**names, scalingConfig={**before, "maxSize": 9})
    try:
        yield
    finally:
        eks.update_nodegroup_config(**names, scalingConfig=before)


def _policies(enabled: str) -> dict[str, str]:
    values = json.dumps({"enableNetworkPolicy": enabled})
    return {"clusterName": CLUSTER, "addonName": "vpc-cni", "configurationValues": values}


@change
def _another_role_for_the_application(site: Site) -> Iterator[None]:
    eks, id_ = site.client("eks"), site.id(Layer.CLUSTER, "PodIdentityAssociation", "app")
    names = {"clusterName": CLUSTER, "associationId": id_}
    eks.update_pod_identity_association(**names, roleArn=site.output(Layer.CLUSTER, "node_role_arn"))
    try:
        yield
    finally:
        eks.update_pod_identity_association(**names, roleArn=site.output(Layer.CLUSTER, "app_role_arn"))


CASES: tuple[Case, ...] = (
    Case(Layer.CLUSTER, "general", "scalingConfig.maxSize", 5, 9, _larger_group),
    Case(
        Layer.CLUSTER,
        "nodes",
        "maxSessionDuration",
        3600,
        7200,
        calls(
            "iam",
            ("update_role", {"RoleName": "ils-dev-nodes", "MaxSessionDuration": 7200}),
            ("update_role", {"RoleName": "ils-dev-nodes", "MaxSessionDuration": 3600}),
            Description=lambda site: site.client("iam").get_role(RoleName="ils-dev-nodes")["Role"]["Description"],
        ),
    ),
    Case(
        Layer.CLUSTER,
        "cluster",
        "tags.owner",
        None,
        WRONG,
        calls(
            "eks",
            ("tag_resource", {"tags": {"owner": WRONG}}),
            ("untag_resource", {"tagKeys": ["owner"]}),
            resourceArn=lambda site: site.output(Layer.CLUSTER, "cluster_arn"),
        ),
    ),
    Case(Layer.CLUSTER, "coredns", "", None, None, without_addon("coredns")),
    Case(
        Layer.CLUSTER,
        "vpc-cni",
        "configurationValues",
        '{"enableNetworkPolicy": "true"}',
        '{"enableNetworkPolicy": "false"}',
        calls("eks", ("update_addon", _policies("false")), ("update_addon", _policies("true"))),
    ),
    Case(Layer.CLUSTER, "app", "roleArn", ANY, ANY, _another_role_for_the_application),
    Case(Layer.CLUSTER, "nodes-AmazonEKS_CNI_Policy", "", None, None, _without_attachment),
)
