"""The manifest of a set: what it is made of, what failed, and the bytes that are signed."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import ValidationError

from ils_pipelines.operations.backup.details import Piece, PieceKind, Record
from ils_pipelines.operations.backup.errors import ManifestCorrupt
from ils_pipelines.operations.backup.set_id import SetId

FORMAT: Literal[1] = 1


class SetStatus(StrEnum):
    UNFINISHED = "unfinished"
    """A run was interrupted, or is under way: there is no manifest. The next run finishes the set."""
    PARTIAL = "partial"
    COMPLETE = "complete"


class PieceFailure(Record):
    """A piece that could not be taken."""

    name: str
    kind: PieceKind
    reason: str


class Manifest(Record):
    """Every piece of a set, as it is signed."""

    format: Literal[1] = FORMAT
    environment: str
    set: str
    """`SetId.name`."""
    account: str
    region: str
    dr_region: str
    code_version: str
    started: datetime
    finished: datetime
    pieces: tuple[Piece, ...]
    """By name."""
    failures: tuple[PieceFailure, ...] = ()

    @property
    def id(self) -> SetId:
        return SetId.parse(self.environment, self.set)

    @property
    def status(self) -> SetStatus:
        return SetStatus.PARTIAL if self.failures else SetStatus.COMPLETE

    def piece(self, name: str) -> Piece | None:
        return next((each for each in self.pieces if each.name == name), None)

    def of_kind(self, kind: PieceKind) -> tuple[Piece, ...]:
        return tuple(each for each in self.pieces if each.kind is kind)

    def canonical(self) -> bytes:
        """The one way to write this manifest: what is kept, and what is signed."""
        return canonical(self)

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical bytes, hexadecimal."""
        return hashlib.sha256(self.canonical()).hexdigest()


def canonical(record: Record) -> bytes:
    """JSON with sorted keys and no blanks, UTF-8, a newline at the end."""
    text = json.dumps(record.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"{text}\n".encode()


def parse_manifest(content: bytes, place: str) -> Manifest:
    """Raises `ManifestCorrupt`, which names `place`, for what is no manifest of a format that this code reads."""
    try:
        found = json.loads(content)
        if isinstance(found, dict) and found.get("format") != FORMAT:
            raise ManifestCorrupt(
                f"expected a manifest of format {FORMAT} in {place}, found format {found.get('format')!r}. "
                "Use the version of ils-pipelines that wrote it, or a later one."
            )
        return Manifest.model_validate_json(content)
    except (ValidationError, ValueError) as error:
        raise ManifestCorrupt(
            f"expected the manifest of a backup set in {place}, found something else ({_first_line(error)}). "
            "Look for an earlier version of the object, or use the copy in the other region."
        ) from error


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
