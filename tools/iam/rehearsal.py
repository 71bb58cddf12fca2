"""What is recorded of backups and drills: sets taken, looked at and deleted, and the loss of everything that can be lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network

from ils_pipelines.defs.cluster_jobs import run_cluster_job
from ils_pipelines.operations.backup.overview import overview
from ils_pipelines.operations.backup.places import BackupSide, find_places
from ils_pipelines.operations.backup.prune import prune
from ils_pipelines.operations.backup.run import take_set
from ils_pipelines.operations.backup.set_id import SetId
from ils_pipelines.operations.backup.verify import verify_set
from ils_pipelines.operations.drill.choose import Wanted
from ils_pipelines.operations.drill.conduct import conduct, drills_of
from ils_pipelines.operations.drill.leftovers import left_by_drills
from ils_pipelines.operations.drill.run import Asked
from ils_pipelines.operations.drill.scenario import Scenario
from ils_pipelines.operations.restore.sweep import sweep
from ils_pipelines.settings.environment import Environment
from ils_pipelines.targets.protocol import Target
from ils_sandbox.data.seed.load import seed
from ils_sandbox.data.seed.place import find_place
from ils_sandbox.target import SANDBOX, SandboxTarget
from tools.iam.seen import BACKUPS, DRILLS


def rehearse(environment: Environment) -> None:
    """In the sandbox of this process's variables. Raises `RuntimeError` for what did not go as it must: what was called then
    is not all that is called.
    """
    seed(find_place(environment.name))
    backups, drills = (SandboxTarget(_rehearsing(environment), caller=family) for family in (BACKUPS, DRILLS))
    now = datetime.now(UTC)
    old, newest = (SetId(environment.name, moment) for moment in (now - timedelta(days=400), now))
    for each in (old, newest):
        take_set(backups, each, run_cluster_job)
        if not verify_set(backups, each).sound:
            raise RuntimeError(f"expected the set {each} to be sound, found that it is not: nothing can be rehearsed")
    for scenario in Scenario:
        evidence = conduct(drills, Asked(scenario, Wanted(newest.name))).evidence
        if not evidence.passed:
            raise RuntimeError(f"expected the drill {scenario} to pass, found {'; '.join(evidence.causes)}")
    sweep(drills, left_by_drills(drills).made)
    drills_of(drills)
    overview(backups)
    _end_locks(SandboxTarget(environment, caller=SANDBOX), old)
    (gone,) = [each for each in prune(backups, dry_run=False) if each.set == old]
    if not gone.goes or gone.left:
        raise RuntimeError(f"expected the set {old} to be deleted, found {'; '.join((*gone.kept, *gone.left))}")


def _rehearsing(environment: Environment) -> Environment:
    """With only the newest set kept, and somebody let in who verifies, as in AWS."""
    retention = environment.backup.retention.model_copy(update={"daily": 1, "weekly": 0, "monthly": 0})
    backup = environment.backup.model_copy(update={"retention": retention})
    drills = environment.drills.model_copy(update={"verify_from": (IPv4Network("10.99.0.0/24"),)})
    return environment.model_copy(update={"backup": backup, "drills": drills})


def _end_locks(target: Target, set_id: SetId) -> None:
    """What time does, which the sandbox's S3 does not wait for."""
    places = find_places(target)
    for side in (places.here, places.there):
        _end_locks_of(target, side, set_id.prefix)


def _end_locks_of(target: Target, side: BackupSide, prefix: str) -> None:
    s3 = target.client("s3", region=side.region)
    ended = {"Mode": "GOVERNANCE", "RetainUntilDate": datetime.now(UTC) - timedelta(days=1)}
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=side.bucket, Prefix=prefix):
        for each in page.get("Versions", ()):
            s3.put_object_retention(
                Bucket=side.bucket,
                Key=each["Key"],
                VersionId=each["VersionId"],
                Retention=ended,
                BypassGovernanceRetention=True,
            )
