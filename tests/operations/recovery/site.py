"""A provisioned environment with data, and short ways to restore from it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Protocol

import pytest

from ils_pipelines.operations.access.database import database_access
from ils_pipelines.operations.restore.kinds import Made
from ils_pipelines.operations.restore.place import Place, drill_place
from ils_pipelines.operations.restore.sweep import find_drills
from ils_pipelines.settings.account import JobFamily
from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.loading import load_environment
from ils_pipelines.targets.protocol import Target
from ils_sandbox.target import CALLER_VARIABLE
from tests.end_to_end.conftest import LocalSandbox
from tests.operations.watch.site import opened


@dataclass(frozen=True)
class Site:
    """One environment and the sandbox it lives in."""

    target: Target
    """The tests' own hands."""
    sandbox: LocalSandbox

    @property
    def environment(self) -> Environment:
        return self.target.environment

    @cached_property
    def backups(self) -> Target:
        """For jobs that take and look at sets, whose calls have to be what their policy allows."""
        return opened(self.environment, self.sandbox, JobFamily.BACKUP)

    @cached_property
    def drills(self) -> Target:
        """For drills, likewise."""
        return opened(self.environment, self.sandbox, JobFamily.DRILL)

    @cached_property
    def applies(self) -> Target:
        """For whoever provisions and restores for real, likewise."""
        with pytest.MonkeyPatch.context() as variables:
            variables.delenv(CALLER_VARIABLE)
            return opened(self.environment, self.sandbox)

    @property
    def live(self) -> str:
        """The name of whatever there is one of."""
        return f"ils-{self.environment.name}"

    def client(self, service: str, region: str | None = None) -> Any:
        return self.target.client(service, region=region)

    def place(self, drill: str, *, region: str = "", holder: str = "tests", started: datetime | None = None) -> Place:
        return drill_place(
            self.environment,
            drill,
            region=region or self.environment.aws.region,
            holder=holder,
            started=started or datetime.now(UTC),
        )

    def snapshot(self) -> str:
        """A new snapshot of the database, complete, named so that drills may have it."""
        rds, name = self.client("rds"), f"{self.live}-tests-{uuid.uuid4().hex[:8]}"
        rds.create_db_cluster_snapshot(DBClusterIdentifier=self.live, DBClusterSnapshotIdentifier=name)
        rds.get_waiter("db_cluster_snapshot_available").wait(
            DBClusterSnapshotIdentifier=name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 600}
        )
        return name

    def sql(self, statement: str, cluster: str = "", region: str | None = None) -> list[tuple[Any, ...]]:
        """What a statement gives, in a database that RDS manages the password of."""
        access = database_access(self.target, cluster or self.live, region=region)
        with access.connect(autocommit=True) as session:
            cursor = session.execute(statement)
            return cursor.fetchall() if cursor.description else []


class Faults(Protocol):
    """Has the sandbox refuse the next calls of an operation."""

    def __call__(self, service: str, operation: str, code: str, times: int = 1) -> None: ...


def site_of(name: str, sandbox: LocalSandbox) -> Site:
    return site_for(load_environment(name), sandbox)


def site_for(environment: Environment, sandbox: LocalSandbox) -> Site:
    return Site(opened(environment, sandbox), sandbox)


def of_drills(target: Target, drill: str | None = None) -> tuple[Made, ...]:
    """All that there is, when all kinds can be listed."""
    found = find_drills(target, drill)
    assert found.unseen == ()
    return found.made


def until(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.02)
