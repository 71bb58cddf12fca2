"""How disaster recovery of an environment is rehearsed, and what a rehearsal has to reach."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ils_pipelines.settings.section import Cidr, Section, text

DAY_MINUTES = 24 * 60

Minutes = Annotated[int, Field(strict=True, ge=1, le=30 * DAY_MINUTES)]


class Drills(Section):
    """DR drills: a backup set is restored beside the environment, verified, timed and taken away again."""

    rto_minutes: Minutes = Field(
        default=240, description="The longest that it may take from noticing a loss until restored data serve again."
    )
    rpo_minutes: Minutes = Field(
        default=DAY_MINUTES + 60, description="The most that may be lost, as time, where a backup set is restored."
    )
    point_in_time_rpo_minutes: Minutes = Field(
        default=15, description="The most that may be lost, as time, where the database goes back to a moment."
    )
    leftover_hours: Annotated[int, Field(strict=True, ge=1, le=168)] = Field(
        default=6, description="Hours after which what a drill made and did not take away is swept, whoever made it."
    )
    verify_from: tuple[Cidr, ...] = Field(
        default=(),
        description="Networks from which restored databases and caches may be reached, to verify them: Dagster's, never "
        "the environment's. None: nothing in AWS can be verified. The sandbox needs none.",
    )
    newest_row: tuple[
        Annotated[
            str,
            text(
                r"[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*",
                "is not a column of a table",
                'Write for example "ils.orders.placed_at": schema, table, column.',
            ),
        ],
        ...,
    ] = Field(
        default=("ils.orders.placed_at", "ils.lims_messages.received_at"),
        description="Columns that say when a row was written, or changed where one says so: the newest tells how much a "
        "restore lost, and whether anything was written between a set's snapshot and its dump.",
    )
