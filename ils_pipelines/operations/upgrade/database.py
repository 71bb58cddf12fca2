"""The newest minor version for a database, in its maintenance window or now. Majors are left to people.

RDS's own minor upgrades come to the versions that it marks for that, which trail the newest by months, and ask nobody.
Environment files name a major as a rule, so that whichever minor is there is what they say: no plan goes back. The cache
has nothing of the kind: its file names the minor, which `ils up` brings, and ElastiCache applies patches by itself.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from ils_pipelines.engine.errors import OperationCancelled
from ils_pipelines.engine.models import Change, DiffKind, EngineEvent, EventKind, Operation, Plan, PropertyDiff
from ils_pipelines.engine.protocol import OnEvent, ignore_events
from ils_pipelines.errors import IlsError
from ils_pipelines.operations.access.database import database_access
from ils_pipelines.operations.findings import Finding, Urgency, by_urgency
from ils_pipelines.operations.upgrade.database_models import DatabasePreflight, DatabaseStanding, newest_allowed
from ils_pipelines.operations.upgrade.models import UpgradeRefused, UpgradeStopped, refuse_for
from ils_pipelines.provisioning.layers import layer_work
from ils_pipelines.provisioning.progress import Action, LayerReport
from ils_pipelines.settings.account import JobFamily
from ils_pipelines.settings.layers import Layer
from ils_pipelines.settings.windows import next_opening
from ils_pipelines.targets import open_target
from ils_pipelines.targets.protocol import Target

_ENGINE = "aurora-postgresql"
_CLUSTER = "aws:rds/cluster:Cluster"
_UPGRADING = "upgrading"
PATIENCE = timedelta(minutes=60)
_POLL_SECONDS = (0.1, 15.0)


def standing_of(target: Target) -> DatabaseStanding:
    """Raises `UpgradeRefused` where there is no database."""
    outputs, name = layer_work(target, Layer.DATABASE).outputs(), target.environment.name
    if not outputs or "cluster_identifier" not in outputs:
        raise UpgradeRefused(name, [f"there is no database yet: ils up {name} makes one with the newest version"])
    rds, cluster = target.client("rds"), str(outputs["cluster_identifier"].value)
    found = rds.describe_db_clusters(DBClusterIdentifier=cluster)["DBClusters"][0]
    wanted = [{"Name": "db-cluster-id", "Values": [cluster]}]
    pages = rds.get_paginator("describe_db_instances").paginate(Filters=wanted)
    return DatabaseStanding(
        cluster=cluster,
        version=str(found["EngineVersion"]),
        status=str(found["Status"]),
        window=str(found["PreferredMaintenanceWindow"]),
        pending=found.get("PendingModifiedValues") or {},
        instances={
            str(each["DBInstanceIdentifier"]): (str(each["DBInstanceStatus"]), str(each["EngineVersion"]))
            for page in pages
            for each in page["DBInstances"]
        },
        writers=sum(1 for each in found["DBClusterMembers"] if each["IsClusterWriter"]),
    )


def preflight(target: Target, *, now: bool = False) -> DatabasePreflight:
    """What would be done, and what speaks against it; `now`: without waiting for the window. Reads only.

    Raises `UpgradeRefused` where the file says another major than there is, and where RDS does not know the version.
    """
    standing, asked = standing_of(target), target.environment.database.engine_version
    if asked.partition(".")[0] != standing.version.partition(".")[0]:
        raise UpgradeRefused(
            target.environment.name,
            [
                f"expected database.engine_version to be of the major that runs ({standing.version}), found {asked}: "
                "another major is no minor upgrade. Rehearse it on a restored copy (ils restore --into), then plan it."
            ],
        )
    wanted = newest_allowed(standing.version, asked, upgrade_targets(target, standing.version))
    opens = next_opening(standing.window.lower(), datetime.now(UTC))
    findings = [*busy(standing), *waiting(standing, now=now)]
    if wanted != standing.version:
        # With the role of backups, where the file names one: who upgrades need not be let into the sets.
        findings += _backups(open_target(target.environment, JobFamily.BACKUP))
    return DatabasePreflight(standing, wanted, opens, by_urgency(findings))


def check(target: Target, confirmed: str, *, now: bool = False) -> DatabasePreflight:
    """Likewise. Raises `UpgradeRefused` with everything that speaks against it."""
    looked = preflight(target, now=now)
    refuse_for(target.environment, looked.blocking, due=looked.due, confirmed=confirmed)
    return looked


def upgrade_targets(target: Target, version: str) -> tuple[str, ...]:
    """What RDS upgrades a cluster of that version to, major versions too. Raises `UpgradeRefused` where it does not say."""
    pages = target.client("rds").get_paginator("describe_db_engine_versions")
    # All, as a version may be one that RDS offers no more: those need to be upgraded most.
    wanted = {"Engine": _ENGINE, "EngineVersion": version, "IncludeAll": True}
    described = [each for page in pages.paginate(**wanted) for each in page["DBEngineVersions"]]
    if not described:
        raise UpgradeRefused(
            target.environment.name,
            [
                f"expected RDS to describe {_ENGINE} {version}, found that it does not: which versions it upgrades to is "
                "unknown. Look at the cluster in the RDS console, and upgrade it there."
            ],
        )
    return tuple(str(each["EngineVersion"]) for found in described for each in found["ValidUpgradeTarget"])


def busy(standing: DatabaseStanding) -> Iterator[Finding]:
    """What of the database is not in service, or being changed."""
    remedy = "Wait until what is under way is over; `ils health` says what is wrong."
    # What a killed upgrade began goes on by itself: the next one waits for its end.
    for name, status in ((standing.cluster, standing.status), *((k, v[0]) for k, v in standing.instances.items())):
        if status not in ("available", _UPGRADING):
            yield Finding(f"database {name}", Urgency.CRITICAL, "it to be available", status, remedy)
    if standing.writers != 1:
        found = f"{standing.writers} of {len(standing.instances)} instances"
        yield Finding(f"database writer of {standing.cluster}", Urgency.CRITICAL, "one instance", found, remedy)


def waiting(standing: DatabaseStanding, *, now: bool) -> Iterator[Finding]:
    """RDS carries everything that waits out together: in the window, or as soon as one thing is asked for at once."""
    others = sorted(set(standing.pending) - {"EngineVersion"})
    if others:
        yield Finding(
            f"changes of {standing.cluster} that wait",
            Urgency.CRITICAL if now else Urgency.WARNING,
            "none besides the version",
            f"{', '.join(others)}, which would come with it",
            "Leave it to the maintenance window, or see that they may come now and apply them first: ils up.",
        )


def _backups(target: Target) -> Iterator[Finding]:
    from ils_pipelines.operations.backup.overview import overview
    from ils_pipelines.operations.backup.standing import age

    environment = target.environment
    try:
        standing = age(overview(target), environment.backup, datetime.now(UTC))
        good, found = standing.good, standing.reason
    except IlsError as error:
        good, found = False, str(error)
    if not good:
        expected = f"a complete set of the last {environment.backup.max_age_hours} hours"
        remedy = f"No upgrade is taken back: ils backup run {environment.name}"
        yield Finding("backup set", Urgency.CRITICAL, expected, found, remedy)


@dataclass
class DatabaseUpgrade:
    """Of one environment's database to the newest minor version that its file allows."""

    target: Target
    on_event: OnEvent = ignore_events
    cancel: threading.Event = field(default_factory=threading.Event)
    now: bool = False
    """Instead of in the maintenance window. Sessions are lost for a minute or so, as in a failover."""

    def go(self, confirmed: str = "") -> LayerReport:
        """Raises `UpgradeRefused`, `UpgradeStopped`, botocore's ClientError. Interrupted anywhere, the next goes on."""
        started = time.monotonic()
        looked = check(self.target, confirmed, now=self.now)
        for each in looked.findings:
            self._note(f"{each.urgency}: {each.subject}: expected {each.expected}, found {each.found}")
        if looked.standing.status == _UPGRADING:
            self._note(f"{looked.standing.cluster} is being upgraded: waiting for its end")
            self._wait(lambda there: there.runs(there.version))
            looked = check(self.target, confirmed, now=self.now)
        self._note(looked.says)
        changes = (self._apply(looked),) if looked.due and not self._is_asked_for(looked) else ()
        name = self.target.environment.name
        plan = Plan(project=f"ils-{Layer.DATABASE}", stack=name, changes=changes, unchanged=0 if changes else 1)
        duration = timedelta(seconds=time.monotonic() - started)
        outputs = layer_work(self.target, Layer.DATABASE).outputs() or {}
        return LayerReport(name, Layer.DATABASE, Action.UPGRADE, plan, outputs, duration)

    def _is_asked_for(self, looked: DatabasePreflight) -> bool:
        return not self.now and looked.standing.pending_version == looked.wanted

    def _apply(self, looked: DatabasePreflight) -> Change:
        standing = looked.standing
        self.target.client("rds").modify_db_cluster(
            DBClusterIdentifier=standing.cluster, EngineVersion=looked.wanted, ApplyImmediately=self.now
        )
        if self.now:
            self._wait(lambda there: there.runs(looked.wanted))
            self._note(f"{standing.cluster} serves with {looked.wanted}")
        else:
            there = standing_of(self.target)
            if looked.wanted not in (there.pending_version, there.version):
                raise UpgradeStopped(
                    f"expected {looked.wanted} to wait for the window of {standing.cluster}, found "
                    f"{there.pending_version or 'nothing'} waiting. See its events in the RDS console; upgrade again."
                )
            self._note(f"{looked.wanted} waits for {looked.opens:%Y-%m-%d %H:%M} UTC; until then nothing changes")
        diff = PropertyDiff(path="engineVersion", kind=DiffKind.UPDATE, old=standing.version, new=looked.wanted)
        urn = f"urn:rds:{standing.cluster}::{_CLUSTER}::database"
        return Change(
            urn=urn, type=_CLUSTER, name="database", operation=Operation.UPDATE, diffs=(diff,), id=standing.cluster
        )

    def _wait(self, done: Callable[[DatabaseStanding], bool]) -> None:
        """Until that is so and the administrator is let in."""
        end, wait = time.monotonic() + PATIENCE.total_seconds(), _POLL_SECONDS[0]
        while not done(there := standing_of(self.target)):
            if time.monotonic() >= end:
                raise UpgradeStopped(
                    f"expected the upgrade of {there.cluster} to end within {PATIENCE}, found {there.version}, "
                    f"{there.status}. See its events in the RDS console; upgrade again."
                )
            if self.cancel.wait(wait):
                raise OperationCancelled(f"RDS goes on upgrading {there.cluster}; the next upgrade waits for its end")
            wait = min(wait * 1.5, _POLL_SECONDS[1])
        self._look_inside(there)

    def _look_inside(self, there: DatabaseStanding) -> None:
        import psycopg

        try:
            with database_access(self.target, there.cluster).connect() as session:
                session.execute("SELECT 1")
        except psycopg.OperationalError as error:
            raise UpgradeStopped(
                f"expected {there.cluster} to let its administrator in with {there.version}, found "
                f"{str(error).strip().splitlines()[-1]}. See the log of the database; `ils health` looks again."
            ) from error

    def _note(self, message: str) -> None:
        project, stack = f"ils-{Layer.DATABASE}", self.target.environment.name
        self.on_event(EngineEvent(kind=EventKind.NOTE, project=project, stack=stack, message=message))
