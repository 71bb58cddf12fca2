"""In the larger tiers, what AWS and autoscaling do by themselves is no drift; and what cannot be undone is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ils_pipelines.operations.drift.models import DriftFinding
from ils_pipelines.operations.health.models import HealthStatus
from ils_pipelines.provisioning.layers import layer_work
from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.layers import Layer
from tests.end_to_end.conftest import LocalSandbox
from tests.operations.watch.site import Site, site_of

# Others of a process rely on there being dev alone: these run without them.
pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

TIERS = ("staging", "production")


@pytest.fixture(scope="session")
def tiers(sandbox: LocalSandbox) -> dict[str, Site]:
    """Both with every layer, without the approval that a person would give."""
    sites = {name: site_of(name, sandbox) for name in TIERS}
    for site in sites.values():
        for layer in Layer:
            layer_work(site.target, layer).up()
    return sites


@pytest.fixture
def tier(tiers: dict[str, Site], request: pytest.FixtureRequest) -> Site:
    return tiers[request.param]


both = pytest.mark.parametrize("tier", TIERS, indirect=True)


def seen(site: Site, *layers: Layer) -> tuple[DriftFinding, ...]:
    """What a scan finds in these layers, or in all; a plan would change nothing either."""
    chosen = layers or tuple(Layer)
    report = site.drift(*chosen)
    for layer in chosen:
        assert layer_work(site.target, layer).preview().empty, layer
    assert report.clean, [layer for layer in report.layers if layer.reason]
    return report.findings


@both
def test_a_second_look_at_a_new_environment_finds_nothing(tier: Site) -> None:
    assert seen(tier) == ()
    assert tier.drift().clean
    assert tier.health().problems == ()


@both
def test_the_number_of_nodes_is_the_autoscalers(tier: Site) -> None:
    eks = tier.client("eks")
    for group in eks.list_nodegroups(clusterName=tier.cluster)["nodegroups"]:
        names = {"clusterName": tier.cluster, "nodegroupName": group}
        scaling = eks.describe_nodegroup(**names)["nodegroup"]["scalingConfig"]
        eks.update_nodegroup_config(**names, scalingConfig={**scaling, "desiredSize": scaling["desiredSize"] + 1})

    assert seen(tier, Layer.CLUSTER) == ()
    assert tier.health(Layer.CLUSTER).problems == ()


@both
def test_a_failover_is_no_drift_and_the_other_instance_is_the_writer(tier: Site) -> None:
    other = f"{tier.cluster}-2"
    tier.client("rds").failover_db_cluster(DBClusterIdentifier=tier.cluster, TargetDBInstanceIdentifier=other)

    assert seen(tier, Layer.DATABASE) == ()
    writers = [each for each in tier.health(Layer.DATABASE).findings if each.component.startswith("database writer")]
    assert [writer.found for writer in writers] == [other]


@both
def test_a_reader_that_autoscaling_added_is_no_drift_and_is_looked_after(tier: Site) -> None:
    rds, name = tier.client("rds"), f"application-autoscaling-{tier.name}"
    rds.create_db_instance(
        DBInstanceIdentifier=name,
        DBClusterIdentifier=tier.cluster,
        DBInstanceClass="db.r6g.large",
        Engine="aurora-postgresql",
    )

    assert seen(tier, Layer.DATABASE) == ()
    assert f"database instance {name}" in {each.component for each in tier.health(Layer.DATABASE).findings}


@pytest.fixture(scope="module")
def throwaway(sandbox: LocalSandbox) -> Iterator[Site]:
    """A network of its own, to break for good."""
    site = site_of("dev", sandbox).sibling(Environment(name="throwaway"))
    work = layer_work(site.target, Layer.VPC)
    work.up()
    yield site
    work.destroy()


def test_a_rule_that_was_revoked_is_missing(throwaway: Site) -> None:
    rule = throwaway.id(Layer.VPC, "SecurityGroupIngressRule", "nodes-to-database-5432-in")
    group = throwaway.output(Layer.VPC, "database_security_group_id")
    throwaway.client("ec2").revoke_security_group_ingress(GroupId=group, SecurityGroupRuleIds=[rule])

    missing = [finding for finding in throwaway.layer_drift(Layer.VPC).findings if finding.missing]

    assert ("nodes-to-database-5432-in", rule) in {(finding.resource, finding.id) for finding in missing}


def test_a_gateway_that_was_deleted_is_missing_and_its_address_serves_nobody(throwaway: Site) -> None:
    gateway = throwaway.id(Layer.VPC, "NatGateway", "nat-a")
    throwaway.client("ec2").delete_nat_gateway(NatGatewayId=gateway)

    missing = {finding.resource for finding in throwaway.layer_drift(Layer.VPC).findings if finding.missing}
    [problem] = throwaway.health(Layer.VPC).problems

    assert "nat-a" in missing
    assert (problem.status, problem.found) == (HealthStatus.UNHEALTHY, "not there")
