"""What was changed behind the product's back is reported, per property, and what was not is not."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest

from ils_pipelines.operations.drift.models import DriftState
from ils_pipelines.provisioning.layers import layer_work
from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.layers import Layer
from ils_pipelines.stacks.catalog import PROGRAMS
from tests.end_to_end.conftest import LocalSandbox
from tests.operations.watch import cluster_drift_cases, drift_cases, keeping_drift_cases, release_drift_cases
from tests.operations.watch.drift_cases import Case
from tests.operations.watch.site import Site

# The first test of a process waits for the sandbox and for dev.
pytestmark = pytest.mark.timeout(600)

CASES = (*drift_cases.CASES, *cluster_drift_cases.CASES, *keeping_drift_cases.CASES, *release_drift_cases.CASES)
COVERED = (
    Layer.VPC,
    Layer.ENCRYPTION,
    Layer.CLUSTER,
    Layer.DATABASE,
    Layer.CACHE,
    Layer.BACKUP_VAULT,
    Layer.MONITORING,
    Layer.APP_RELEASE,
)


def test_there_is_a_case_of_every_kind_for_several_types_of_each_layer() -> None:
    for layer in COVERED:
        cases = [case for case in CASES if case.layer is layer]
        kinds = {
            "missing" if not case.path else "tag" if re.search("tags|labels", case.path) else "property"
            for case in cases
        }
        assert kinds == {"missing", "tag", "property"}, layer
        assert len({case.resource for case in cases}) >= 3 or layer is Layer.CACHE, layer


def test_a_clean_environment_has_no_finding(site: Site) -> None:
    report = site.drift()

    assert report.findings == ()
    assert {layer.layer: layer.state for layer in report.layers} == dict.fromkeys(Layer, DriftState.AS_APPLIED)
    assert report.clean


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_change_behind_our_back_is_named_and_gone_when_it_is_undone(site: Site, case: Case) -> None:
    with case.breaks(site):
        broken = site.layer_drift(case.layer)
    mended = site.layer_drift(case.layer)

    assert broken.state is DriftState.DRIFTED
    named = [finding for finding in broken.findings if (finding.resource, finding.path) == (case.resource, case.path)]
    assert named, broken.findings
    assert all((finding.expected, finding.found) == (case.expected, case.found) for finding in named), named
    assert all(finding.missing is (case.path == "") for finding in named)
    assert mended.findings == ()


def test_nothing_else_is_reported_with_it(site: Site) -> None:
    case = next(case for case in CASES if case.path == "backupRetentionPeriod")
    with case.breaks(site):
        report = site.drift()

    assert [(finding.layer, finding.path) for finding in report.findings] == [(Layer.DATABASE, "backupRetentionPeriod")]
    assert not report.clean


def test_no_secret_is_in_a_finding(site: Site) -> None:
    case = next(case for case in CASES if case.path == "data.REDIS_AUTH_TOKEN")
    with case.breaks(site):
        report = site.drift(Layer.APP_RELEASE)

    assert "known-to-all" not in repr(report)
    assert "[secret]" in repr(report)


def test_an_environment_that_was_never_provisioned_is_no_pass(site: Site) -> None:
    report = site.sibling(Environment(name="never")).drift()

    assert {layer.state for layer in report.layers} == {DriftState.NOT_PROVISIONED}
    assert not report.clean
    assert all("ils up never" in layer.reason for layer in report.layers)


def test_a_call_that_is_refused_makes_the_layer_unknown_and_the_others_go_on(site: Site, sandbox: LocalSandbox) -> None:
    fault = {"service": "eks", "operation": "DescribeNodegroup", "error_code": "AccessDeniedException", "status": 403}
    sandbox.control("faults", {**fault, "times": 5, "after": 0}, method="POST")
    try:
        report = site.drift()
    finally:
        sandbox.control("faults", method="DELETE")

    states = {layer.layer: layer.state for layer in report.layers}
    assert states.pop(Layer.CLUSTER) is DriftState.UNKNOWN
    assert set(states.values()) == {DriftState.AS_APPLIED}
    assert "AccessDenied" in report.layers[list(Layer).index(Layer.CLUSTER)].reason
    assert not report.clean


def is_a_list(operation: str) -> bool:
    """Lists, of tags too where a service calls that otherwise, and the question who is asking: no read of a resource."""
    return operation.lower().startswith("list") or operation in {
        "DescribeTags",
        "GetBucketTagging",
        "GetCallerIdentity",
    }


SPREAD = {
    "DescribeKey": ("aws:kms/key:Key", "aws:kms/replicaKey:ReplicaKey"),
    "GetKeyPolicy": ("aws:kms/key:Key", "aws:kms/replicaKey:ReplicaKey"),
    "GetKeyRotationStatus": ("aws:kms/key:Key", "aws:kms/replicaKey:ReplicaKey"),
    "DescribeTable": ("aws:dynamodb/table:Table",),
    "DescribeTimeToLive": ("aws:dynamodb/table:Table",),
    "DescribeContinuousBackups": ("aws:dynamodb/table:Table",),
    "DescribeSecret": ("aws:secretsmanager/secret:Secret",),
    "GetRole": ("aws:iam/role:Role",),
}
"""What AWS answers of one resource in several calls, and of no two resources in one."""


def test_a_scan_makes_no_more_reads_than_there_are_resources_and_changes_nothing(
    site: Site, sandbox: LocalSandbox
) -> None:
    """What takes several calls is made up for by what is read in one for many: a VPC's rules, routes and subnets."""
    sandbox.forget_requests()

    report = site.drift()

    requests = sandbox.requests()
    reads = [request for request in requests if not is_a_list(request["operation"])]
    assert [request for request in requests if request["mutating"]] == []
    assert len(reads) <= sum(layer.checked for layer in report.layers)
    types = Counter(each.type for layer in PROGRAMS for each in layer_work(site.target, layer).resources())
    asked = Counter(request["operation"] for request in reads)
    for operation, of in SPREAD.items():
        assert asked[operation] == sum(types[each] for each in of), operation


