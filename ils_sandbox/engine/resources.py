"""The states of a stack's resources while an operation changes them."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import replace

from ils_pipelines.engine.errors import EngineError
from ils_sandbox.engine.checkpoint import Checkpoint, Journal, PendingKind
from ils_sandbox.engine.state import ResourceState
from ils_sandbox.engine.values import Properties


class Resources:
    """Old states not yet claimed, registered states, and those that are to be deleted. Thread-safe."""

    def __init__(self, old: Checkpoint, journal: Journal) -> None:
        self._journal = journal
        self._lock = threading.RLock()
        self._old = {state.urn: state for state in old.resources if not state.delete}
        self._doomed = [state for state in old.resources if state.delete]
        self._registered: dict[str, ResourceState] = {}
        self._aliases: dict[str, tuple[str, ...]] = {}
        self._replaced_now: set[int] = set()

    def claim(self, urn: str, aliases: tuple[str, ...] = ()) -> ResourceState | None:
        """Take the old state of a resource, known by its URN or one of its aliases."""
        with self._lock:
            if urn in self._registered:
                raise EngineError(
                    f"{urn} is declared twice: two resources of one type under one parent need different names"
                )
            self._aliases[urn] = aliases
            old = self._old.pop(urn, None)
            for alias in aliases:
                if old is None and alias in self._old:
                    old = self._old.pop(alias)
                    self._journal.rename(alias, urn)
            return old

    def aliases_of(self, urn: str) -> tuple[str, ...]:
        with self._lock:
            return self._aliases.get(urn, ())

    def registered(self, urn: str) -> ResourceState | None:
        with self._lock:
            return self._registered.get(urn)

    def keep(self, state: ResourceState, old: ResourceState | None) -> ResourceState:
        """Register a state that no call made."""
        with self._lock:
            self._registered[state.urn] = state
            self._journal.keep(state, old)
        return state

    def plan(self, state: ResourceState) -> ResourceState:
        """Register what a preview says a resource would be."""
        with self._lock:
            self._registered[state.urn] = state
        return state

    def made(
        self, kind: PendingKind, pending: ResourceState, state: ResourceState, old: ResourceState | None
    ) -> ResourceState:
        """Register a state that a call made. An old state under another id was replaced: it is deleted at the end."""
        add: tuple[ResourceState, ...] = (state,)
        with self._lock:
            if old is not None and old.id != state.id:
                add = (state, self._doom(old))
            self._registered[state.urn] = state
            self._journal.finish(kind, pending, add=add, drop=old)
        return state

    def supersede(self, old: ResourceState) -> None:
        """`old` has a successor already: it is deleted at the end."""
        with self._lock:
            self._journal.keep(self._doom(old), old)

    def set_outputs(self, urn: str, outputs: Properties) -> None:
        with self._lock:
            state = self._registered[urn]
            self._registered[urn] = replace(state, outputs=outputs)
            self._journal.amend(state, self._registered[urn])

    def unclaimed(self) -> list[ResourceState]:
        """What nobody claimed, and what was replaced."""
        with self._lock:
            return [*self._old.values(), *self._doomed]

    def unclaimed_in_order(self) -> list[ResourceState]:
        """Managed resources that nobody claimed yet, dependencies before dependents."""
        with self._lock:
            waiting = self._journal.snapshot().resources
            return [state for state in waiting if state.managed and self._old.get(state.urn) is state]

    def take(self, states: Iterable[ResourceState]) -> None:
        """Take states out of the unclaimed ones: somebody else looks after them."""
        with self._lock:
            for state in states:
                self._old.pop(state.urn, None)

    def replaced_now(self, state: ResourceState) -> bool:
        """Whether this operation replaced the resource: its deletion is part of the replacement, no change by itself."""
        return id(state) in self._replaced_now

    def _doom(self, old: ResourceState) -> ResourceState:
        doomed = replace(old, delete=True)
        self._doomed.append(doomed)
        self._replaced_now.add(id(doomed))
        return doomed
