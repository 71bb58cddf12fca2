"""Where backups are kept: that vaults and buckets are there, here and in the other region, and that sets are copied."""

from __future__ import annotations

from collections.abc import Iterator

from ils_pipelines.operations.health.judging import States, finding, judged
from ils_pipelines.operations.health.models import HealthFinding, HealthStatus
from ils_pipelines.operations.live import Record
from ils_pipelines.operations.view import View

_ENABLED = States("Enabled")
_REMEDY = "`ils drift --record` has `ils up` make it again. What was in it is still in the other region."
_VERSIONING_REMEDY = "Turn versioning on again: without it nothing is locked, and nothing copied."
_COPYING_REMEDY = "Turn the rule on again, then copy what came meanwhile with S3 Batch Replication."


def vaults(view: View) -> Iterator[HealthFinding]:
    for region, name in _both(view, "vault_name"):
        there = view.in_region(region).live.list("backup", "list_backup_vaults", "BackupVaultList")
        found = next((vault for vault in there if vault["BackupVaultName"] == name), None)
        component = f"backup vault {name} in {region}"
        if found is None:
            yield finding(component, "a vault", "not there", _REMEDY, HealthStatus.UNHEALTHY)
        else:
            yield finding(component, "a vault", f"{found.get('NumberOfRecoveryPoints', 0)} recovery points", _REMEDY)


def plan(view: View) -> Iterator[HealthFinding]:
    found = view.described("backup", "get_backup_plan", "BackupPlan", BackupPlanId=view.output("plan_id"))
    rules = [] if found is None else [str(rule["ScheduleExpression"]) for rule in found.get("Rules", ())]
    status = HealthStatus.HEALTHY if rules else HealthStatus.UNHEALTHY
    yield finding("nightly backup plan", "a plan with a rule", ", ".join(rules) or "not there", _REMEDY, status)


def buckets(view: View) -> Iterator[HealthFinding]:
    for region, name in _both(view, "bucket"):
        found = view.in_region(region).live.find("s3", "get_bucket_versioning", Bucket=name)
        yield judged(f"versioning of bucket {name}", found, "Status", _ENABLED, _VERSIONING_REMEDY)


def copying(view: View) -> Iterator[HealthFinding]:
    name = view.output("bucket")
    found = view.described("s3", "get_bucket_replication", "ReplicationConfiguration", Bucket=name)
    rules: list[Record] = [] if found is None else found["Rules"]
    target = str(view.output("dr_bucket"))
    rule = next((rule for rule in rules if str(rule["Destination"]["Bucket"]).endswith(f":{target}")), None)
    yield judged(f"copying from {name} to {target}", rule, "Status", _ENABLED, _COPYING_REMEDY)


def _both(view: View, output: str) -> Iterator[tuple[str, str]]:
    """Region and name, of what is here and of its copy."""
    yield view.environment.aws.region, view.output(output)
    yield view.output("dr_region"), view.output(f"dr_{output}")
