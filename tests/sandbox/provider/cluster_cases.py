"""Cases of what belongs to an EKS cluster."""

from __future__ import annotations

import json

from tests.sandbox.provider.bench import Made, Surroundings
from tests.sandbox.provider.case import Case, Inputs, name

_POLICY = "arn:aws:eks::aws:cluster-access-policy/AmazonEKS"


def _addon(around: Surroundings) -> Inputs:
    """Each in a cluster of its own: a cluster has one of a kind."""
    return {
        "clusterName": around.another_cluster(),
        "addonName": "vpc-cni",
        "addonVersion": "v1.20.3-eksbuild.1",
        "configurationValues": json.dumps({"enableNetworkPolicy": "true"}),
        "serviceAccountRoleArn": around.role_arn,
        "podIdentityAssociations": [{"roleArn": around.role_arn, "serviceAccount": "aws-node"}],
        "resolveConflictsOnCreate": "OVERWRITE",
        "resolveConflictsOnUpdate": "PRESERVE",
        "tags": {"team": "lens"},
    }


def _turn_policies_off(around: Surroundings, made: Made) -> object:
    return around.client("eks").update_addon(
        clusterName=made.plain["clusterName"],
        addonName="vpc-cni",
        configurationValues=json.dumps({"enableNetworkPolicy": "false"}),
    )


CASES = (
    Case(
        "aws:eks/addon:Addon",
        _addon,
        edit=lambda _: {
            "addonVersion": "v1.20.4-eksbuild.1",
            "configurationValues": None,
            "podIdentityAssociations": None,
            "tags": {"team": "platform"},
        },
        replacement=lambda _: {"addonName": "coredns"},
        drift=_turn_policies_off,
        drifted="configurationValues",
    ),
    Case(
        "aws:eks/accessEntry:AccessEntry",
        lambda around: {
            "clusterName": around.cluster,
            "principalArn": around.role()[1],
            "kubernetesGroups": ["engineers"],
            "userName": "engineer",
            "tags": {"team": "lens"},
        },
        edit=lambda _: {"kubernetesGroups": ["engineers", "on-call"], "tags": {"team": "platform"}},
        replacement=lambda around: {"principalArn": around.role()[1]},
        drift=lambda around, made: around.client("eks").update_access_entry(
            clusterName=made.plain["clusterName"],
            principalArn=made.plain["principalArn"],
            kubernetesGroups=["intruders"],
        ),
        drifted="kubernetesGroups",
    ),
    Case(
        "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
        lambda around: {
            "clusterName": around.cluster,
            "principalArn": around.access_entry(),
            "policyArn": f"{_POLICY}ViewPolicy",
            "accessScope": {"type": "namespace", "namespaces": ["ils"]},
        },
        replacement=lambda _: {"accessScope": {"type": "cluster"}},
        drift=lambda around, made: around.client("eks").associate_access_policy(
            clusterName=made.plain["clusterName"],
            principalArn=made.plain["principalArn"],
            policyArn=made.plain["policyArn"],
            accessScope={"type": "cluster"},
        ),
        drifted="accessScope",
        shares_identity=True,
        repaired_by_replacement=True,
    ),
    Case(
        "aws:eks/podIdentityAssociation:PodIdentityAssociation",
        lambda around: {
            "clusterName": around.cluster,
            "namespace": "ils",
            "serviceAccount": name(),
            "roleArn": around.role_arn,
            "disableSessionTags": True,
            "tags": {"team": "lens"},
        },
        edit=lambda around: {"roleArn": around.role()[1], "tags": {"team": "platform"}},
        replacement=lambda _: {"serviceAccount": name()},
        drift=lambda around, made: around.client("eks").update_pod_identity_association(
            clusterName=made.plain["clusterName"], associationId=made.id, roleArn=around.role()[1]
        ),
        drifted="roleArn",
    ),
)
