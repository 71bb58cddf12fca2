"""The checkpoint: what an engine knows of a stack, in Pulumi's deployment JSON, version 3.

`Checkpoint` is what a file says. `Journal` is a checkpoint being changed by a running operation: it records what is about
to be done before it is done, and what was done right after, and rewrites the file atomically each time.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shutil
import threading
import weakref
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from ils_pipelines.engine.errors import CheckpointCorrupt
from ils_sandbox.engine.secrets import PassphraseCrypter
from ils_sandbox.engine.state import ResourceState

VERSION = 3


class PendingKind(StrEnum):
    """What an interrupted run may have left half done (apitype.OperationType)."""

    CREATING = "creating"
    UPDATING = "updating"
    DELETING = "deleting"


@dataclass(frozen=True, eq=False)
class Pending:
    kind: PendingKind
    resource: ResourceState


@dataclass(frozen=True)
class Checkpoint:
    """All resources of a stack, dependencies before dependents."""

    resources: tuple[ResourceState, ...] = ()
    pending: tuple[Pending, ...] = ()

    def stack_resource(self) -> ResourceState | None:
        return next((state for state in self.resources if state.is_stack and not state.delete), None)

    def to_json(self, crypter: PassphraseCrypter) -> dict[str, Any]:
        deployment = {
            **_head(crypter),
            "resources": [state.to_json(crypter) for state in self.resources],
            "pending_operations": [
                {"type": str(pending.kind), "resource": pending.resource.to_json(crypter)} for pending in self.pending
            ],
        }
        return {"version": VERSION, "deployment": deployment}

    @classmethod
    def from_json(cls, document: Any, crypter: PassphraseCrypter, *, source: str) -> Checkpoint:
        """Raises CheckpointCorrupt, saying what of `source` is wrong."""
        try:
            _verify_version(document)
            deployment = document["deployment"] or {}
            checkpoint = cls(
                resources=tuple(ResourceState.from_json(entry, crypter) for entry in deployment.get("resources") or ()),
                pending=tuple(
                    Pending(PendingKind(entry["type"]), ResourceState.from_json(entry["resource"], crypter))
                    for entry in deployment.get("pending_operations") or ()
                ),
            )
            _verify(checkpoint)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise _corrupt(source, f"{type(error).__name__}: {error}") from error
        return checkpoint


def _head(crypter: PassphraseCrypter) -> dict[str, Any]:
    """Everything of a deployment but its resources."""
    version = _sdk_version()
    return {
        "manifest": {
            "time": datetime.now(UTC).isoformat(),
            "magic": hashlib.sha256(version.encode()).hexdigest(),
            "version": version,
        },
        "secrets_providers": {"type": "passphrase", "state": crypter.state()},
        "metadata": {},
    }


@functools.cache
def _sdk_version() -> str:
    from importlib.metadata import version

    return f"v{version('pulumi')}"


def _verify_version(document: Any) -> None:
    found = document.get("version") if isinstance(document, Mapping) else type(document).__name__
    if found != VERSION:
        raise ValueError(f"expected a deployment of version {VERSION}, found {found!r}")


def _verify(checkpoint: Checkpoint) -> None:
    """What Pulumi's own integrity check asks of a snapshot: no duplicates, and references to earlier resources only."""
    seen: set[str] = set()
    for state in checkpoint.resources:
        missing = {urn for urn in state.references() if urn not in seen}
        if missing and not state.delete:
            raise ValueError(f"{state.urn} refers to {', '.join(sorted(missing))}, which does not stand before it")
        if state.urn in seen and not state.delete:
            raise ValueError(f"{state.urn} stands twice")
        seen.add(state.urn)


def _corrupt(source: str, reason: str) -> CheckpointCorrupt:
    return CheckpointCorrupt(
        f"the checkpoint {source} cannot be read ({reason}). It was left as it is and nothing was changed. Put back the "
        f"copy of before the last change ({Path(source).name}.bak), or import a good export."
    )


