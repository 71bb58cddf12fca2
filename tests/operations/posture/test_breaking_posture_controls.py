"""Each control is broken in a live environment, behind the product's back, and caught."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any

import pytest

from ils_pipelines.operations.posture.models import Verdict
from ils_pipelines.settings.controls import ControlId
from tests.operations.posture.cases import application, cluster, database, edge, network, stores
from tests.operations.posture.site import BY_ID, Case, Site

# The first test of a process waits for the sandbox and for dev.
pytestmark = pytest.mark.timeout(600)

CASES: tuple[Case, ...] = (
    *network.CASES,
    *cluster.CASES,
    *database.CASES,
    *stores.CASES,
    *edge.CASES,
    *application.CASES,
)


def _tagged(value: str) -> dict[str, str]:
    return {"ConditionKey": "aws:ResourceTag/team", "ConditionValue": value}


def test_there_is_a_way_to_break_every_control() -> None:
    broken = {case.control for case in CASES} | set(cluster.BARE)

    assert broken == set(ControlId)


@pytest.mark.long
@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_broken_control_is_caught_and_names_the_resource(site: Site, case: Case) -> None:
    with case.breaks(site) as resource:
        result = site.evaluate(case.control).results[0]
    mended = site.evaluate(case.control).results[0]

    assert result.verdict is Verdict.FAILED, result
    named = [finding for finding in result.findings if resource in finding.resource]
    assert named, result.findings
    assert all(finding.expected and finding.found and finding.remedy for finding in named)
    assert not [finding for finding in mended.findings if resource in finding.resource]
    assert mended.verdict is not Verdict.UNKNOWN


def test_what_a_cluster_was_made_without_is_caught(site: Site) -> None:
    bare = site.bare("bare")
    with contextmanager(cluster.bare_cluster)(site) as resource:
        report = bare.evaluate(*cluster.BARE)

    assert {(result.control.id, result.verdict) for result in report.results} == {
        (control, Verdict.FAILED) for control in cluster.BARE
    }
    assert {finding.resource for finding in report.findings} == {resource}


@pytest.mark.parametrize(
    ("selection", "selected"),
    [
        ({"Resources": ["arn:aws:dynamodb:*:*:table/ils-dev-rogue"]}, True),
        ({"Resources": ["*"], "NotResources": ["*/ils-dev-rogue"]}, False),
        ({"ListOfTags": [{"ConditionType": "STRINGEQUALS", "ConditionKey": "team", "ConditionValue": "lens"}]}, True),
        ({"ListOfTags": [{"ConditionType": "STRINGEQUALS", "ConditionKey": "team", "ConditionValue": "x"}]}, False),
        ({"Resources": ["*"], "Conditions": {"StringLike": [_tagged("le*")]}}, True),
        ({"Resources": ["*"], "Conditions": {"StringNotEquals": [_tagged("lens")]}}, False),
    ],
)
def test_a_table_is_in_a_plan_as_aws_backup_selects_it(site: Site, selection: dict[str, Any], selected: bool) -> None:
    backup, dynamodb = site.client("backup"), site.client("dynamodb")
    rule = {"RuleName": "nightly", "TargetBackupVaultName": "ils-dev"}
    plan = backup.create_backup_plan(BackupPlan={"BackupPlanName": "by-hand", "Rules": [rule]})["BackupPlanId"]
    chosen = {"SelectionName": "by-hand", "IamRoleArn": "arn:aws:iam::123456789012:role/backup", **selection}
    made = backup.create_backup_selection(BackupPlanId=plan, BackupSelection=chosen)["SelectionId"]
    table = next(case for case in stores.CASES if case.control is ControlId.TABLE_BACKUP_PLAN)
    try:
        with table.breaks(site) as resource:
            arn = dynamodb.describe_table(TableName="ils-dev-rogue")["Table"]["TableArn"]
            dynamodb.tag_resource(ResourceArn=arn, Tags=[{"Key": "team", "Value": "lens"}])
            failing = site.failing(ControlId.TABLE_BACKUP_PLAN)
    finally:
        backup.delete_backup_selection(BackupPlanId=plan, SelectionId=made)
        backup.delete_backup_plan(BackupPlanId=plan)

    assert failing == (set() if selected else {resource})


def test_a_workload_as_it_should_be_gives_no_finding(site: Site) -> None:
    pods = [control for control in BY_ID if control.startswith("pod-")]
    with contextmanager(application.deployment())(site) as resource:
        report = site.evaluate(*pods)

    assert all(any(resource in each for each in result.resources) for result in report.results)
    assert not [finding for finding in report.findings if resource in finding.resource]
