"""Backup sets as markdown, for the Dagster UI."""

from __future__ import annotations

from collections.abc import Iterable

from ils_pipelines.operations.backup.manifest import Manifest
from ils_pipelines.operations.backup.overview import SetOverview
from ils_pipelines.operations.backup.prune import Pruned
from ils_pipelines.operations.backup.verify import Verification


def pieces_table(manifest: Manifest) -> str:
    rows = [
        (
            piece.name,
            piece.arn or (piece.object.key if piece.object else ""),
            f"{piece.size:,}",
            f"{piece.consistency_point:%Y-%m-%d %H:%M:%S}",
            (piece.sha256 or "")[:12],
        )
        for piece in manifest.pieces
    ]
    rows += [(each.name, f"**failed**: {each.reason}", "", "", "") for each in manifest.failures]
    return table(("piece", "where", "bytes", "holds the state of", "SHA-256"), rows)


def sets_table(sets: Iterable[SetOverview]) -> str:
    rows = [
        (
            each.id.name,
            each.says,
            f"{each.size:,}",
            f"{each.verified:%Y-%m-%d %H:%M}" if each.verified else "never",
            f"{each.restorable:%Y-%m-%d %H:%M}" if each.restorable else "never",
        )
        for each in sets
    ]
    return table(("set", "status", "bytes", "found sound", "restored by a drill"), rows)


def verification_table(found: Verification) -> str:
    return table(
        ("piece", "verdict", "problems"),
        [(each.piece, each.verdict.value, "; ".join(each.problems)) for each in found.pieces],
    )


def pruned_table(sets: Iterable[Pruned]) -> str:
    rows = [(each.set.name, "deleted" if each.goes else "kept", "; ".join((*each.kept, *each.left))) for each in sets]
    return table(("set", "", "why"), rows)


def table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(heads)} |", "| " + " | ".join("---" for _ in heads) + " |"]
    return "\n".join([*lines, *(f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows)]) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