def test_the_command_names_what_drifted_within_100_columns(site: Site, sandbox: LocalSandbox) -> None:
    case = next(case for case in CASES if case.path == "policy")
    with case.breaks(site):
        shown = sandbox.ils("drift", "dev", code=1).stdout
        document = sandbox.ils_json("drift", "dev", code=1)

    assert "aws:kms:Key secrets" in shown
    assert "changed by unknown" in shown
    assert max(len(line) for line in shown.splitlines()) <= 100
    layers = {layer["layer"]: layer for layer in document["layers"]}
    assert layers["encryption"]["state"] == "drifted"
    [finding] = layers["encryption"]["findings"]
    assert (finding["resource"], finding["property"], finding["changed_by"]) == ("secrets", "policy", None)
    assert json.loads(finding["found"])["Statement"][-1]["Principal"] == "*"
    assert document["success"] is False


def test_what_drifted_is_put_back_by_the_next_up_once_it_is_recorded(site: Site, sandbox: LocalSandbox) -> None:
    cloudwatch, work = site.client("cloudwatch"), layer_work(site.target, Layer.MONITORING)
    alarm = site.id(Layer.MONITORING, "MetricAlarm", "backups-failed")
    cloudwatch.delete_alarms(AlarmNames=[alarm])
    cloudwatch.put_dashboard(DashboardName=site.cluster, DashboardBody=json.dumps({"widgets": []}))
    assert "--record" in sandbox.ils("drift", "dev", code=1).stdout
    assert work.preview().empty, "reported, never fixed"

    assert "ils plan dev" in sandbox.ils("drift", "dev", "--record", code=1).stdout

    counts = work.up().plan.counts
    assert {operation: count for operation, count in counts.items() if operation != "same"} == {
        "create": 1,
        "update": 1,
    }
    assert site.drift().clean
    assert site.id(Layer.MONITORING, "MetricAlarm", "backups-failed") == alarm


def test_the_command_succeeds_when_nothing_drifted(sandbox: LocalSandbox, site: Site) -> None:
    shown = sandbox.ils("drift", "dev").stdout

    assert "nothing drifted" in shown
    assert max(len(line) for line in shown.splitlines()) <= 100


def test_the_command_fails_for_what_was_never_provisioned(sandbox: LocalSandbox, site: Site) -> None:
    shown = sandbox.ils("drift", "staging", code=1).stdout

    assert f"{len(Layer)} layers not provisioned" in shown
