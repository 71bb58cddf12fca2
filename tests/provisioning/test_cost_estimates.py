"""What a plan costs: of what is created, changed, replaced and deleted, and of what cannot be priced."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ils_pipelines.engine.models import Change, DiffKind, Operation, Plan, PropertyDiff
from ils_pipelines.provisioning.approval import plan_environment
from ils_pipelines.provisioning.charges import (
    DATABASE_INSTANCE,
    EKS_CLUSTER,
    FIXED,
    FREE,
    LAUNCH_TEMPLATE,
    NODE_GROUP,
    REPLICATION_GROUP,
    SIZED,
    VPC_ENDPOINT,
    vcpus_of,
)
from ils_pipelines.provisioning.estimate import Resource, estimate, flat, total
from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.loading import load_environment
from ils_pipelines.settings.prices import price_table
from ils_pipelines.targets import open_target
from tests.end_to_end.conftest import LocalSandbox

TODAY = date(2026, 11, 23)
NAT = "aws:ec2/natGateway:NatGateway"
KEY = "aws:kms/key:Key"
BUCKET = "aws:s3/bucket:Bucket"
INSTANCE = {"instanceClass": "db.r6g.large"}  # 0.26 USD an hour: 189.80 a month


@pytest.fixture(autouse=True)
def _bundled_prices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not what somebody refreshed on this machine."""
    monkeypatch.setenv("ILS_STATE_DIR", str(tmp_path / "state"))


@pytest.fixture
def staging() -> Environment:
    return load_environment("staging")


def resource(kind: str, name: str = "it", **properties: Any) -> Resource:
    return Resource(f"urn:{kind}::{name}", kind, name, flat(properties))


def change(kind: str, operation: Operation, *diffs: PropertyDiff, name: str = "it") -> Change:
    return Change(urn=f"urn:{kind}::{name}", type=kind, name=name, operation=operation, diffs=diffs)


def plan(*changes: Change) -> Plan:
    return Plan(project="ils-vpc", stack="staging", changes=changes, unchanged=0)


def becomes(path: str, new: Any, kind: DiffKind = DiffKind.UPDATE) -> PropertyDiff:
    return PropertyDiff(path=path, kind=kind, new=new)


def monthly(environment: Environment, *resources: Resource) -> Decimal:
    found = estimate(environment, resources, today=TODAY)
    assert found.unknown == ()
    assert found.before == found.after
    return found.after


def test_what_exists_costs_what_the_table_says(staging: Environment) -> None:
    assert monthly(staging, resource(NAT)) == Decimal("32.85")
    assert monthly(staging, resource(DATABASE_INSTANCE, **INSTANCE)) == Decimal("189.80")
    assert monthly(staging, resource(REPLICATION_GROUP, nodeType="cache.t4g.small", numCacheClusters=2)) == Decimal(
        "46.72"
    )
    assert monthly(
        staging, resource(REPLICATION_GROUP, engine="valkey", nodeType="cache.m7g.large", numCacheClusters=1)
    ) == Decimal("92.27")


@pytest.mark.parametrize(
    ("kind", "vcpus"),
    [("db.t4g.medium", 2), ("db.r6g.large", 2), ("db.r6g.xlarge", 4), ("db.r7g.16xlarge", 64), ("db.serverless", None)],
)
def test_the_size_of_a_class_says_its_vcpus(kind: str, vcpus: int | None) -> None:
    assert vcpus_of(kind) == vcpus


def test_an_old_database_costs_more_by_its_vcpus_and_most_in_the_last_year(staging: Environment) -> None:
    old = resource(DATABASE_INSTANCE, **INSTANCE, engineVersion="13.20")

    assert monthly(staging, old) == Decimal("189.80") + 2 * Decimal("0.10") * 730
    last = estimate(staging, [old], today=date(2028, 3, 1))
    assert last.after == Decimal("189.80") + 2 * Decimal("0.20") * 730


def test_nodes_cost_their_instances_and_the_disks_of_their_launch_template(staging: Environment) -> None:
    group = resource(NODE_GROUP, "general", instanceTypes=["t3.large", "m6i.large"], scalingConfig={"desiredSize": 3})
    template = resource(LAUNCH_TEMPLATE, "general", blockDeviceMappings=[{"ebs": {"volumeSize": 50}}])

    # 3 x 0.0832 x 730 + 3 x 50 x 0.08
    assert monthly(staging, group, template) == Decimal("194.21")


def test_a_group_without_nodes_costs_nothing(staging: Environment) -> None:
    assert monthly(
        staging, resource(NODE_GROUP, instanceTypes=["t3.large"], capacityType="SPOT", scalingConfig={"desiredSize": 0})
    ) == Decimal(0)


def test_a_cluster_in_extended_support_costs_six_times_as_much(staging: Environment) -> None:
    assert monthly(staging, resource(EKS_CLUSTER, version="1.35")) == Decimal("73.00")
    extended = estimate(staging, [resource(EKS_CLUSTER, version="1.35")], today=date(2027, 6, 1))
    assert extended.after == Decimal("438.00")


def test_a_created_resource_is_priced_as_the_file_has_it(staging: Environment) -> None:
    found = estimate(staging, [], plan(change(DATABASE_INSTANCE, Operation.CREATE, name="database-2")), today=TODAY)

    assert staging.database.instance_class == "db.t4g.large"
    assert (found.before, found.after, found.delta) == (Decimal(0), Decimal("106.58"), Decimal("106.58"))


def test_a_created_resource_whose_plan_has_properties_is_priced_by_those(staging: Environment) -> None:
    created = change(DATABASE_INSTANCE, Operation.CREATE, becomes("instanceClass", "db.r6g.large", DiffKind.ADD))

    assert estimate(staging, [], plan(created), today=TODAY).after == Decimal("189.80")


