"""Backup sets of an environment: what is taken, by what, and how long sets are kept."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ils_pipelines.settings.app import Image
from ils_pipelines.settings.quantities import Quantity
from ils_pipelines.settings.section import Section

BACKUP_ACCOUNT = "ils-backup"
"""The service account of the jobs that dump and restore databases."""


def backup_namespace(environment: str) -> str:
    """The namespace of those jobs: of their own, so that they need no application."""
    return f"ils-{environment}-backup"


Sets = Annotated[int, Field(strict=True, ge=0, le=366)]


class Retention(Section):
    """How many sets are kept: the newest of each of so many days, weeks and months that have one."""

    daily: Annotated[int, Field(strict=True, ge=1, le=366)] = Field(
        default=7, description="Days of which the newest set is kept."
    )
    weekly: Sets = Field(default=4, description="Weeks, from Monday on, of which the newest set is kept.")
    monthly: Sets = Field(default=0, description="Months of which the newest set is kept.")


class Backup(Section):
    """The nightly backup set."""

    image: Image = Field(
        default="ils/pipelines:0.1.0",
        description="Image of the jobs that dump and restore the database: this product with PostgreSQL's client programs.",
    )
    cpu: Quantity = Field(default="1", description="CPU of such a job.")
    memory: Quantity = Field(default="512Mi", description="Memory of such a job; a dump streams, whatever its size.")
    dump_hours: Annotated[int, Field(strict=True, ge=1, le=48)] = Field(
        default=4, description="Hours after which a dump that is not done is given up."
    )
    parallel: Annotated[int, Field(strict=True, ge=1, le=16)] = Field(
        default=4, description="Pieces of a set that are taken side by side."
    )
    max_age_hours: Annotated[int, Field(strict=True, ge=1, le=744)] = Field(
        default=26, description="Hours after which the newest complete set is too old."
    )
    restorable_days: Annotated[int, Field(strict=True, ge=1, le=366)] = Field(
        default=31, description="Days after which a drill that restored a set no longer vouches for the backups."
    )
    retention: Retention = Field(default_factory=Retention, description="How long sets are kept.")
