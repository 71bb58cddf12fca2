"""Table corruption: damage done at a known moment in a copy, and the copy brought back to just before it.

All of it happens beside what is live: rows are put in and damaged in a cluster that was restored for the drill.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ils_pipelines.operations.access.database import database_access
from ils_pipelines.operations.drill.models import check, flaw_checks
from ils_pipelines.operations.drill.session import Session
from ils_pipelines.operations.drill.stores import snapshot_of, state_of
from ils_pipelines.operations.drill.verify.database import sound_checks, state_checks
from ils_pipelines.operations.restore.database import (
    FromMoment,
    FromSnapshot,
    begin_cluster,
    cluster_flaws,
    finish_cluster,
)
from ils_pipelines.operations.restore.errors import RestoreFailed

if TYPE_CHECKING:
    from ils_pipelines.operations.backup.details import DatabaseState
    from ils_pipelines.targets.protocol import Target

COPY = "copy"
"""Part of the name of the cluster in which the damage is done."""
SENTINELS = "public.ils_drill_sentinels"
_APART = timedelta(seconds=1)
"""RDS goes back to whole seconds."""
_LONGEST = timedelta(minutes=30)
_SECONDS_BETWEEN_LOOKS = 0.5


def prepare(session: Session) -> None:
    """A copy that can be damaged, from the set's snapshot."""
    snapshot, _ = snapshot_of(session)
    name = begin_cluster(
        session.target, session.place, session.on, FromSnapshot(snapshot), name=session.place.named(COPY)
    )
    finish_cluster(session.target, session.place, session.on, name)


class Damage:
    """What was done to the copy, and what it held before."""

    def __init__(self) -> None:
        self.moment: datetime | None = None
        self.before: DatabaseState | None = None
        self.sentinel: datetime | None = None


def damage(session: Session, done: Damage) -> None:
    """A sentinel row, a moment to go back to, then rows destroyed and a second sentinel."""
    from psycopg.rows import scalar_row

    access = database_access(session.target, session.place.named(COPY), region=session.place.region)
    with access.connect(autocommit=True) as database:
        database.row_factory = scalar_row
        database.execute(f"CREATE TABLE IF NOT EXISTS {SENTINELS} (note text, written timestamptz)")
        statement = f"INSERT INTO {SENTINELS} VALUES (%s, clock_timestamp()) RETURNING written"  # noqa: S608 our name
        done.sentinel = database.execute(statement, ("before",)).fetchone()
        done.before = state_of(access)
        time.sleep(_APART.total_seconds())
        done.moment = database.execute("SELECT clock_timestamp()").fetchone()
        time.sleep(_APART.total_seconds())
        lines = database.execute("SELECT to_regclass('ils.order_lines')").fetchone()
        if lines is None:
            raise RestoreFailed("expected a table ils.order_lines in the restored database, found none to damage")
        database.execute("UPDATE ils.order_lines SET price_eur = 0")
        session.damaged = database.execute(statement, ("after",)).fetchone()


def go_back(session: Session, done: Damage) -> None:
    """The copy as it was, in a cluster of its own."""
    assert done.moment is not None  # noqa: S101 the damage was done
    await_window(session.target, session.place.region, session.place.named(COPY), done.moment)
    name = begin_cluster(session.target, session.place, session.on, FromMoment(session.place.named(COPY), done.moment))
    finish_cluster(session.target, session.place, session.on, name)


def await_window(target: Target, region: str, name: str, moment: datetime) -> None:
    """RDS can go back to about five minutes ago, and says nothing before a new cluster's first backup: until the moment is in
    reach, there is nothing to do but wait. Raises `RestoreFailed`.
    """
    rds = target.client("rds", region=region)
    deadline = datetime.now(UTC) + _LONGEST
    while True:
        latest = rds.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"][0].get("LatestRestorableTime")
        if latest is not None and latest >= moment:
            return
        if datetime.now(UTC) > deadline:
            raise RestoreFailed(
                f"expected cluster {name} to be restorable to {moment.isoformat()} within {_LONGEST}, found "
                f"{'no such time at all' if latest is None else latest.isoformat()}. Look at RDS's events."
            )
        time.sleep(_SECONDS_BETWEEN_LOOKS)


def verify(session: Session, done: Damage) -> None:
    """Row for row what the copy held before the damage: the first sentinel is there, the second is not."""
    name = session.place.name
    what = f"database {name}"
    assert done.before is not None  # noqa: S101 the damage was done
    session.record(flaw_checks(what, cluster_flaws(session.target, session.on, name)))
    access = database_access(session.target, name, region=session.place.region)
    session.record(state_checks(done.before, state_of(access), what))
    with access.connect(autocommit=True) as database:
        session.record(sound_checks(database, what))
        rows = dict(database.execute(f"SELECT note, written FROM {SENTINELS}").fetchall())  # noqa: S608 our name
    session.newest_restored = rows.get("before")
    session.record(
        [
            check(what, "the sentinel of before the damage is there", done.sentinel, rows.get("before")),
            check(what, "the sentinel of after the damage is not there", None, rows.get("after")),
        ]
    )
