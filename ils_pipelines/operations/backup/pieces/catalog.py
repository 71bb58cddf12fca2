"""The table of the kinds of pieces. Importing this imports neither Kubernetes nor PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from ils_pipelines.operations.backup.context import SetContext, Task
from ils_pipelines.operations.backup.details import Piece, PieceKind
from ils_pipelines.operations.backup.pieces import (
    cache_export,
    cache_snapshot,
    database_dump,
    database_snapshot,
    in_bucket,
    kubernetes_objects,
    stack_state,
    table_backup,
    table_export,
)


@dataclass(frozen=True)
class KindOfPiece:
    """How pieces of a kind are looked at and deleted."""

    problems: Callable[[SetContext, Piece], Iterator[str]]
    delete: Callable[[SetContext, Piece], str | None]


_SNAPSHOT = KindOfPiece(database_snapshot.problems, database_snapshot.delete)
_OBJECT = KindOfPiece(in_bucket.problems, in_bucket.delete)

KINDS: Mapping[PieceKind, KindOfPiece] = {
    PieceKind.DATABASE_SNAPSHOT: _SNAPSHOT,
    PieceKind.DATABASE_SNAPSHOT_COPY: _SNAPSHOT,
    PieceKind.DATABASE_DUMP: _OBJECT,
    PieceKind.TABLE_BACKUP: KindOfPiece(table_backup.problems, table_backup.delete),
    PieceKind.TABLE_EXPORT: KindOfPiece(table_export.problems, in_bucket.delete),
    PieceKind.CACHE_SNAPSHOT: KindOfPiece(cache_snapshot.problems, cache_snapshot.delete),
    PieceKind.CACHE_EXPORT: _OBJECT,
    PieceKind.KUBERNETES_OBJECTS: _OBJECT,
    PieceKind.STACK_STATE: _OBJECT,
}

_UNRECORDED: tuple[Callable[[SetContext, Collection[str]], None], ...] = (
    database_snapshot.delete_unrecorded,
    table_backup.delete_unrecorded,
    cache_snapshot.delete_unrecorded,
)

_PLANNERS: tuple[Callable[[SetContext], Iterator[Task]], ...] = (
    # What takes longest comes first.
    database_snapshot.tasks,
    database_dump.tasks,
    table_export.tasks,
    table_backup.tasks,
    cache_snapshot.tasks,
    cache_export.tasks,
    kubernetes_objects.tasks,
    stack_state.tasks,
)


def delete_unrecorded(context: SetContext, recorded: Collection[str]) -> None:
    """Delete what is outside of the bucket and was made by a run that was interrupted before it could record it. `recorded`
    are the names of the pieces that have a record.
    """
    for delete in _UNRECORDED:
        delete(context, recorded)


def all_tasks(context: SetContext) -> tuple[Task, ...]:
    """Everything that a whole set of the environment has; a piece comes after the one that it needs."""
    return tuple(task for planner in _PLANNERS for task in planner(context))
