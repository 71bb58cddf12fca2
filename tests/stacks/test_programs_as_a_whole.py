"""Promises every program keeps, in every tier."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

import pulumi
import pytest

from ils_pipelines.settings.layers import Layer
from ils_pipelines.stacks.catalog import PROGRAMS
from ils_pipelines.stacks.outputs import (
    BackupVaultOutputs,
    CacheOutputs,
    ClusterOutputs,
    DatabaseOutputs,
    EncryptionOutputs,
    LayerOutputs,
    LoadBalancerOutputs,
    MonitoringOutputs,
    SecretsOutputs,
    TablesOutputs,
    VpcOutputs,
)
from ils_pipelines.stacks.upstream import Upstream, UpstreamMissing

Runs = Mapping[Layer, Any]

OUTPUTS: tuple[type[LayerOutputs], ...] = (
    VpcOutputs,
    EncryptionOutputs,
    ClusterOutputs,
    DatabaseOutputs,
    CacheOutputs,
    TablesOutputs,
    SecretsOutputs,
    LoadBalancerOutputs,
    BackupVaultOutputs,
    MonitoringOutputs,
)
TAGS = {"environment", "layer", "managed-by", "project", "Name"}
UNTAGGABLE = {
    "AccessPolicyAssociation",
    "Alias",
    "RolePolicy",
    "RolePolicyAttachment",
    "Route",
    "RouteTableAssociation",
    "SecretVersion",
    "CertificateValidation",
    "BucketPublicAccessBlock",
    "BucketOwnershipControls",
    "BucketServerSideEncryptionConfiguration",
    "BucketLifecycleConfiguration",
    "BucketPolicy",
    "BucketVersioning",
    "BucketObjectLockConfiguration",
    "BucketReplicationConfig",
    "Selection",
    "Dashboard",
    "TopicPolicy",
    "TopicSubscription",
}
# The property that names a resource, where it is not `name`; node groups are named within their cluster.
NAME_PROPERTIES = {
    "aws:rds/cluster:Cluster": "clusterIdentifier",
    "aws:rds/clusterInstance:ClusterInstance": "identifier",
    "aws:elasticache/replicationGroup:ReplicationGroup": "replicationGroupId",
    "aws:s3/bucket:Bucket": "bucket",
}
HOLDS_DATA = {
    "aws:kms/key:Key",
    "aws:kms/replicaKey:ReplicaKey",
    "aws:backup/vault:Vault",
    "aws:ec2/vpc:Vpc",
    "aws:eks/cluster:Cluster",
    "aws:rds/cluster:Cluster",
    "aws:rds/clusterInstance:ClusterInstance",
    "aws:elasticache/replicationGroup:ReplicationGroup",
    "aws:dynamodb/table:Table",
    "aws:s3/bucket:Bucket",
    "aws:secretsmanager/secret:Secret",
}
KNOWN_TYPES = {
    "ec2": "Vpc Subnet InternetGateway Eip NatGateway RouteTable Route RouteTableAssociation VpcEndpoint FlowLog "
    "DefaultSecurityGroup SecurityGroup LaunchTemplate",
    "vpc": "SecurityGroupIngressRule SecurityGroupEgressRule",
    "kms": "Key Alias ReplicaKey",
    "iam": "Role RolePolicy RolePolicyAttachment",
    "cloudwatch": "LogGroup Dashboard MetricAlarm",
    "sns": "Topic TopicPolicy TopicSubscription",
    "amp": "Workspace",
    "xray": "Group SamplingRule",
    "eks": "Cluster NodeGroup Addon AccessEntry AccessPolicyAssociation PodIdentityAssociation",
    "rds": "SubnetGroup ClusterParameterGroup Cluster ClusterInstance",
    "elasticache": "SubnetGroup ParameterGroup ReplicationGroup",
    "dynamodb": "Table",
    "lb": "LoadBalancer TargetGroup Listener",
    "acm": "Certificate CertificateValidation",
    "s3": "Bucket BucketPublicAccessBlock BucketOwnershipControls BucketServerSideEncryptionConfiguration "
    "BucketLifecycleConfiguration BucketPolicy BucketVersioning BucketObjectLockConfiguration BucketReplicationConfig",
    "backup": "Vault Plan Selection",
    "secretsmanager": "Secret SecretVersion",
}


def shape(run: Any) -> list[tuple[Any, ...]]:
    """What an engine would see of a run but for the random token, in no particular order: registrations race."""
    return sorted(
        (
            r.urn,
            re.sub(r"[0-9a-f]{64}", "*", repr(r.inputs)),
            r.protect,
            r.ignore_changes,
            tuple(sorted(r.dependencies)),
        )
        for r in run.resources
    )


def test_every_layer_below_the_release_has_a_program() -> None:
    assert set(PROGRAMS) == set(Layer) - {Layer.APP_RELEASE}


def test_every_taggable_resource_carries_the_tags(everything: list[Any], tier: str) -> None:
    taggable = [resource for resource in everything if resource.type.split(":")[-1] not in UNTAGGABLE]
    assert len(taggable) > 60
    assert [r.urn for r in taggable if not set(r.inputs.get("tags", {})) >= TAGS] == []
    assert {r.inputs["tags"]["environment"] for r in taggable} == {tier}
    assert {r.inputs["tags"]["project"] for r in taggable} == {"ils"}


def test_the_tags_of_the_file_are_on_every_taggable_resource(everything: list[Any], tier: str) -> None:
    tagged = [resource for resource in everything if "tags" in resource.inputs]
    centre = {"dev": "ils-development", "staging": "ils-staging", "production": "ils-production"}[tier]
    assert {resource.inputs["tags"].get("cost-center") for resource in tagged} == {centre}


def test_the_layer_tag_is_the_layer(applied: Runs) -> None:
    for layer, run in applied.items():
        assert {r.inputs["tags"]["layer"] for r in run.managed if "tags" in r.inputs} == {str(layer)}


def test_physical_names_are_unique_and_tell_the_environment(everything: list[Any], tier: str) -> None:
    named = [(r.type, r.inputs.get(NAME_PROPERTIES.get(r.type, "name"))) for r in everything]
    # A role's policy is named within its role.
    names = Counter((kind, name) for kind, name in named if name and kind != "aws:iam/rolePolicy:RolePolicy")
    assert len(names) > 25
    assert [name for name, count in names.items() if count > 1] == []
    assert [name for _, name in names if f"ils-{tier}" not in name] == []


def test_logical_names_are_unique_per_type(applied: Runs) -> None:
    for run in applied.values():
        assert [urn for urn, count in Counter(r.urn for r in run.resources).items() if count > 1] == []


def test_every_aws_resource_belongs_to_a_component(applied: Runs) -> None:
    for run in applied.values():
        components = {resource.urn for resource in run.resources if resource.component}
        assert [resource.urn for resource in run.managed if resource.parent not in components] == []


def test_only_types_the_sandbox_knows_are_used(everything: list[Any]) -> None:
    known = {(module, kind) for module, kinds in KNOWN_TYPES.items() for kind in kinds.split()}
    used = {(resource.type.split(":")[1].split("/")[0], resource.type.split(":")[-1]) for resource in everything}
    assert used - known == set()


def test_few_calls_are_made_while_declaring(applied: Runs) -> None:
    calls = {str(layer): [call.split(":")[-1] for call in run.calls] for layer, run in applied.items() if run.calls}
    assert calls == {
        "vpc": ["getCallerIdentity"],
        "encryption": ["getCallerIdentity"],
        "cluster": ["getCallerIdentity"],
        "load_balancer": ["getCallerIdentity"],
        "backup_vault": ["getCallerIdentity"],
        "monitoring": ["getCallerIdentity"],
    }


@pytest.mark.parametrize("layer", list(PROGRAMS))
def test_two_runs_declare_the_same(up: Callable[..., Any], of_tier: Callable[[str], Runs], layer: Layer) -> None:
    first = of_tier("production")
    values = {
        below: {name: type("Value", (), {"value": value, "secret": False})() for name, value in run.outputs.items()}
        for below, run in first.items()
    }
    assert shape(up("production", layer, Upstream(values))) == shape(first[layer])


def test_what_holds_data_is_protected_in_production_only(everything: list[Any], tier: str) -> None:
    protected = {resource.urn for resource in everything if resource.protect}
    passing = {"transfers", "transfers-of-copies"}
    data = {resource.urn for resource in everything if resource.type in HOLDS_DATA and resource.name not in passing}
    assert protected == (data if tier == "production" else set())


@pytest.mark.parametrize("outputs", OUTPUTS, ids=lambda outputs: str(outputs.layer))
def test_a_layer_exports_exactly_its_typed_outputs(outputs: type[LayerOutputs], applied: Runs) -> None:
    exported = applied[outputs.layer].outputs
    assert set(exported) == {field.name for field in fields(outputs)}
    assert [name for name, value in exported.items() if value is None or value is pulumi.UNKNOWN] == []


def test_the_cache_token_is_in_no_output(applied: Runs) -> None:
    token = applied[Layer.CACHE].one("SecretVersion").inputs["secretString"]
    assert len(token) > 16
    assert [name for run in applied.values() for name, value in run.outputs.items() if token in repr(value)] == []


@pytest.mark.parametrize("layer", list(PROGRAMS))
def test_a_preview_works_before_any_layer_exists(
    preview: Callable[..., Any], of_tier: Callable[[str], Runs], layer: Layer
) -> None:
    planned = preview("production", layer, Upstream({}))
    assert sorted(r.urn for r in planned.resources) == sorted(r.urn for r in of_tier("production")[layer].resources)


@pytest.mark.parametrize("layer", [Layer.CLUSTER, Layer.DATABASE, Layer.CACHE])
def test_applying_before_the_layers_below_exist_is_refused(up: Callable[..., Any], layer: Layer) -> None:
    with pytest.raises(UpstreamMissing, match=r"layer vpc does not exist yet. Apply vpc first"):
        up("dev", layer, Upstream({Layer.VPC: None, Layer.ENCRYPTION: None}))


def test_applying_on_a_layer_that_lacks_an_output_is_refused(up: Callable[..., Any]) -> None:
    with pytest.raises(UpstreamMissing, match="layer vpc has no output 'vpc_id'"):
        up("dev", Layer.CLUSTER, Upstream({Layer.VPC: {}}))


def test_the_catalogue_imports_neither_pulumi_nor_its_aws_resources() -> None:
    code = (
        "import sys, ils_pipelines.stacks.catalog; "
        "print(*({'pulumi', 'pulumi_aws', 'boto3', 'botocore', 'dagster'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == ""


def test_threads_that_declare_at_once_find_the_resource_classes_loaded() -> None:
    code = (
        "import importlib, sys, threading\n"
        "sys.setswitchinterval(1e-5)\n"
        "failed, start = [], threading.Barrier(5)\n"
        "def load(name):\n"
        "    start.wait()\n"
        "    try:\n"
        "        aws = importlib.import_module('ils_pipelines.stacks.' + name).aws\n"
        "        aws.ec2.LaunchTemplate, aws.cloudwatch.LogGroup, aws.kms.Key, aws.iam.Role, aws.rds.Cluster\n"
        "    except BaseException as error:\n"
        "        failed.append(repr(error))\n"
        "names = ('network', 'keys', 'cluster', 'database', 'cache')\n"
        "threads = [threading.Thread(target=load, args=(name,)) for name in names]\n"
        "[thread.start() for thread in threads]\n"
        "[thread.join() for thread in threads]\n"
        "print(*failed)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == ""