class CheckpointFile:
    """One stack's checkpoint on disk."""

    def __init__(self, path: Path, crypter: PassphraseCrypter) -> None:
        self.path = path
        self._crypter = crypter
        # A file is written twice for each change; what did not change since is not encoded again.
        self._texts: weakref.WeakKeyDictionary[ResourceState, str] = weakref.WeakKeyDictionary()
        self._loaded: tuple[tuple[int, int, int], Checkpoint] | None = None

    def load(self) -> Checkpoint | None:
        """None when the stack does not exist. Raises CheckpointCorrupt."""
        try:
            version = self._version()
            if self._loaded is not None and self._loaded[0] == version:
                return self._loaded[1]
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except UnicodeDecodeError as error:
            raise _corrupt(str(self.path), "it is not UTF-8 text") from error
        try:
            document = json.loads(text)
        except ValueError as error:
            raise _corrupt(str(self.path), f"it is not JSON: {error}") from error
        checkpoint = Checkpoint.from_json(document, self._crypter, source=str(self.path))
        self._loaded = (version, checkpoint)
        return checkpoint

    def _version(self) -> tuple[int, int, int]:
        """Another one whenever the file was written: a save always makes a new file."""
        status = self.path.stat()
        return status.st_ino, status.st_mtime_ns, status.st_size

    def save(self, checkpoint: Checkpoint, *, sync: bool = True) -> None:
        """Replace the file in one step. `sync` waits until the disk has it, too: killing the process never loses a
        write, only a loss of power can lose one that was not synced."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(self._encode(checkpoint))
            if sync:
                file.flush()
                os.fsync(file.fileno())
        draft.replace(self.path)

    def _encode(self, checkpoint: Checkpoint) -> str:
        """The text of `checkpoint.to_json`, a resource a line."""
        head = json.dumps(_head(self._crypter))[1:-1]
        resources = ",\n".join(map(self._text, checkpoint.resources))
        pending = ",\n".join(
            f'{{"type": "{item.kind}", "resource": {self._text(item.resource)}}}' for item in checkpoint.pending
        )
        return (
            f'{{"version": {VERSION}, "deployment": {{{head},\n"resources": [\n{resources}],\n'
            f'"pending_operations": [{pending}]}}}}\n'
        )

    def _text(self, state: ResourceState) -> str:
        text = self._texts.get(state)
        if text is None:
            text = self._texts[state] = json.dumps(state.to_json(self._crypter))
        return text

    def back_up(self) -> None:
        """Keep the present file as `<name>.bak` while an operation changes it."""
        with suppress(FileNotFoundError):  # the first run of a stack has none
            shutil.copy2(self.path, self.path.with_name(f"{self.path.name}.bak"))

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)


class Journal:
    """A checkpoint while an operation changes it. Thread-safe."""

    def __init__(self, file: CheckpointFile | None, old: Checkpoint, crypter: PassphraseCrypter) -> None:
        """`file` is None for a preview, which writes nothing."""
        self._file = file
        self._crypter = crypter
        self._lock = threading.Lock()
        self._at_start = old
        self._old = list(old.resources)
        self._new: list[ResourceState] = []
        self._pending = list(old.pending)
        self._renamed: dict[str, str] = {}
        self._written = False

    def begin(self, kind: PendingKind, resource: ResourceState) -> None:
        """Record what is about to be done, before it is done. It stays on record when the call fails, because then
        nobody knows whether it was done: the next run looks."""
        with self._lock:
            self._settle(kind, resource)
            self._pending.append(Pending(kind, resource))
            self._write()

    def finish(
        self,
        kind: PendingKind,
        resource: ResourceState,
        *,
        add: tuple[ResourceState, ...] = (),
        drop: ResourceState | None = None,
    ) -> None:
        """Record what was done: `add` are new states, `drop` the state that is no more."""
        with self._lock:
            self._settle(kind, resource)
            self._replace(add, drop)
            self._write()

    def settle(self, pending: Pending) -> None:
        """What an interrupted run left half done has been looked after."""
        with self._lock:
            self._settle(pending.kind, pending.resource)

    def keep(self, state: ResourceState, old: ResourceState | None) -> None:
        """Record a state that no call made: unchanged resources, components, outputs of the stack. Written with the next
        change, or at the end."""
        with self._lock:
            self._replace((state,), old)

    def amend(self, old: ResourceState, new: ResourceState) -> None:
        """Put `new` where `old` stands: what refers to it stands behind it already."""
        with self._lock:
            self._new[self._new.index(old)] = new

    def forget(self, state: ResourceState) -> None:
        """Take out a state that no call undoes: components, providers, what is only read."""
        with self._lock:
            self._replace((), state)

    def rename(self, old_urn: str, new_urn: str) -> None:
        """A resource is now known by another URN: everything that still refers to the old one is rewritten."""
        with self._lock:
            self._renamed[old_urn] = new_urn

    def close(self) -> None:
        """Write what is not written yet, and make sure the disk has it all. A run that changed nothing writes nothing."""
        with self._lock:
            if self._file is None:
                return
            checkpoint = self._checkpoint()
            if not checkpoint.resources and not checkpoint.pending:
                self._file.remove()
            elif self._written or self._content(checkpoint) != self._content(self._at_start):
                self._file.save(checkpoint)

    def snapshot(self) -> Checkpoint:
        with self._lock:
            return self._checkpoint()

    def _content(self, checkpoint: Checkpoint) -> tuple[list[dict[str, Any]], int]:
        entries = sorted((state.to_json(self._crypter) for state in checkpoint.resources), key=lambda e: str(e["urn"]))
        return entries, len(checkpoint.pending)

    def _settle(self, kind: PendingKind, resource: ResourceState) -> None:
        key = (kind, resource.urn, resource.id)
        self._pending = [item for item in self._pending if (item.kind, item.resource.urn, item.resource.id) != key]

    def _replace(self, add: tuple[ResourceState, ...], drop: ResourceState | None) -> None:
        if drop is not None:
            for states in (self._old, self._new):
                with suppress(ValueError):  # it is in one of the two
                    states.remove(drop)
        self._new += add

    def _checkpoint(self) -> Checkpoint:
        # What this operation touched comes first, in the order it was finished in, which has dependencies first.
        states = (*self._new, *self._old)
        if self._renamed:
            states = tuple(state.with_renamed(self._renamed) for state in states)
        return Checkpoint(states, tuple(self._pending))

    def _write(self) -> None:
        self._written = True
        if self._file is not None:
            self._file.save(self._checkpoint(), sync=False)
