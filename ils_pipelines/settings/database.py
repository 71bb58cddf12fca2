"""The Aurora PostgreSQL cluster of an environment."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from ils_pipelines.settings.problems import Finding, Severity
from ils_pipelines.settings.rules import rule
from ils_pipelines.settings.section import DailyWindow, Flag, LogRetentionDays, Section, WeeklyWindow, text
from ils_pipelines.settings.version_rules import version_findings
from ils_pipelines.settings.versions import Product, parameter_group_family
from ils_pipelines.settings.windows import clash

_RESERVED_USERS = frozenset({"admin", "postgres", "rdsadmin", "root"})


class Database(Section):
    """Aurora PostgreSQL."""

    engine_version: str = Field(
        default="15",
        description="Major version, in quotes: AWS picks and upgrades the minor. A full version pins the minor too.",
    )
    instances: Annotated[int, Field(strict=True, ge=1, le=16)] = Field(
        default=1, description="One writer and, from 2 on, readers that take over, spread over the availability zones."
    )
    instance_class: Annotated[
        str, text(r"db\.[a-z0-9-]+\.[a-z0-9]+", "is not an RDS instance class", 'Write for example "db.t4g.medium".')
    ] = Field(default="db.t4g.medium", description="Size of every instance.")
    database_name: Annotated[
        str,
        text(
            r"[A-Za-z][A-Za-z0-9_]{0,62}",
            "is not a PostgreSQL database name",
            "Use letters, digits and '_', starting with a letter, at most 63 characters.",
        ),
    ] = Field(default="ilsdb", description="Database made at creation.")
    master_username: Annotated[
        str,
        text(
            r"[a-z][a-z0-9_]{0,15}",
            "is not a master user name",
            "Use lower-case letters, digits and '_', starting with a letter, at most 16 characters.",
        ),
    ] = Field(
        default="ils_admin",
        description="Administrator of the database; its password is made, kept and rotated by RDS in Secrets Manager.",
    )
    port: Annotated[int, Field(strict=True, ge=1150, le=65535)] = Field(default=5432, description="Port it listens on.")
    backup_retention_days: Annotated[int, Field(strict=True, ge=1, le=35)] = Field(
        default=7, description="Days of automated backups: how far back point-in-time recovery reaches."
    )
    backup_window: DailyWindow = Field(default="03:00-04:00", description="When the daily backup is taken, UTC.")
    maintenance_window: WeeklyWindow = Field(
        default="sun:05:00-sun:06:00", description="When AWS patches, UTC; must not overlap the backup window."
    )
    deletion_protection: Flag = Field(default=False, description="Whether RDS itself refuses to delete the cluster.")
    final_snapshot: Flag = Field(default=False, description="Whether deleting the cluster leaves a last snapshot.")
    apply_immediately: Flag = Field(
        default=True, description="Whether changes that restart the database come at once or in the maintenance window."
    )
    iam_authentication: Flag = Field(default=True, description="Whether IAM identities may log in without a password.")
    performance_insights: Flag = Field(default=True, description="Whether query load is recorded, for seven days.")
    monitoring_interval_seconds: Literal[0, 1, 5, 10, 15, 30, 60] = Field(
        default=60, description="Distance of operating-system metrics (enhanced monitoring); 0 turns them off."
    )
    log_retention_days: LogRetentionDays = Field(default=7, description="Days the PostgreSQL log is kept.")
    serves_from: Annotated[
        str,
        text(
            r"|[a-z][a-z0-9]*(-[a-z0-9]+)*",
            "is not a name of something restored",
            "Let `ils switch ENV --to NAME` write it, with the name that was given to `ils restore --into`.",
            40,
        ),
    ] = Field(
        default="",
        description="Name of a restored database that the application uses instead, written by `ils switch`; empty: none.",
    )

    @property
    def parameter_group_family(self) -> str:
        """The family that goes with the version, e.g. `aurora-postgresql15`."""
        return parameter_group_family(Product.AURORA_POSTGRESQL, self.engine_version)


@rule(Database, "engine_version")
def _known_version(database: Database, today: date) -> Iterator[Finding]:
    yield from version_findings(Product.AURORA_POSTGRESQL, database.engine_version, ("engine_version",), today)


@rule(Database, "master_username")
def _free_user_name(database: Database, _today: date) -> Iterator[Finding]:
    if database.master_username in _RESERVED_USERS:
        yield Finding(
            ("master_username",),
            database.master_username,
            "is a name that is reserved or that everybody guesses",
            "Use another, for example ils_admin.",
        )


@rule(Database, "backup_window", "maintenance_window")
def _windows_apart(database: Database, _today: date) -> Iterator[Finding]:
    yield from clash("maintenance_window", database.maintenance_window, "backup_window", database.backup_window)


@rule(Database, "serves_from")
def _serves_itself(database: Database, _today: date) -> Iterator[Finding]:
    if database.serves_from:
        yield Finding(
            ("serves_from",),
            database.serves_from,
            "has the application use a restored database, which backups, health and drift do not look at",
            "Bring its data home and go back: ils switch ENV --back",
            severity=Severity.WARNING,
        )
