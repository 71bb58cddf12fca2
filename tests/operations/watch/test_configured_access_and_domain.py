"""An environment whose file names people, a DNS zone and a web ACL: made, watched, and gone without a trace."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from ils_pipelines.operations.posture.controls import CONTROLS
from ils_pipelines.operations.posture.models import Verdict
from ils_pipelines.operations.posture.report import posture
from ils_pipelines.provisioning.layers import layer_work
from ils_pipelines.settings.controls import ControlId
from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.layers import Layer
from tests.end_to_end.conftest import LocalSandbox
from tests.operations.watch.site import Site, site_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

LAYERS = (Layer.VPC, Layer.ENCRYPTION, Layer.CLUSTER, Layer.LOAD_BALANCER)
NAME, DOMAIN, ZONE = "edge", "edge.lens.example.net", "lens.example.net"
POLICY = "arn:aws:eks::aws:cluster-access-policy/AmazonEKS"


@dataclass(frozen=True)
class Configured:
    """The environment, and what was there before it."""

    site: Site
    zone_id: str
    engineers: str
    web_acl: str

    def client(self, service: str) -> Any:
        return self.site.client(service)

    def records(self) -> dict[tuple[str, str], Any]:
        """All but those that every zone has."""
        found = self.client("route53").list_resource_record_sets(HostedZoneId=self.zone_id)["ResourceRecordSets"]
        return {(each["Name"], each["Type"]): each for each in found if each["Type"] not in {"NS", "SOA"}}

    def change_record(self, action: str, record: Any) -> None:
        batch = {"Changes": [{"Action": action, "ResourceRecordSet": record}]}
        self.client("route53").change_resource_record_sets(HostedZoneId=self.zone_id, ChangeBatch=batch)

    @property
    def entry(self) -> dict[str, str]:
        """What names the access entry of the engineers."""
        return {"clusterName": self.site.cluster, "principalArn": self.engineers}

    def drifted(self, layer: Layer) -> set[tuple[str, str]]:
        """Resources and properties; the property is empty where the resource is gone."""
        return {(finding.resource, finding.path) for finding in self.site.layer_drift(layer).findings}


@pytest.fixture(scope="module")
def configured(sandbox: LocalSandbox) -> Iterator[Configured]:
    dev = site_of("dev", sandbox)
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    role = dev.client("iam").create_role(RoleName="engineers", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    zone = dev.client("route53").create_hosted_zone(Name=ZONE, CallerReference=NAME)["HostedZone"]["Id"]
    wafv2 = dev.client("wafv2")
    acl = wafv2.create_web_acl(
        Name=NAME,
        Scope="REGIONAL",
        DefaultAction={"Allow": {}},
        VisibilityConfig={"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False, "MetricName": NAME},
    )["Summary"]
    grants = [{"policy": "edit", "namespaces": ["ils-edge"]}, {"policy": "view"}]
    environment = Environment.model_validate(
        {
            "name": NAME,
            "cluster": {"access": [{"name": "engineers", "principal_arn": role, "grants": grants}]},
            "load_balancer": {"domain": DOMAIN, "zone": ZONE, "web_acl_arn": acl["ARN"]},
        }
    )
    made = Configured(dev.sibling(environment), zone.rpartition("/")[2], role, acl["ARN"])
    for layer in LAYERS:
        layer_work(made.site.target, layer).up()
    yield made
    for layer in reversed(LAYERS):
        layer_work(made.site.target, layer).destroy()
    lock = wafv2.get_web_acl(Scope="REGIONAL", Name=NAME, Id=acl["Id"])["LockToken"]
    wafv2.delete_web_acl(Scope="REGIONAL", Name=NAME, Id=acl["Id"], LockToken=lock)
    dev.client("route53").delete_hosted_zone(Id=zone)
    dev.client("iam").delete_role(RoleName="engineers")


@pytest.mark.parametrize("layer", LAYERS)
def test_a_second_plan_is_empty_and_nothing_drifted(configured: Configured, layer: Layer) -> None:
    assert layer_work(configured.site.target, layer).preview().empty
    assert configured.drifted(layer) == set()


def test_the_zone_holds_the_domain_and_the_proof_for_its_certificate(configured: Configured) -> None:
    records = configured.records()
    balancer = configured.site.output(Layer.LOAD_BALANCER, "dns_name")
    targets = {kind: records[f"{DOMAIN}.", kind]["AliasTarget"]["DNSName"].rstrip(".") for kind in ("A", "AAAA")}
    assert targets == {"A": balancer, "AAAA": balancer}
    arn = configured.site.output(Layer.LOAD_BALANCER, "certificate_arn")
    certificate = configured.client("acm").describe_certificate(CertificateArn=arn)["Certificate"]
    proof = certificate["DomainValidationOptions"][0]["ResourceRecord"]
    assert records[proof["Name"], "CNAME"]["ResourceRecords"] == [{"Value": proof["Value"]}]
    assert certificate["Status"] == "ISSUED"


def test_principals_have_the_policies_of_the_file(configured: Configured) -> None:
    answer = configured.client("eks").list_associated_access_policies(**configured.entry)
    found = {each["policyArn"]: each["accessScope"] for each in answer["associatedAccessPolicies"]}
    assert found[f"{POLICY}EditPolicy"] == {"type": "namespace", "namespaces": ["ils-edge"]}
    assert found[f"{POLICY}ViewPolicy"]["type"] == "cluster"


def guarded(configured: Configured) -> bool:
    """Whether the posture control finds the web ACL."""
    (control,) = [control for control in CONTROLS if control.id is ControlId.LOAD_BALANCER_WAF]
    (result,) = posture(configured.site.target, controls=(control,)).results
    return result.verdict is Verdict.PASSED


def test_the_web_acl_is_what_the_posture_control_asks_for(configured: Configured) -> None:
    wafv2 = configured.client("wafv2")
    balancer = configured.site.output(Layer.LOAD_BALANCER, "load_balancer_arn")
    assert guarded(configured)
    wafv2.disassociate_web_acl(ResourceArn=balancer)
    try:
        assert not guarded(configured)
        assert configured.drifted(Layer.LOAD_BALANCER) == {("entrance", "")}
    finally:
        wafv2.associate_web_acl(WebACLArn=configured.web_acl, ResourceArn=balancer)
    assert configured.drifted(Layer.LOAD_BALANCER) == set()


@contextmanager
def wider_access(made: Configured) -> Iterator[None]:
    eks, policy = made.client("eks"), {**made.entry, "policyArn": f"{POLICY}EditPolicy"}
    eks.associate_access_policy(**policy, accessScope={"type": "cluster"})
    try:
        yield
    finally:
        eks.associate_access_policy(**policy, accessScope={"type": "namespace", "namespaces": ["ils-edge"]})


@contextmanager
def no_policy(made: Configured) -> Iterator[None]:
    eks, policy = made.client("eks"), {**made.entry, "policyArn": f"{POLICY}ViewPolicy"}
    eks.disassociate_access_policy(**policy)
    try:
        yield
    finally:
        eks.associate_access_policy(**policy, accessScope={"type": "cluster"})


@contextmanager
def other_groups(made: Configured) -> Iterator[None]:
    eks = made.client("eks")
    eks.update_access_entry(**made.entry, kubernetesGroups=["intruders"])
    try:
        yield
    finally:
        eks.update_access_entry(**made.entry, kubernetesGroups=[])


@contextmanager
def record_elsewhere(made: Configured) -> Iterator[None]:
    before = made.records()[f"{DOMAIN}.", "A"]
    alias = {**before["AliasTarget"], "DNSName": "elsewhere.elb.amazonaws.com"}
    made.change_record("UPSERT", {**before, "AliasTarget": alias})
    try:
        yield
    finally:
        made.change_record("UPSERT", before)


@contextmanager
def no_record(made: Configured) -> Iterator[None]:
    before = made.records()[f"{DOMAIN}.", "A"]
    made.change_record("DELETE", before)
    try:
        yield
    finally:
        made.change_record("CREATE", before)


@pytest.mark.parametrize(
    ("layer", "changed", "resource", "path"),
    [
        (Layer.CLUSTER, wider_access, "engineers-edit", "accessScope"),
        (Layer.CLUSTER, no_policy, "engineers-view", ""),
        (Layer.CLUSTER, other_groups, "engineers", "kubernetesGroups"),
        (Layer.LOAD_BALANCER, record_elsewhere, "domain-a", "aliases"),
        (Layer.LOAD_BALANCER, no_record, "domain-a", ""),
    ],
)
def test_a_change_behind_our_back_is_seen_and_gone_when_it_is_undone(
    configured: Configured,
    layer: Layer,
    changed: Callable[[Configured], AbstractContextManager[None]],
    resource: str,
    path: str,
) -> None:
    with changed(configured):
        drifted = configured.drifted(layer)
    mended = configured.drifted(layer)

    assert {found[0] for found in drifted} == {resource}
    assert all(found[1].startswith(path) if path else not found[1] for found in drifted), drifted
    assert mended == set()


def test_nothing_of_it_is_left_once_it_is_taken_down(sandbox: LocalSandbox) -> None:
    """On an environment of its own: records, associations and add-ons are no objects of the inventory."""
    dev = site_of("dev", sandbox)
    client = dev.client
    zone = client("route53").create_hosted_zone(Name="gone.example.net", CallerReference="gone")["HostedZone"]["Id"]
    settings = {"domain": "gone.example.net", "zone": "gone.example.net"}
    site = dev.sibling(Environment.model_validate({"name": "gone", "load_balancer": settings}))
    before = sandbox.inventory()
    for layer in LAYERS:
        layer_work(site.target, layer).up()
    for layer in reversed(LAYERS):
        layer_work(site.target, layer).destroy()

    left = client("route53").list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    assert {record["Type"] for record in left} == {"NS", "SOA"}
    assert sandbox.inventory() == before
