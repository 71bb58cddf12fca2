"""What an interrupted run left half done, by the records it made before each call."""

from __future__ import annotations

import threading
from dataclasses import replace

from pulumi.provider.experimental import provider as api

from ils_pipelines.engine.recorder import Recorder
from ils_sandbox.engine import steps
from ils_sandbox.engine.checkpoint import Checkpoint, Journal, Pending, PendingKind
from ils_sandbox.engine.goal import Goal
from ils_sandbox.engine.packages import Packages
from ils_sandbox.engine.providers import AdoptingProvider, ProviderCalls
from ils_sandbox.engine.state import ResourceState
from ils_sandbox.engine.values import Properties


class Interrupted:
    """Looks after pending operations: what they may have done is found out, never guessed. Thread-safe."""

    def __init__(
        self,
        old: Checkpoint,
        journal: Journal,
        packages: Packages,
        calls: ProviderCalls,
        recorder: Recorder,
        *,
        preview: bool,
    ) -> None:
        self._pending = {(item.resource.urn, item.kind): item for item in old.pending}
        self._journal = journal
        self._packages = packages
        self._calls = calls
        self._recorder = recorder
        self._preview = preview
        self._lock = threading.Lock()

    def look_again(self, provider: AdoptingProvider, old: ResourceState | None) -> ResourceState | None:
        """The state of a resource whose update or delete was interrupted, as it really is; None when it is gone."""
        for kind in (PendingKind.UPDATING, PendingKind.DELETING):
            pending = self._pending.get((old.urn, kind)) if old is not None else None
            if old is None or pending is None or pending.resource.id != old.id:
                continue
            response = self._calls(provider.read(api.ReadRequest(old.urn, old.id, dict(old.outputs), dict(old.inputs))))
            self._journal.settle(pending)
            if not response.resource_id:
                self._journal.forget(old)
                return None
            found = replace(
                old,
                inputs=steps.carry_secrets(response.inputs or old.inputs, old.inputs),
                outputs=steps.carry_secrets(response.properties, old.outputs),
            )
            self._journal.keep(found, old)
            old = found
        return old

    def made(
        self, provider: AdoptingProvider, provider_ref: str, goal: Goal, inputs: Properties
    ) -> ResourceState | None:
        """The resource that an interrupted create for the goal's URN made, now in the checkpoint; None without one."""
        with self._lock:
            pending = self._pending.pop((goal.urn, PendingKind.CREATING), None)
        if pending is None:
            return None
        # The interrupted run may have had other inputs, and names come from inputs.
        for candidate in (pending.resource.inputs, inputs):
            id_ = self._calls(provider.find(goal.urn, dict(candidate), self._known_ids(goal.type)))
            if id_ is not None:
                break
        else:
            self._journal.settle(pending)
            return None
        if not self._preview:
            self._recorder.note(f"{goal.name} ({id_}) was made by an interrupted run and is taken over")
            self._calls(provider.resume(goal.urn, id_, inputs))
        response = self._calls(provider.read(api.ReadRequest(goal.urn, id_, {}, dict(pending.resource.inputs))))
        state = goal.state(
            id=id_,
            inputs=steps.carry_secrets(response.inputs or inputs, inputs),
            outputs=steps.complete_outputs(response.properties, inputs, goal),
            provider=provider_ref,
        )
        if not self._preview:
            self._journal.finish(PendingKind.CREATING, pending.resource, add=(state,))
        return state

    def orphans(self) -> list[ResourceState]:
        """What interrupted creates made and no registration claimed, to be deleted."""
        found = []
        for (urn, kind), pending in list(self._pending.items()):
            resource = pending.resource
            if kind is PendingKind.CREATING:
                provider = self._packages.provider_of(resource)
                id_ = self._calls(provider.find(urn, dict(resource.inputs), self._known_ids(resource.type)))
                if id_ is not None:
                    response = self._calls(provider.read(api.ReadRequest(urn, id_, {}, dict(resource.inputs))))
                    state = replace(resource, id=id_, outputs=dict(response.properties))
                    if not self._preview:
                        self._journal.finish(PendingKind.CREATING, resource, add=(state,))
                    found.append(state)
                    continue
            if not self._preview:
                self._settle_if_done(pending)
        return found

    def _settle_if_done(self, pending: Pending) -> None:
        """A delete that is still to come keeps its record; anything else has been looked after by now."""
        still_there = any(state.id == pending.resource.id for state in self._journal.snapshot().resources)
        if pending.kind is not PendingKind.DELETING or not still_there:
            self._journal.settle(pending)

    def _known_ids(self, type_: str) -> frozenset[str]:
        return frozenset(state.id for state in self._journal.snapshot().resources if state.type == type_)
