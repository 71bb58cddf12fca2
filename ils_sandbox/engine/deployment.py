"""One preview, up or destroy under way: what the program registers is compared with the checkpoint and carried out."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from pulumi.provider.experimental import provider as api

from ils_pipelines.engine.covering import step_deviations
from ils_pipelines.engine.errors import EngineError, OperationCancelled, ProtectedResource, ResourceFailed
from ils_pipelines.engine.models import Change, DiffKind, Operation, Plan, PropertyDiff, ReplaceOrder, Stack
from ils_pipelines.engine.recorder import Recorder
from ils_sandbox.engine import steps
from ils_sandbox.engine.checkpoint import Checkpoint, Journal, PendingKind
from ils_sandbox.engine.deletion import delete_in_order
from ils_sandbox.engine.goal import Goal
from ils_sandbox.engine.interrupted import Interrupted
from ils_sandbox.engine.packages import Packages
from ils_sandbox.engine.providers import AdoptingProvider, ProviderCache, ProviderCalls
from ils_sandbox.engine.resources import Resources
from ils_sandbox.engine.state import ResourceState
from ils_sandbox.engine.steps import Decision
from ils_sandbox.engine.values import Properties, from_plain


@dataclass(frozen=True)
class Mode:
    """`approved`: the plan whose changes alone may be carried out; None where there is none to keep to."""

    preview: bool
    approved: Plan | None = None


@dataclass(frozen=True)
class Managed:
    """A registered resource with the provider that manages it, its reference, and what is to be done."""

    goal: Goal
    provider: AdoptingProvider
    provider_ref: str
    old: ResourceState | None
    decision: Decision

    def state(self, id: str, outputs: Properties) -> ResourceState:  # noqa: A002 Pulumi's word
        return self.goal.state(id=id, inputs=self.decision.inputs, outputs=outputs, provider=self.provider_ref)


class Deployment:
    """All methods may be called from several threads at once: the SDK registers what is ready at the same time."""

    def __init__(
        self,
        stack: Stack,
        old: Checkpoint,
        journal: Journal,
        *,
        providers: ProviderCache,
        config: Mapping[str, str],
        calls: ProviderCalls,
        recorder: Recorder,
        mode: Mode,
        cancel: threading.Event,
    ) -> None:
        self.stack = stack
        self.recorder = recorder
        self.preview = mode.preview
        self.resources = Resources(old, journal)
        self.packages = Packages(stack, config, providers, self.resources, journal)
        self._interrupted = Interrupted(old, journal, self.packages, calls, recorder, preview=mode.preview)
        self._mode = mode
        self._journal = journal
        self._calls = calls
        self._cancel = cancel
        self._lock = threading.Lock()
        self._replaced_along: dict[str, tuple[PropertyDiff, ...]] = {}
        self._failures: list[Exception] = []

    # What the program registers

    def register(self, goal: Goal) -> ResourceState:
        """Bring one resource to its goal. Raises the reason when it cannot be, and for everything after a failure."""
        with self._failing():
            self._check_cancelled()
            old = self.resources.claim(goal.urn, goal.aliases)
            if goal.is_provider:
                # As Pulumi has it, which keeps the version that the program was written for.
                version = {"version": from_plain(goal.version)} if goal.version else {}
                config = {**goal.inputs, **version}
                state = goal.state(id=old.id if old else str(uuid.uuid4()), inputs=config, outputs=config)
                return self.resources.keep(state, old)
            if not goal.custom:
                state = goal.state(inputs=goal.inputs, outputs=dict(old.outputs) if old else {})
                return self.resources.keep(state, old)
            return self._register_managed(goal, old)

    def read(self, state: ResourceState, provider_ref: str, version: str) -> ResourceState:
        """Look up a resource that is not managed here; `state` has its URN, type, id and parent."""
        with self._failing():
            self._check_cancelled()
            provider, ref = self.packages.provider_for(state.type, provider_ref, version)
            response = self._calls(provider.read(api.ReadRequest(state.urn, state.id, {}, {})))
            if not response.resource_id:
                raise ResourceFailed(state.urn, "read", f"there is no {state.type} with id {state.id!r}")
            found = replace(state, outputs=dict(response.properties), provider=ref, external=True)
            return self.resources.keep(found, self.resources.claim(state.urn))

    def invoke(self, token: str, args: Properties, provider_ref: str, version: str) -> api.InvokeResponse:
        self._check_cancelled()
        provider, _ = self.packages.provider_for(token, provider_ref, version)
        return self._calls(provider.invoke(api.InvokeRequest(token, args)))

    # After the program

    def finish(self) -> None:
        """Delete what the program no longer declares, and what an interrupted run made and nothing claims."""
        self._raise_failures()
        self.delete(self.everything())

    def everything(self) -> list[ResourceState]:
        """All that is not registered; for a destroy, where nothing is registered, all there is."""
        return [*self.resources.unclaimed(), *self._interrupted.orphans()]

    def delete(self, states: Iterable[ResourceState]) -> None:
        """Delete `states`, dependents first. Raises ProtectedResource before any is touched."""
        states = list(states)
        protected = tuple(sorted(state.urn for state in states if state.protect and not state.delete))
        if protected:
            raise ProtectedResource(protected)
        if self.preview:
            for state in states:
                if state.managed and not self.resources.replaced_now(state):
                    self.recorder.would(_deletion(state))
            return
        gone = frozenset(state.urn for state in states)
        self._failures += delete_in_order(states, lambda state: self._delete(state, gone), self._cancel.is_set)
        self._raise_failures()

    def failures(self) -> tuple[Exception, ...]:
        with self._lock:
            return tuple(self._failures)

    # One managed resource

    def _register_managed(self, goal: Goal, old: ResourceState | None) -> ResourceState:
        provider, provider_ref = self.packages.provider_for(goal.type, goal.provider, goal.version)
        old = self._interrupted.look_again(provider, old)
        decision = steps.decide(self._calls, provider, goal, old)
        operation = decision.operation
        if operation in (Operation.CREATE, Operation.REPLACE):
            made = self._interrupted.made(provider, provider_ref, goal, decision.inputs)
            if made is not None:
                # Go on from there, and delete at the end what it was to replace.
                if old is not None:
                    self.resources.supersede(old)
                old = made
                decision = steps.decide(self._calls, provider, goal, old)
                operation = Operation.REPLACE if decision.operation is Operation.REPLACE else Operation.ADOPT
        work = Managed(goal, provider, provider_ref, old, decision)
        if operation is Operation.SAME:
            self.recorder.same()
            return self._keep(work)
        if old is not None and old.protect and operation is Operation.REPLACE:
            raise ProtectedResource((goal.urn,))
        change = self._change(work, operation)
        if self.preview:
            return self._plan(work, change)
        self._check_allowed(change)
        with self.recorder.carrying_out(change) as identified:
            state = self._carry_out(work)
            identified(state.id)
        return state

    def _change(self, work: Managed, operation: Operation) -> Change:
        diffs, order = work.decision.diffs, work.decision.replace_order
        with self._lock:
            along = self._replaced_along.pop(work.goal.urn, None)
        if along is not None:
            operation, diffs, order = Operation.REPLACE, along, ReplaceOrder.DELETE_BEFORE_CREATE
        return Change(
            urn=work.goal.urn,
            type=work.goal.type,
            name=work.goal.name,
            operation=operation,
            diffs=diffs,
            replace_order=order,
            id=work.old.id if work.old else None,
        )

    def _plan(self, work: Managed, change: Change) -> ResourceState:
        self.recorder.would(change)
        goal, old, decision = work.goal, work.old, work.decision
        if old is not None and decision.operation is Operation.SAME:
            return self.resources.plan(work.state(old.id, old.outputs))
        if old is not None and decision.operation is Operation.UPDATE:
            updated = self._calls(work.provider.update(_update_request(work, old, preview=True)))
            outputs = steps.complete_outputs(updated.properties, decision.inputs, goal)
            return self.resources.plan(work.state(old.id, outputs))
        if old is not None and decision.replace_order is ReplaceOrder.DELETE_BEFORE_CREATE:
            self._take_along(old)
        # No id and only the inputs: the SDK takes everything else for unknown.
        return self.resources.plan(work.state("", decision.inputs))

    def _carry_out(self, work: Managed) -> ResourceState:
        old = work.old
        if old is not None and work.decision.operation is Operation.SAME:  # adopted as it should be
            return self._keep(work)
        if old is not None and work.decision.operation is Operation.UPDATE:
            return self._update(work, old)
        if old is not None and work.decision.replace_order is ReplaceOrder.DELETE_BEFORE_CREATE:
            self._delete_before_create(old)
            old = None
        return self._create(work, old)

    def _keep(self, work: Managed) -> ResourceState:
        if work.old is None:
            raise AssertionError("a resource without a state cannot be the same")
        return self.resources.keep(work.state(work.old.id, work.old.outputs), work.old)

    def _update(self, work: Managed, old: ResourceState) -> ResourceState:
        pending = work.state(old.id, old.outputs)
        self._journal.begin(PendingKind.UPDATING, pending)
        with _as_failure(work.goal.urn, "update"):
            updated = self._calls(work.provider.update(_update_request(work, old, preview=False)))
        outputs = steps.complete_outputs(updated.properties, work.decision.inputs, work.goal)
        return self.resources.made(PendingKind.UPDATING, pending, work.state(old.id, outputs), old)

    def _create(self, work: Managed, old: ResourceState | None) -> ResourceState:
        goal, inputs = work.goal, work.decision.inputs
        pending = work.state("", {})
        self._journal.begin(PendingKind.CREATING, pending)
        with _as_failure(goal.urn, "create"):
            request = api.CreateRequest(goal.urn, inputs, goal.create_timeout, preview=False)
            created = self._calls(work.provider.create(request))
            if not created.resource_id:
                raise ValueError("the provider gave it no id")
        outputs = steps.complete_outputs(created.properties, inputs, goal)
        return self.resources.made(PendingKind.CREATING, pending, work.state(created.resource_id, outputs), old)

    # Deleting

    def _delete_before_create(self, old: ResourceState) -> None:
        """Delete `old` and everything that cannot live on without it; the program registers those again later."""
        doomed = [*self._take_along(old), old]
        failures = delete_in_order(doomed, lambda state: self._delete_call(state, frozenset()), self._cancel.is_set)
        if failures:
            raise failures[0]
        self._check_cancelled()

    def _take_along(self, old: ResourceState) -> list[ResourceState]:
        """The resources that must be replaced along with `old`: each is known to be when the program registers it."""
        gone = {old.urn}
        along: dict[str, tuple[PropertyDiff, ...]] = {}
        found: list[ResourceState] = []
        for state in self.resources.unclaimed_in_order():  # dependencies first, so that one pass finds chains
            provider = self.packages.provider_of(state)
            if steps.needs_replacement(self._calls, provider, state, frozenset(gone)):
                along[state.urn] = tuple(
                    PropertyDiff(path=key, kind=DiffKind.UPDATE, forces_replacement=True)
                    for key, urns in sorted(state.property_dependencies.items())
                    if gone & set(urns)
                )
                gone.add(state.urn)
                found.append(state)
        protected = tuple(sorted(state.urn for state in found if state.protect))
        if protected:
            raise ProtectedResource(protected)
        self.resources.take(found)
        with self._lock:
            self._replaced_along |= along
        return found

    def _delete(self, state: ResourceState, gone: frozenset[str]) -> None:
        if not state.managed:
            self._journal.forget(state)
        elif self.resources.replaced_now(state):
            self._delete_call(state, gone)
        else:
            change = _deletion(state)
            self._check_allowed(change)
            with self.recorder.carrying_out(change):
                self._delete_call(state, gone)

    def _delete_call(self, state: ResourceState, gone: frozenset[str]) -> None:
        if state.retain_on_delete or state.deleted_with in gone:
            self._journal.forget(state)
            return
        provider = self.packages.provider_of(state)
        self._journal.begin(PendingKind.DELETING, state)
        with _as_failure(state.urn, "delete"):
            self._calls(provider.delete(api.DeleteRequest(state.urn, state.id, dict(state.outputs), 0)))
        self._journal.finish(PendingKind.DELETING, state, drop=state)

    # Failures

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """Remember the failure: after it, nothing new is started."""
        try:
            yield
        except Exception as error:
            with self._lock:
                self._failures.append(error)
            raise

    def _check_cancelled(self) -> None:
        if self._cancel.is_set():
            raise OperationCancelled(
                f"{self.stack} was interrupted: what was under way is done and recorded; run it again to go on"
            )
        failures = self.failures()
        if failures:
            raise OperationCancelled(f"not started: {failures[0]}")

    def _check_allowed(self, change: Change) -> None:
        if self._mode.approved is None:
            return
        reasons = list(step_deviations(self._mode.approved, change))
        if reasons:
            raise EngineError(f"stopped before {change.operation} {change.urn}: {'; '.join(reasons)}")

    def _raise_failures(self) -> None:
        """Raise the failures that were causes: what was not started because of them is left out."""
        failures = self.failures()
        if not failures:
            self._check_cancelled()
            return
        causes = [error for error in failures if not isinstance(error, OperationCancelled)] or [failures[0]]
        if len(causes) == 1:
            raise causes[0]
        raise EngineError("\n".join(dict.fromkeys(str(error) for error in causes))) from causes[0]


@contextmanager
def _as_failure(urn: str, operation: str) -> Iterator[None]:
    try:
        yield
    except EngineError:
        raise
    except Exception as error:
        raise ResourceFailed(urn, operation, str(error) or type(error).__name__) from error


def _update_request(work: Managed, old: ResourceState, *, preview: bool) -> api.UpdateRequest:
    return api.UpdateRequest(
        urn=work.goal.urn,
        resource_id=old.id,
        olds=dict(old.outputs),
        news=work.decision.inputs,
        timeout=work.goal.update_timeout,
        ignore_changes=list(work.goal.ignore_changes),
        preview=preview,
    )


def _deletion(state: ResourceState) -> Change:
    return Change(urn=state.urn, type=state.type, name=state.name, operation=Operation.DELETE, id=state.id)
