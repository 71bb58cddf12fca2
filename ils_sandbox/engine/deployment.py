"""One preview, up or destroy under way: what the program registers is compared with the checkpoint and carried out."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from time import monotonic

from pulumi.provider.experimental import provider as api

from ils_pipelines.engine.errors import EngineError, OperationCancelled, ProtectedResource, ResourceFailed
from ils_pipelines.engine.models import (
    AppliedChange,
    Change,
    DiffKind,
    EngineEvent,
    EventKind,
    Operation,
    PropertyDiff,
    ReplaceOrder,
    Stack,
)
from ils_pipelines.engine.protocol import OnEvent
from ils_sandbox.engine import steps, urns
from ils_sandbox.engine.checkpoint import Checkpoint, Journal, Pending, PendingKind
from ils_sandbox.engine.deletion import delete_in_order
from ils_sandbox.engine.goal import Goal
from ils_sandbox.engine.providers import AdoptingProvider, ProviderCache, ProviderCalls
from ils_sandbox.engine.state import ResourceState
from ils_sandbox.engine.urns import PROVIDER_PREFIX
from ils_sandbox.engine.values import Properties, from_plain, to_plain


class Recorder:
    """The changes of one operation and the events that tell of them. Thread-safe; listeners are called one at a time."""

    def __init__(self, stack: Stack, on_event: OnEvent) -> None:
        self._stack = stack
        self._on_event = on_event
        self._lock = threading.Lock()
        self.applied: list[AppliedChange] = []
        self.planned: list[Change] = []
        self.unchanged = 0

    def note(self, message: str) -> None:
        self._emit(EventKind.NOTE, message=message)

    def same(self) -> None:
        with self._lock:
            self.unchanged += 1

    def plan(self, change: Change) -> None:
        with self._lock:
            self.planned.append(change)
        self._emit(EventKind.FINISHED, change)

    @contextmanager
    def carrying_out(self, change: Change) -> Iterator[Callable[[str], None]]:
        """Tell of a change while it is made. Yields a function that takes the id of a resource once it is known."""
        self._emit(EventKind.STARTED, change)
        started = monotonic()
        ids = [change.id]
        try:
            yield ids.append
        except Exception as error:
            self._emit(EventKind.FAILED, change, message=str(error), duration=timedelta(seconds=monotonic() - started))
            raise
        done = AppliedChange(
            change=change.model_copy(update={"id": ids[-1]}), duration=timedelta(seconds=monotonic() - started)
        )
        with self._lock:
            self.applied.append(done)
        self._emit(EventKind.FINISHED, done.change, duration=done.duration)

    def _emit(
        self, kind: EventKind, change: Change | None = None, message: str = "", duration: timedelta | None = None
    ) -> None:
        event = EngineEvent(
            kind=kind,
            project=self._stack.project,
            stack=self._stack.name,
            change=change,
            message=message,
            duration=duration,
        )
        with self._lock:
            self._on_event(event)


@dataclass(frozen=True)
class Mode:
    """`allowed`: with an approved plan, the only (URN, operation) pairs that may be carried out."""

    preview: bool
    allowed: frozenset[tuple[str, Operation]] | None = None


class Deployment:
    """All methods may be called from several threads at once: the SDK registers what is ready at the same time."""

    def __init__(
        self,
        stack: Stack,
        old: Checkpoint,
        journal: Journal,
        providers: ProviderCache,
        calls: ProviderCalls,
        config: Mapping[str, str],
        recorder: Recorder,
        mode: Mode,
        cancel: threading.Event,
    ) -> None:
        self.stack = stack
        self.recorder = recorder
        self.preview = mode.preview
        self._mode = mode
        self._journal = journal
        self._providers = providers
        self._calls = calls
        self._config = config
        self._cancel = cancel
        self._lock = threading.RLock()
        self._old = {state.urn: state for state in old.resources if not state.delete}
        self._doomed = [state for state in old.resources if state.delete]
        self._interrupted = {(item.resource.urn, item.kind): item for item in old.pending}
        self._registered: dict[str, ResourceState] = {}
        self._aliases: dict[str, tuple[str, ...]] = {}
        self._replaced_now: set[int] = set()
        self._being_replaced: dict[str, tuple[ResourceState, tuple[PropertyDiff, ...]]] = {}
        self._failures: list[Exception] = []

    # ---- what the program registers

    def register(self, goal: Goal) -> ResourceState:
        """Bring one resource to its goal. Raises the reason when it cannot be, and for everything after a failure."""
        with self._failing():
            self._check_cancelled()
            old = self._claim(goal)
            if goal.is_provider:
                return self._register_provider(goal, old)
            if not goal.custom:
                state = goal.state(inputs=goal.inputs, outputs=dict(old.outputs) if old else {})
                return self._keep(state, old)
            return self._register_custom(goal, old)

    def set_outputs(self, urn: str, outputs: Properties) -> None:
        """Outputs of a component, or of the stack itself."""
        with self._lock:
            state = self._registered[urn]
            self._registered[urn] = replace(state, outputs=outputs)
            self._journal.amend(state, self._registered[urn])

    def read(self, urn: str, goal_type: str, id: str, provider_ref: str, version: str, parent: str) -> ResourceState:  # noqa: A002
        """Look up a resource that is not managed here."""
        with self._failing():
            self._check_cancelled()
            provider, ref = self._provider_of(goal_type, provider_ref, version)
            response = self._calls(provider.read(api.ReadRequest(urn, id, {}, {})))
            if not response.resource_id:
                raise ResourceFailed(urn, "read", f"there is no {goal_type} with id {id!r}")
            state = ResourceState(
                urn=urn, type=goal_type, custom=True, id=id, outputs=dict(response.properties), parent=parent,
                provider=ref, external=True,
            )  # fmt: skip
            with self._lock:
                old = self._old.pop(urn, None)
            return self._keep(state, old)

    def invoke(self, token: str, args: Properties, provider_ref: str, version: str) -> api.InvokeResponse:
        self._check_cancelled()
        provider, _ = self._provider_of(token, provider_ref, version)
        return self._calls(provider.invoke(api.InvokeRequest(token, args)))

    def provider_of(self, state: ResourceState) -> AdoptingProvider:
        """The provider that manages a resource of the checkpoint."""
        urn = state.provider.rpartition("::")[0]
        known = {other.urn: other for other in self._journal.snapshot().resources}
        package = state.type.split(":", 1)[0]
        config = _provider_config(known[urn]) if urn in known else self._package_config(package)
        return self._providers.get(package, config)

    def aliases_of(self, urn: str) -> tuple[str, ...]:
        with self._lock:
            return self._aliases.get(urn, ())

    # ---- after the program

    def finish(self) -> None:
        """Delete what the program no longer declares, and what an interrupted run made and nothing claims."""
        self._raise_failures()
        with self._lock:
            leftover = [*self._old.values(), *self._doomed]
        self.delete([*leftover, *self._orphans()])

    def delete(self, states: Iterable[ResourceState]) -> None:
        """Delete `states`, dependents first. Raises ProtectedResource before any is touched."""
        states = list(states)
        protected = tuple(sorted(state.urn for state in states if state.protect and not state.delete))
        if protected:
            raise ProtectedResource(protected)
        if self.preview:
            for state in reversed(states):
                if state.managed and id(state) not in self._replaced_now:
                    self.recorder.plan(_change(state, Operation.DELETE))
            return
        gone = frozenset(state.urn for state in states)
        self._failures += delete_in_order(states, lambda state: self._delete(state, gone), self._cancel.is_set)
        self._raise_failures()

    def everything(self) -> list[ResourceState]:
        """Everything there is, for a destroy."""
        return [*self._old.values(), *self._doomed, *self._orphans()]

    # ---- inside

    def _claim(self, goal: Goal) -> ResourceState | None:
        """Take the old state of a resource, known by its URN or one of its aliases."""
        with self._lock:
            if goal.urn in self._registered:
                raise EngineError(
                    f"{goal.urn} is declared twice: two resources of one type under one parent need different names"
                )
            self._aliases[goal.urn] = goal.aliases
            old = self._old.pop(goal.urn, None)
            for alias in goal.aliases:
                if old is None and alias in self._old:
                    old = self._old.pop(alias)
                    self._journal.rename(alias, goal.urn)
            return old

    def _keep(self, state: ResourceState, old: ResourceState | None) -> ResourceState:
        with self._lock:
            self._registered[state.urn] = state
            self._journal.keep(state, old)
        return state

    def _register_provider(self, goal: Goal, old: ResourceState | None) -> ResourceState:
        state = goal.state(id=old.id if old else str(uuid.uuid4()), inputs=goal.inputs, outputs=goal.inputs)
        return self._keep(state, old)

    def _register_custom(self, goal: Goal, old: ResourceState | None) -> ResourceState:
        provider, provider_ref = self._provider_of(goal.type, goal.provider, goal.version)
        old = self._look_again(provider, old, PendingKind.UPDATING)
        old = self._look_again(provider, old, PendingKind.DELETING)
        replaced = self._being_replaced.pop(goal.urn, None)
        adopted = False
        decision = steps.decide(self._calls, provider, goal, old)
        if decision.operation in (Operation.CREATE, Operation.REPLACE):
            found = self._find_interrupted(provider, provider_ref, goal, old, decision.inputs)
            if found is not None:
                # Made by an interrupted run: go on from there, and delete what it was to replace at the end.
                adopted = True
                if old is not None:
                    self._doom(old)
                old = found
                decision = steps.decide(self._calls, provider, goal, old)
        operation = Operation.ADOPT if adopted and decision.operation is not Operation.REPLACE else decision.operation
        change = Change(
            urn=goal.urn,
            type=goal.type,
            name=goal.name,
            operation=Operation.REPLACE if replaced else operation,
            diffs=replaced[1] if replaced else decision.diffs,
            replace_order=ReplaceOrder.DELETE_BEFORE_CREATE if replaced else decision.replace_order,
            id=old.id if old else None,
        )
        if change.operation is Operation.SAME:
            assert old is not None  # noqa: S101 nothing is the same as nothing
            self.recorder.same()
            return self._keep(
                goal.state(id=old.id, inputs=decision.inputs, outputs=old.outputs, provider=provider_ref), old
            )
        if old is not None and old.protect and decision.operation is Operation.REPLACE:
            raise ProtectedResource((goal.urn,))
        if self.preview:
            return self._plan(goal, old, provider_ref, change, decision, provider)
        self._check_allowed(change)
        with self.recorder.carrying_out(change) as identified:
            state = self._carry_out(goal, old, provider, provider_ref, decision)
            identified(state.id)
        return state

    def _carry_out(
        self,
        goal: Goal,
        old: ResourceState | None,
        provider: AdoptingProvider,
        provider_ref: str,
        decision: steps.Decision,
    ) -> ResourceState:
        inputs = decision.inputs
        if old is not None and decision.operation is Operation.SAME:  # adopted as it should be
            return self._keep(goal.state(id=old.id, inputs=inputs, outputs=old.outputs, provider=provider_ref), old)
        if old is not None and decision.operation is Operation.UPDATE:
            goal_state = goal.state(id=old.id, inputs=inputs, outputs=old.outputs, provider=provider_ref)
            self._journal.begin(PendingKind.UPDATING, goal_state)
            request = api.UpdateRequest(
                goal.urn, old.id, dict(old.outputs), inputs, goal.update_timeout, list(goal.ignore_changes), False
            )
            with _as_failure(goal.urn, "update"):
                updated = self._calls(provider.update(request))
            state = replace(goal_state, outputs=_outputs(updated.properties, inputs, goal))
            return self._register_done(state, PendingKind.UPDATING, goal_state, old)
        if old is not None and decision.replace_order is ReplaceOrder.DELETE_BEFORE_CREATE:
            self._delete_before_create(goal, old, decision)
            old = None
        goal_state = goal.state(inputs=inputs, outputs={}, provider=provider_ref)
        self._journal.begin(PendingKind.CREATING, goal_state)
        with _as_failure(goal.urn, "create"):
            created = self._calls(
                provider.create(api.CreateRequest(goal.urn, inputs, goal.create_timeout, preview=False))
            )
            if not created.resource_id:
                raise ValueError("the provider gave it no id")
        state = replace(goal_state, id=created.resource_id, outputs=_outputs(created.properties, inputs, goal))
        return self._register_done(state, PendingKind.CREATING, goal_state, old)

    def _register_done(
        self, state: ResourceState, kind: PendingKind, pending: ResourceState, old: ResourceState | None
    ) -> ResourceState:
        """Record a state that a call made. An old state under another id was replaced: it is deleted at the end."""
        add: tuple[ResourceState, ...] = (state,)
        with self._lock:
            if old is not None and old.id != state.id:
                doomed = replace(old, delete=True)
                self._doomed.append(doomed)
                self._replaced_now.add(id(doomed))
                add = (state, doomed)
            self._registered[state.urn] = state
            self._journal.finish(kind, pending, add=add, drop=old)
        return state

    def _doom(self, old: ResourceState) -> None:
        with self._lock:
            doomed = replace(old, delete=True)
            self._doomed.append(doomed)
            self._replaced_now.add(id(doomed))
            self._journal.keep(doomed, old)

    def _delete_before_create(self, goal: Goal, old: ResourceState, decision: steps.Decision) -> None:
        """Delete `old` and everything that cannot live on without it; the program registers those again later."""
        with self._lock:
            dependents = self._replaced_with(old)
            protected = tuple(sorted(state.urn for state in dependents if state.protect))
            if protected:
                raise ProtectedResource(protected)
            for state in dependents:
                self._old.pop(state.urn, None)
                diffs = tuple(
                    PropertyDiff(path=key, kind=DiffKind.UPDATE, forces_replacement=True)
                    for key, used in sorted(state.property_dependencies.items())
                    if goal.urn in used
                )
                self._being_replaced[state.urn] = (state, diffs)
        if self.preview:
            return
        doomed = [*dependents, old]
        failures = delete_in_order(
            doomed, lambda state: self._delete(state, frozenset(), quiet=True), self._cancel.is_set
        )
        if failures:
            raise failures[0]
        self._check_cancelled()

    def _replaced_with(self, old: ResourceState) -> list[ResourceState]:
        """The old states that must be replaced along with `old`, in checkpoint order."""
        gone = {old.urn}
        found: list[ResourceState] = []
        for state in self._journal.snapshot().resources:  # dependencies first, so one pass finds chains
            if self._old.get(state.urn) is not state or not state.managed:
                continue
            provider = self.provider_of(state)
            if steps.needs_replacement(self._calls, provider, state, frozenset(gone)):
                gone.add(state.urn)
                found.append(state)
        return found

    def _delete(self, state: ResourceState, gone: frozenset[str], *, quiet: bool = False) -> None:
        """Delete one resource. `quiet`: as part of a replacement, which is told of as a whole."""
        if not state.managed:
            self._journal.forget(state)
            return
        change = _change(state, Operation.DELETE)
        if quiet or id(state) in self._replaced_now:
            self._delete_call(state, gone)
            return
        self._check_allowed(change)
        with self.recorder.carrying_out(change):
            self._delete_call(state, gone)

    def _delete_call(self, state: ResourceState, gone: frozenset[str]) -> None:
        if state.retain_on_delete or state.deleted_with in gone:
            self._journal.forget(state)
            return
        provider = self.provider_of(state)
        self._journal.begin(PendingKind.DELETING, state)
        with _as_failure(state.urn, "delete"):
            self._calls(provider.delete(api.DeleteRequest(state.urn, state.id, dict(state.outputs), 0)))
        self._journal.finish(PendingKind.DELETING, state, drop=state)

    def _plan(
        self,
        goal: Goal,
        old: ResourceState | None,
        provider_ref: str,
        change: Change,
        decision: steps.Decision,
        provider: AdoptingProvider,
    ) -> ResourceState:
        self.recorder.plan(change)
        if old is not None and decision.operation is Operation.SAME:
            state = goal.state(id=old.id, inputs=decision.inputs, outputs=old.outputs, provider=provider_ref)
        elif old is not None and decision.operation is Operation.UPDATE:
            request = api.UpdateRequest(
                goal.urn, old.id, dict(old.outputs), decision.inputs, 0, list(goal.ignore_changes), True
            )
            outputs = self._calls(provider.update(request)).properties
            state = goal.state(
                id=old.id,
                inputs=decision.inputs,
                outputs=_outputs(outputs, decision.inputs, goal),
                provider=provider_ref,
            )
        else:
            if old is not None and decision.replace_order is ReplaceOrder.DELETE_BEFORE_CREATE:
                self._delete_before_create(goal, old, decision)
            # No id and only the inputs: the SDK takes everything else for unknown.
            state = goal.state(inputs=decision.inputs, outputs=decision.inputs, provider=provider_ref)
        with self._lock:
            self._registered[state.urn] = state
        return state

    # ---- what an interrupted run left

    def _look_again(
        self, provider: AdoptingProvider, old: ResourceState | None, kind: PendingKind
    ) -> ResourceState | None:
        """An interrupted update or delete: nobody knows how far it came, so read what is there."""
        pending = self._interrupted.get((old.urn, kind)) if old is not None else None
        if old is None or pending is None or pending.resource.id != old.id:
            return old
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
        return found

    def _find_interrupted(
        self,
        provider: AdoptingProvider,
        provider_ref: str,
        goal: Goal,
        old: ResourceState | None,
        inputs: Properties,
    ) -> ResourceState | None:
        """The resource that an interrupted create for this URN made, now in the checkpoint; None when it made none."""
        pending = self._interrupted.pop((goal.urn, PendingKind.CREATING), None)
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
        response = self._calls(provider.read(api.ReadRequest(goal.urn, id_, {}, dict(pending.resource.inputs))))
        state = goal.state(
            id=id_,
            inputs=steps.carry_secrets(response.inputs or inputs, inputs),
            outputs=_outputs(response.properties, inputs, goal),
            provider=provider_ref,
        )
        if self.preview:
            return state
        self.recorder.note(f"{goal.name} ({id_}) was made by an interrupted run and is taken over")
        self._journal.finish(PendingKind.CREATING, pending.resource, add=(state,))
        return state

    def _orphans(self) -> list[ResourceState]:
        """What interrupted creates made for resources that are no longer declared."""
        found = []
        for (urn, kind), pending in list(self._interrupted.items()):
            if kind is PendingKind.CREATING:
                provider = self.provider_of(pending.resource)
                resource = pending.resource
                id_ = self._calls(provider.find(urn, dict(resource.inputs), self._known_ids(resource.type)))
                if id_ is not None:
                    response = self._calls(provider.read(api.ReadRequest(urn, id_, {}, dict(resource.inputs))))
                    state = replace(resource, id=id_, outputs=dict(response.properties))
                    if not self.preview:
                        self._journal.finish(PendingKind.CREATING, resource, add=(state,))
                    found.append(state)
                    continue
            if not self.preview:
                self._settle_if_done(pending)
        return found

    def _settle_if_done(self, pending: Pending) -> None:
        """A delete that is still to come keeps its record; anything else has been looked after by now."""
        if pending.kind is not PendingKind.DELETING:
            self._journal.settle(pending)
        elif not any(state.id == pending.resource.id for state in self._journal.snapshot().resources):
            self._journal.settle(pending)

    def _known_ids(self, type_: str) -> frozenset[str]:
        return frozenset(state.id for state in self._journal.snapshot().resources if state.type == type_)

    # ---- providers

    def _provider_of(self, token: str, ref: str, version: str) -> tuple[AdoptingProvider, str]:
        """The provider of a type or function, with its reference; the default one of its package unless `ref` is given."""
        package = token.split(":", 1)[0]
        if ref:
            with self._lock:
                state = self._registered[ref.rpartition("::")[0]]
        else:
            state = self._default_provider(package, version)
        return self._providers.get(package, _provider_config(state)), f"{state.urn}::{state.id}"

    def _package_config(self, package: str) -> dict[str, str]:
        prefix = f"{package}:"
        return {key.removeprefix(prefix): value for key, value in self._config.items() if key.startswith(prefix)}

    def _default_provider(self, package: str, version: str) -> ResourceState:
        """The provider a resource has when its program names none. Pulumi calls it `default_<version>`."""
        name = "default" + (f"_{version.replace('.', '_')}" if version else "")
        urn = urns.build(self.stack.name, self.stack.project, "", f"{PROVIDER_PREFIX}{package}", name)
        with self._lock:
            if urn in self._registered:
                return self._registered[urn]
            old = self._old.pop(urn, None)
            config: Properties = {key: from_plain(value) for key, value in self._package_config(package).items()}
            if old is not None and to_plain(old.inputs.get("region", from_plain(None))) != to_plain(
                config.get("region", from_plain(None))
            ):
                raise EngineError(
                    f"stack {self.stack} is in region {to_plain(old.inputs['region'])} and cannot be moved to "
                    f"{to_plain(config['region'])}: destroy it first, or put the region back"
                )
            if version:
                config["version"] = from_plain(version)
            state = ResourceState(
                urn=urn,
                type=f"{PROVIDER_PREFIX}{package}",
                custom=True,
                id=old.id if old else str(uuid.uuid4()),
                inputs=config,
                outputs=config,
            )
            return self._keep(state, old)

    # ---- failures

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """Remember the first failure: after it, nothing new is started."""
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
        if self._failures:
            raise OperationCancelled(f"not started: {self._failures[0]}")

    def _check_allowed(self, change: Change) -> None:
        allowed = self._mode.allowed
        if allowed is not None and (change.urn, change.operation) not in allowed:
            raise EngineError(f"stopped before {change.operation} {change.urn}: the approved plan does not have it")

    def failures(self) -> tuple[Exception, ...]:
        with self._lock:
            return tuple(self._failures)

    def _raise_failures(self) -> None:
        """The failures that were causes: what was not started because of them is left out."""
        self_failures = self.failures()
        if not self_failures:
            self._check_cancelled()
            return
        causes = [error for error in self_failures if not isinstance(error, OperationCancelled)] or self_failures[:1]
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


def _outputs(outputs: Mapping[str, object], inputs: Properties, goal: Goal) -> Properties:
    properties: Properties = steps.carry_secrets(outputs, inputs)  # type: ignore[arg-type] # the SDK's own map
    for key in goal.additional_secret_outputs:
        if key in properties:
            properties[key] = properties[key].with_secret(True)
    return properties


def _provider_config(state: ResourceState) -> dict[str, str]:
    return {key: str(to_plain(value, reveal=True)) for key, value in state.inputs.items() if key != "version"}


def _change(state: ResourceState, operation: Operation) -> Change:
    return Change(urn=state.urn, type=state.type, name=state.name, operation=operation, id=state.id)