@pytest.mark.parametrize("operation", [Operation.UPDATE, Operation.REPLACE, Operation.ADOPT])
def test_a_changed_resource_costs_what_it_changes_to(staging: Environment, operation: Operation) -> None:
    changed = change(DATABASE_INSTANCE, operation, becomes("instanceClass", "db.r6g.xlarge"))

    found = estimate(staging, [resource(DATABASE_INSTANCE, **INSTANCE)], plan(changed), today=TODAY)

    assert (found.before, found.after) == (Decimal("189.80"), Decimal("378.87"))


def test_a_change_of_something_else_does_not_change_the_cost(staging: Environment) -> None:
    changed = change(DATABASE_INSTANCE, Operation.UPDATE, becomes("tags.team", "other"))

    assert estimate(staging, [resource(DATABASE_INSTANCE, **INSTANCE)], plan(changed), today=TODAY).delta == 0


def test_a_list_that_changes_as_a_whole_or_in_part_changes_the_price(staging: Environment) -> None:
    group = resource(NODE_GROUP, "g", instanceTypes=["t3.large", "t3a.large"], scalingConfig={"desiredSize": 1})
    template = resource(LAUNCH_TEMPLATE, "g", blockDeviceMappings=[{"ebs": {"volumeSize": 100}}])
    for diff in (becomes("instanceTypes", ["m6i.large"]), becomes("instanceTypes[0]", "m6i.large")):
        found = estimate(
            staging, [group, template], plan(change(NODE_GROUP, Operation.UPDATE, diff, name="g")), today=TODAY
        )
        assert found.after == Decimal("78.08")  # 0.096 x 730 + 100 x 0.08


def test_a_deleted_resource_costs_nothing_any_more(staging: Environment) -> None:
    found = estimate(staging, [resource(NAT), resource(KEY)], plan(change(NAT, Operation.DELETE)), today=TODAY)

    assert (found.before, found.after, found.delta) == (Decimal("33.85"), Decimal("1.00"), Decimal("-32.85"))


def test_an_unknown_type_is_named_and_counts_for_nothing(staging: Environment) -> None:
    found = estimate(staging, [resource("aws:sagemaker/domain:Domain", "ml"), resource(KEY)], today=TODAY)

    assert found.after == Decimal("1.00")
    assert found.unknown == ("aws:sagemaker/domain:Domain ml: the table does not know this type",)


@pytest.mark.parametrize(
    ("kind", "properties", "reason"),
    [
        (DATABASE_INSTANCE, {"instanceClass": "db.x9.huge"}, "no price for aurora/db.x9.huge in us-east-1"),
        (DATABASE_INSTANCE, {}, "its instance class is not known"),
        (EKS_CLUSTER, {}, "its Kubernetes version is not known"),
        (REPLICATION_GROUP, {"nodeType": "[unknown]"}, "its node type or the number of its nodes is not known"),
        (NODE_GROUP, {"instanceTypes": ["t3.large"]}, "its size or its instance types are not known"),
        (VPC_ENDPOINT, {"vpcEndpointType": "Interface"}, "only gateway endpoints are free"),
    ],
)
def test_what_cannot_be_priced_says_why(
    staging: Environment, kind: str, properties: dict[str, Any], reason: str
) -> None:
    found = estimate(staging, [resource(kind, **properties)], today=TODAY)

    assert found.after == Decimal(0)
    [unknown] = found.unknown
    assert unknown.startswith(f"{kind} it: {reason}")


def test_spot_nodes_have_no_price_that_stays(staging: Environment) -> None:
    group = resource(NODE_GROUP, instanceTypes=["t3.large"], capacityType="SPOT", scalingConfig={"desiredSize": 2})

    [spot, disks] = estimate(staging, [group], today=TODAY).unknown

    assert "2 spot nodes: their price moves" in spot
    assert "disks is not known" in disks


def test_in_a_region_without_prices_everything_is_named_and_nothing_guessed(staging: Environment) -> None:
    elsewhere = staging.model_copy(update={"aws": staging.aws.model_copy(update={"region": "eu-west-1"})})

    found = estimate(elsewhere, [resource(KEY)], today=TODAY)

    assert (found.after, found.unknown) == (Decimal(0), (f"{KEY} it: no price for kms-key in eu-west-1",))


def test_what_depends_on_use_is_said_once_and_not_counted(staging: Environment) -> None:
    found = estimate(staging, [resource(BUCKET, "a"), resource(BUCKET, "b")], today=TODAY)

    assert found.after == Decimal(0)
    assert found.left_out == ("S3 storage and requests",)
    assert found.unknown == ()


def test_the_total_is_that_of_the_layers(staging: Environment) -> None:
    layers = [estimate(staging, [resource(NAT)], today=TODAY), estimate(staging, [resource(KEY)], today=TODAY)]

    whole = total(layers)

    assert whole.after == Decimal("33.85")
    assert [line.product for line in whole.lines] == ["nat-gateway", "kms-key"]
    assert total([]).after == 0


def test_every_product_that_a_type_is_paid_by_is_in_the_table() -> None:
    products = {price.product for price in price_table().prices}

    assert set(FIXED.values()) <= products
    assert not FREE & (FIXED.keys() | SIZED.keys())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["dev", "staging", "production"])
def test_every_resource_of_the_shipped_environments_is_known(
    sandbox: LocalSandbox, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("ILS_STATE_DIR", str(sandbox.directory))
    environment = load_environment(name)

    whole = total(estimate(environment, [], each) for each in plan_environment(open_target(environment)).values())

    assert whole.unknown == ()
    assert whole.before == 0
    assert whole.after > 100
