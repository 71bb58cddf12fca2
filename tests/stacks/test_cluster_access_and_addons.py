"""What is added to a cluster: add-ons, who may use it, and what its pods may do in AWS."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from ils_pipelines.settings.layers import Layer

Runs = Mapping[Layer, Any]
Changed = Callable[..., Runs]

ENGINEERS = "arn:aws:iam::123456789012:role/ils-engineers"
USUAL = {"vpc-cni", "kube-proxy", "eks-pod-identity-agent", "coredns", "metrics-server"}


@pytest.fixture
def run(applied: Runs) -> Any:
    return applied[Layer.CLUSTER]


def addons(run: Any) -> dict[str, Any]:
    return {addon.inputs["addonName"]: addon for addon in run.of("Addon")}


# -- add-ons ----------------------------------------------------------------------------------------------------------


def test_the_add_ons_are_those_a_cluster_needs(run: Any) -> None:
    assert set(addons(run)) == USUAL
    assert set(run.outputs["addon_names"]) == USUAL


def test_network_policies_are_enforced(run: Any) -> None:
    assert json.loads(addons(run)["vpc-cni"].inputs["configurationValues"]) == {"enableNetworkPolicy": "true"}


@pytest.mark.parametrize("name", ["vpc-cni", "kube-proxy", "eks-pod-identity-agent"])
def test_what_nodes_need_is_there_before_them(run: Any, name: str) -> None:
    needed = addons(run)[name].urn
    assert [group.name for group in run.of("NodeGroup") if needed not in group.dependencies] == []


@pytest.mark.parametrize("name", ["coredns", "metrics-server"])
def test_what_needs_nodes_comes_after_them(run: Any, name: str) -> None:
    assert addons(run)[name].dependencies >= {group.urn for group in run.of("NodeGroup")}


def test_add_ons_take_the_place_of_what_eks_starts_with(run: Any) -> None:
    assert {addon.inputs["resolveConflictsOnCreate"] for addon in run.of("Addon")} == {"OVERWRITE"}


def test_versions_are_those_of_eks_unless_pinned(run: Any, apply_changed: Changed) -> None:
    assert [addon.name for addon in run.of("Addon") if "addonVersion" in addon.inputs] == []
    pinned = apply_changed(cluster={"addon_versions": {"coredns": "v1.12.4-eksbuild.1"}})[Layer.CLUSTER]
    versions = {name: addon.inputs.get("addonVersion") for name, addon in addons(pinned).items()}
    assert versions == {**dict.fromkeys(USUAL), "coredns": "v1.12.4-eksbuild.1"}


# -- access -----------------------------------------------------------------------------------------------------------


def test_nobody_but_the_maker_has_access_unless_the_file_says_so(run: Any) -> None:
    assert run.of("AccessEntry") == []
    assert run.one("Cluster").inputs["accessConfig"]["bootstrapClusterCreatorAdminPermissions"] is True


@pytest.fixture
def open_to_engineers(apply_changed: Changed) -> Any:
    grants = [{"policy": "edit", "namespaces": ["ils-dev"]}, {"policy": "view"}]
    access = [{"name": "engineers", "principal_arn": ENGINEERS, "grants": grants}]
    return apply_changed(cluster={"access": access})[Layer.CLUSTER]


def test_a_principal_has_one_entry_and_a_policy_for_each_grant(open_to_engineers: Any) -> None:
    entry = open_to_engineers.one("AccessEntry").inputs
    assert (entry["principalArn"], entry["type"]) == (ENGINEERS, "STANDARD")
    policies = {a.inputs["policyArn"]: a.inputs["accessScope"] for a in open_to_engineers.of("AccessPolicyAssociation")}
    assert policies == {
        "arn:aws:eks::aws:cluster-access-policy/AmazonEKSEditPolicy": {"type": "namespace", "namespaces": ["ils-dev"]},
        "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy": {"type": "cluster"},
    }


def test_groups_are_those_of_the_file_and_otherwise_none(open_to_engineers: Any, apply_changed: Changed) -> None:
    access = [{"name": "costs", "principal_arn": ENGINEERS, "groups": ["ils:costs"]}]
    run = apply_changed(cluster={"access": access})[Layer.CLUSTER]
    assert run.one("AccessEntry").inputs["kubernetesGroups"] == ["ils:costs"]
    assert run.of("AccessPolicyAssociation") == []
    assert open_to_engineers.one("AccessEntry").inputs["kubernetesGroups"] == []


def test_policies_are_associated_once_the_entry_is_there(open_to_engineers: Any) -> None:
    entry = open_to_engineers.one("AccessEntry").urn
    assert all(entry in each.dependencies for each in open_to_engineers.of("AccessPolicyAssociation"))


# -- pod identities ---------------------------------------------------------------------------------------------------


def test_service_accounts_have_their_roles_by_pod_identity(run: Any, tier: str) -> None:
    found = {(a.inputs["namespace"], a.inputs["serviceAccount"]) for a in run.of("PodIdentityAssociation")}
    scaler = {("kube-system", "cluster-autoscaler")} if tier == "production" else set()
    assert found == {
        (f"ils-{tier}", "ils"),
        ("kube-system", "aws-load-balancer-controller"),
        (f"ils-{tier}-backup", "ils-backup"),
        *scaler,
    }


SERVER = {"name": "server", "namespace": "tools", "service_account": "server"}
READS = {
    "actions": ["s3:GetObject"],
    "resources": ["arn:aws:s3:::a-bucket/*"],
    "conditions": {"Bool": {"aws:SecureTransport": "true"}},
}


def one_more(apply_changed: Changed, **more: Any) -> tuple[Any, Any, Any]:
    """Role, policy and association of an account that the file names."""
    identities = [{**SERVER, "allows": [READS], **more}]
    run = apply_changed(cluster={"pod_identities": identities})[Layer.CLUSTER]
    return tuple(
        next(each for each in run.of(kind) if each.name == "pods-server")
        for kind in ("Role", "RolePolicy", "PodIdentityAssociation")
    )  # type: ignore[return-value]


def test_an_account_that_the_file_names_may_do_what_the_file_says(apply_changed: Changed) -> None:
    role, policy, association = one_more(apply_changed)

    assert role.inputs["name"] == "ils-dev-pods-server"
    assert json.loads(policy.inputs["policy"])["Statement"] == [
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject"],
            "Resource": ["arn:aws:s3:::a-bucket/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "true"}},
        }
    ]
    assert (association.inputs["namespace"], association.inputs["serviceAccount"]) == ("tools", "server")
    [trust] = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
    assert trust["Condition"]["StringEquals"]["aws:RequestTag/kubernetes-service-account"] == "server"
    assert "disableSessionTags" not in association.inputs


def test_without_tags_the_role_knows_sessions_by_their_account(apply_changed: Changed) -> None:
    role, _, association = one_more(apply_changed, session_tags=False)

    [trust] = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": "123456789012"}}
    assert association.inputs["disableSessionTags"] is True


def test_jobs_of_backups_write_and_read_sets_and_delete_none(run: Any, tier: str) -> None:
    found = statements(run, "backup-jobs")
    account = "123456789012"
    assert found["BackupSets"]["Resource"] == [
        f"arn:aws:s3:::ils-{tier}-backups-{account}-us-east-1/*",
        f"arn:aws:s3:::ils-{tier}-copies-{account}-us-west-2/*",
    ]
    assert not any("Delete" in action for action in found["BackupSets"]["Action"])
    assert found["KeysOfBackups"]["Condition"]["ForAnyValue:StringEquals"] == {
        "kms:ResourceAliases": [f"alias/ils-{tier}-backups", f"alias/ils-{tier}-backup-copies"]
    }


def test_a_role_is_for_one_service_account_of_one_cluster(run: Any, tier: str) -> None:
    (statement,) = json.loads(run.one("Role", "app").inputs["assumeRolePolicy"])["Statement"]
    assert statement["Action"] == ["sts:AssumeRole", "sts:TagSession"]
    assert statement["Condition"]["StringEquals"] == {
        "aws:RequestTag/eks-cluster-name": f"ils-{tier}",
        "aws:RequestTag/kubernetes-namespace": f"ils-{tier}",
        "aws:RequestTag/kubernetes-service-account": "ils",
    }


def statements(run: Any, role: str) -> dict[str, dict[str, Any]]:
    return {each["Sid"]: each for each in json.loads(run.one("RolePolicy", role).inputs["policy"])["Statement"]}


def test_the_application_reaches_its_own_tables_and_their_key(run: Any, applied: Runs, tier: str) -> None:
    found = statements(run, "app")
    prefix = "arn:aws:dynamodb:us-east-1:123456789012:table/"
    tables = [f"{prefix}{table.inputs['name']}" for table in applied[Layer.TABLES].of("Table")]
    assert len(tables) == 2
    assert set(found["Items"]["Resource"]) == {*tables, *(f"{table}/index/*" for table in tables)}
    assert not [action for action in found["Items"]["Action"] if "*" in action or "Scan" in action]
    assert found["KeyOfTheTables"]["Resource"] == applied[Layer.ENCRYPTION].outputs["tables_key_arn"]
    assert found["KeyOfTheTables"]["Condition"] == {
        "StringEquals": {"kms:ViaService": "dynamodb.us-east-1.amazonaws.com"}
    }


def test_the_controller_registers_targets_of_this_environment_and_no_others(run: Any, applied: Runs, tier: str) -> None:
    register = statements(run, "load-balancer-controller")["Register"]
    groups = ["app", "canary"] if tier == "production" else ["app"]
    names = [applied[Layer.LOAD_BALANCER].one("TargetGroup", group).inputs["name"] for group in groups]
    prefix = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup"
    assert register["Resource"] == [f"{prefix}/{name}/*" for name in names]
    assert {action.split(":")[1] for action in register["Action"]} == {"RegisterTargets", "DeregisterTargets"}


def test_the_autoscaler_scales_the_nodes_of_this_cluster_alone(of_tier: Callable[[str], Runs]) -> None:
    run = of_tier("production")[Layer.CLUSTER]
    scale = statements(run, "cluster-autoscaler")["Scale"]
    assert scale["Condition"] == {"StringEquals": {"aws:ResourceTag/k8s.io/cluster-autoscaler/ils-production": "owned"}}
    assert run.outputs["cluster_autoscaler_role_arn"]
    assert of_tier("dev")[Layer.CLUSTER].outputs["cluster_autoscaler_role_arn"] == ""
