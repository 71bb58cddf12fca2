"""The snapshot: what the emulated accounts contain, on disk.

It is written as one file, atomically, shortly after a change: when no further change came for half a second (or ten times as
long as it takes to save), and at the latest five seconds after the first one that is not saved yet. A sandbox that is killed
loses at most that; one that is stopped loses nothing.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import pickle
import sys
import time
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ils_pipelines.errors import IlsError
from ils_sandbox.aws import pickling
from ils_sandbox.aws.overlay.store import Store
from ils_sandbox.state import write_atomically

log = logging.getLogger(__name__)

FORMAT = 1
QUIET_SECONDS = 0.5
LATEST_SECONDS = 5.0

NOT_PICKLED = (pickle.PicklingError, TypeError, AttributeError, ValueError, RecursionError)
"""What pickling raises for an object that it does not take."""

Backends = dict[tuple[str, str], dict[tuple[str, str], Any]]
"""Module and name of a service's backends -> account and region -> backend."""


class SnapshotError(IlsError):
    """The snapshot cannot be read. It is left as it is."""


def _header() -> dict[str, Any]:
    import moto

    return {"format": FORMAT, "moto": moto.__version__, "python": f"{sys.version_info.major}.{sys.version_info.minor}"}


class Snapshot:
    """One file for moto's backends and the overlay's store: they are saved and restored together."""

    def __init__(self, path: Path, store: Store) -> None:
        self._path = path
        self._store = store
        self._not_saved: set[tuple[str, str]] = set()

    def content(self) -> bytes:
        """The snapshot of this moment. A service that cannot be pickled is left out, and named in the log."""
        backends = {_name(backend_dict): dict(_regions(backend_dict)) for backend_dict in _backend_dicts()}
        for name in self._not_saved:
            backends.pop(name, None)
        try:
            return self._pickled(backends)
        except NOT_PICKLED:
            # The rest is worth saving. What fails once is not tried again: it would cost this search every time.
            for name in list(backends):
                try:
                    self._pickled({name: backends[name]})
                except NOT_PICKLED as error:
                    log.error("what %s.%s contains is lost at the next stop: %r", *name, error)  # noqa: TRY400
                    self._not_saved.add(name)
                    del backends[name]
            return self._pickled(backends)

    def _pickled(self, backends: Backends) -> bytes:
        state = {"backends": backends, "tables": self._store.tables, "phases": self._store.phases}
        return json.dumps(_header()).encode() + b"\n" + pickling.dumps(state)

    def write(self, content: bytes) -> None:
        write_atomically(self._path, content)

    def load(self) -> bool:
        """Restore what was saved; False when nothing was. Raises `SnapshotError`."""
        try:
            header, _, content = self._path.read_bytes().partition(b"\n")
        except FileNotFoundError:
            return False
        try:
            found = json.loads(header)
        except ValueError as error:
            raise self._unreadable("it does not begin as a snapshot does") from error
        if found != _header():
            raise self._unreadable(f"it was written by {found}, and this is {_header()}")
        try:
            state = pickling.loads(content)
        except Exception as error:
            raise self._unreadable(f"{type(error).__name__}: {error}") from error
        for (module, attribute), regions in state["backends"].items():
            backend_dict = getattr(importlib.import_module(module), attribute)
            for (account, region), backend in regions.items():
                dict.__setitem__(backend_dict[account], region, backend)
                _register(backend)
        self._store.tables.update(state["tables"])
        self._store.phases.update(state["phases"])
        return True

    def _unreadable(self, reason: str) -> SnapshotError:
        return SnapshotError(
            f"the sandbox's saved state in {self._path} cannot be read: {reason}. It is kept as it is; "
            "`ils sandbox reset` deletes it and starts with an empty sandbox."
        )


def quiet_after(seconds: float) -> float:
    """How many seconds without a change to wait for, when saving took so many: while it saves, the server answers nobody."""
    return min(max(QUIET_SECONDS, 10 * seconds), LATEST_SECONDS)


class Autosave:
    """Saves a while after the last change. Lives on the event loop that also makes the changes."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._unsaved_since: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._writing: asyncio.Task[None] | None = None
        self._failed = False
        self._quiet = QUIET_SECONDS

    def changed(self) -> None:
        """Something may have changed."""
        now = time.monotonic()
        if self._unsaved_since is None:
            self._unsaved_since = now
        if self._timer is not None:
            self._timer.cancel()
        delay = max(0.0, min(self._quiet, self._unsaved_since + LATEST_SECONDS - now))
        self._timer = asyncio.get_running_loop().call_later(delay, self._save)

    def _save(self) -> None:
        if self._writing is not None and not self._writing.done():
            # The disk is slower than the changes: this one is saved after the one under way.
            self._timer = asyncio.get_running_loop().call_later(QUIET_SECONDS, self._save)
            return
        self._timer, self._unsaved_since = None, None
        started = time.perf_counter()
        try:
            content = self._snapshot.content()
        except Exception:
            log.exception("the state could not be saved; the last snapshot stays")
            return
        took = time.perf_counter() - started
        self._quiet = quiet_after(took)
        log.debug("snapshot of %d bytes in %.3f s", len(content), took)
        self._writing = asyncio.get_running_loop().create_task(self._write(content))

    async def _write(self, content: bytes) -> None:
        try:
            await asyncio.to_thread(self._snapshot.write, content)
            self._failed = False
        except OSError as error:
            if not self._failed:
                log.error("the state could not be saved: %s; the last snapshot stays", error)  # noqa: TRY400
            self._failed = True

    async def finish(self) -> None:
        """Save what is not saved yet, and wait until it is on disk."""
        if self._timer is not None:
            self._timer.cancel()
        if self._writing is not None:
            await self._writing
        self._snapshot.write(self._snapshot.content())


def _backend_dicts() -> list[Any]:
    from moto.core.base_backend import BackendDict

    return list(BackendDict._instances)


def _name(backend_dict: Any) -> tuple[str, str]:
    """The module and the name by which a service's backends are known there."""
    module = backend_dict.backend.__module__
    names = [name for name, value in vars(importlib.import_module(module)).items() if value is backend_dict]
    if not names:
        # Services in several modules (EC2) keep their backends in the package's.
        module = module.rpartition(".")[0]
        names = [name for name, value in vars(importlib.import_module(module)).items() if value is backend_dict]
    return module, names[0]


def _regions(backend_dict: Any) -> Iterator[tuple[tuple[str, str], Any]]:
    for account, region, backend in backend_dict.iter_backends():
        yield (account, region), backend


def _register(backend: Any) -> None:
    """EC2's backends find each other through weak references, which their constructor makes."""
    for registry in ("vpc_refs", "vpc_pcx_refs", "backend_refs"):
        references = getattr(type(backend), registry, None)
        if references is not None:
            references[type(backend)].add(weakref.ref(backend))
