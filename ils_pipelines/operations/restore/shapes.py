"""What a backup says that its table is, as a restore puts it on again."""

from __future__ import annotations

from ils_pipelines.operations.backup.details import KeptTable
from ils_pipelines.operations.restore.tables import Index, TableShape


def shape_of(table: KeptTable) -> TableShape:
    return TableShape(
        ttl_attribute=table.ttl_attribute,
        indexes=tuple(Index(index.name, index.keys, index.projection) for index in table.indexes),
        recovery_days=table.recovery_days if table.point_in_time_recovery else None,
        deletion_protection=table.deletion_protection,
        stream=table.stream,
        tags=dict(table.table_tags),
    )
