"""The engine of environments in AWS accounts: Pulumi's command line, through its Automation API."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from pulumi.automation.errors import CommandError, ConcurrentUpdateError

from ils_pipelines.engine.covering import covers, step_deviations
from ils_pipelines.engine.errors import EngineError, PlanMismatch, ProtectedResource, StackLocked
from ils_pipelines.engine.models import Drift, LockHolder, OutputValue, Plan, Stack, UpResult
from ils_pipelines.engine.protocol import OnEvent, ignore_events
from ils_pipelines.engine.pulumi import adoption, deployment, locking
from ils_pipelines.engine.pulumi.adoption import Finder
from ils_pipelines.engine.pulumi.backend import ClientFactory, open_backend
from ils_pipelines.engine.pulumi.cli import Command
from ils_pipelines.engine.pulumi.drift import DriftRecorder
from ils_pipelines.engine.pulumi.event_recorder import EventRecorder
from ils_pipelines.engine.pulumi.failures import cancelled, explain
from ils_pipelines.engine.pulumi.installation import Installation
from ils_pipelines.engine.pulumi.lost_engine import outlive_engine
from ils_pipelines.engine.pulumi.watch import watched
from ils_pipelines.engine.pulumi.workspace import Deployment, StackHandle, opened, scratch
from ils_pipelines.settings.engine import EngineSettings


class PulumiEngine:
    """Keeps the promises of `ils_pipelines.engine.protocol.Engine`. Each operation on a stack is a process of its own."""

    def __init__(
        self,
        settings: EngineSettings,
        *,
        config: Mapping[str, str],
        environment: Mapping[str, str] | None = None,
        home: Path | None = None,
        finder: Finder,
        client: ClientFactory | None = None,
    ) -> None:
        """`config` is Pulumi's, e.g. `aws:region`; `environment` are variables for Pulumi and its providers, e.g.
        credentials; `home` is where Pulumi keeps its plugins, `~/.pulumi` unless given; `client` makes the boto3 client that
        reads the locks of an S3 backend; `finder` looks for what an interrupted create made."""
        self._settings = settings
        self._config = dict(config)
        self._home = home
        self._finder = finder
        self._client = client
        self._installation = Installation(settings, environment or {})

    def preview(self, stack: Stack, *, on_event: OnEvent = ignore_events) -> Plan:
        with self._opened(stack) as work:
            return self._preview(work, on_event)

    def up(
        self,
        stack: Stack,
        *,
        approved: Plan | None = None,
        on_event: OnEvent = ignore_events,
        cancel: threading.Event | None = None,
    ) -> UpResult:
        recorder = EventRecorder(stack, on_event)
        with self._opened(stack) as work:
            self._refuse_locked(stack)
            if work.before is None:
                work.handle.initialize(self._settings.secrets_provider)
                work.before = work.handle.export()
            approved_steps = self._check_approved(work, approved)
            planned_from = work.before
            recorder.adopted = self._go_on(work, on_event, cancel)
            if approved is not None and work.before is not planned_from:
                approved_steps = self._check_rest(work, approved, recorder.adopted)
            self._change(work, recorder, work.handle.up, cancel, program=work.program, plan=approved_steps)
            return self._result(work, recorder)

    def destroy(
        self, stack: Stack, *, on_event: OnEvent = ignore_events, cancel: threading.Event | None = None
    ) -> UpResult:
        recorder = EventRecorder(stack, on_event)
        with self._opened(stack) as work:
            if work.before is None or not (deployment.resources(work.before) or deployment.pending(work.before)):
                return self._result(work, recorder)
            self._refuse_locked(stack)
            if kept := deployment.protected(work.before):
                raise ProtectedResource(kept)
            self._go_on(work, on_event, cancel)
            self._change(work, recorder, work.handle.destroy, cancel)
            return self._result(work, recorder)

    def refresh(self, stack: Stack, *, record: bool = False, on_event: OnEvent = ignore_events) -> Drift:
        with self._opened(stack) as work:
            if record:
                self._refuse_locked(stack)
                self._go_on(work, on_event, None)
            recorder = DriftRecorder(stack, on_event, work.before)
            checked = len(deployment.managed(work.before))
            if checked:
                with self._acting_as_configured(work) as handle:
                    self._read(work, recorder, handle.refresh, preview_only=not record)
            return Drift(project=stack.project, stack=stack.name, checked=checked, drifted=recorder.drifted())

    def outputs(self, stack: Stack) -> Mapping[str, OutputValue] | None:
        with self._opened(stack, reveal=True) as work:
            return deployment.outputs(work.before)

    def export_state(self, stack: Stack) -> dict[str, Any]:
        with self._opened(stack) as work:
            if work.before is None:
                raise EngineError(f"there is no stack {stack} to export")
            return work.before

    def import_state(self, stack: Stack, state: dict[str, Any]) -> None:
        deployment.verify(state, stack)
        with self._opened(stack) as work, self._explaining(work, EventRecorder(stack, ignore_events)):
            self._refuse_locked(stack)
            if work.before is None:
                work.handle.initialize(self._settings.secrets_provider)
            work.handle.replace(state)

    def lock_holder(self, stack: Stack) -> LockHolder | None:
        return locking.holder(self._backend(), stack)

    def unlock(self, stack: Stack, *, force: bool = False) -> LockHolder | None:
        return locking.unlock(self._backend(), stack, force=force)

    def _preview(self, work: _Work, on_event: OnEvent, *, plan_file: str | None = None) -> Plan:
        adoptable = adoption.look(work.handle, work.before, self._finder).ids
        recorder = EventRecorder(work.stack, on_event)
        recorder.adopted = frozenset(adoptable)
        with self._somewhere(work) as handle:
            self._read(work, recorder, handle.preview, program=work.program, plan=plan_file)
        return recorder.plan()

    def _check_approved(self, work: _Work, approved: Plan | None) -> str | None:
        """The file with the steps that Pulumi is held to; None when nothing has to be approved. Raises PlanMismatch."""
        if approved is None:
            return None
        file = work.handle.plan_file
        actual = self._preview(work, ignore_events, plan_file=file)
        if not covers(approved, actual):
            raise PlanMismatch(approved, actual)
        return file

    def _check_rest(self, work: _Work, approved: Plan, adopted: frozenset[str]) -> str:
        """Likewise once the record is as what is there: an interrupted run may have done some of it, and more is not done."""
        actual = self._preview(work, ignore_events, plan_file=work.handle.plan_file)
        left = (change for change in actual.changes if change.urn not in adopted)
        if any(next(step_deviations(approved, change), None) for change in left):
            raise PlanMismatch(approved, actual)
        return work.handle.plan_file

    def _go_on(self, work: _Work, on_event: OnEvent, cancel: threading.Event | None) -> frozenset[str]:
        """Have the record say what is there, where an interrupted run left that open, and have its providers act as the
        configuration says now; the URNs of what was made without a record and was taken over."""
        if work.before is None:
            return frozenset()
        cancel = cancel or threading.Event()
        found = adoption.NOTHING
        changed = work.before
        if deployment.pending(work.before) or adoption.doubtful(work.before):
            recorder = EventRecorder(work.stack, on_event)
            recorder.note(f"the last operation on {work.stack} was interrupted; going on from its last record")
            found = adoption.look(work.handle, work.before, self._finder)
            adoption.finish(work.before, found, self._finder, recorder, cancel)
            if cancel.is_set():
                raise cancelled(work.stack)
            changed = adoption.taken_over(work.before, found)
        self._put(work, deployment.acting_as(changed, self._config))
        if doubtful := adoption.doubtful(work.before):
            quiet = EventRecorder(work.stack, ignore_events)
            self._read(work, quiet, work.handle.refresh, cancel, target=doubtful)
            work.before = work.handle.export()
        return frozenset(found.ids)

    @contextmanager
    def _acting_as_configured(self, work: _Work) -> Iterator[StackHandle]:
        """The stack with its providers acting as the configuration says now; a copy of it where its record says something
        else, as looking at it writes nothing."""
        if work.before is None:
            raise AssertionError("there is no stack whose providers could act")
        acting = deployment.acting_as(work.before, self._config)
        if acting == work.before:
            yield work.handle
        else:
            with scratch(work.stack, work.command, config=self._config, like=work.handle, deployment=acting) as handle:
                yield handle

    def _put(self, work: _Work, changed: Deployment) -> None:
        """Make `changed`, which was made from `work.before`, the stack's. No lock was held since: raises EngineError when
        somebody worked on the stack meanwhile."""
        if changed == work.before:
            return
        self._refuse_locked(work.stack)
        if work.handle.export() != work.before:
            raise EngineError(
                f"somebody else worked on {work.stack} meanwhile; nothing was changed in it. Try again, to go on from there."
            )
        work.handle.replace(changed)
        work.before = work.handle.export()

    def _read(
        self,
        work: _Work,
        recorder: EventRecorder,
        command: Callable[..., Any],
        cancel: threading.Event | None = None,
        **options: Any,
    ) -> None:
        """Run a command of Pulumi that changes nothing but its record."""
        self._run(work, recorder, command, self._settings.read_timeout, cancel or threading.Event(), options)

    def _change(
        self,
        work: _Work,
        recorder: EventRecorder,
        command: Callable[..., Any],
        cancel: threading.Event | None,
        **options: Any,
    ) -> None:
        """Run a command of Pulumi that changes what is there."""
        self._run(work, recorder, command, self._settings.change_timeout, cancel or threading.Event(), options)

    def _run(
        self,
        work: _Work,
        recorder: EventRecorder,
        command: Callable[..., Any],
        timeout: timedelta,
        cancel: threading.Event,
        options: Mapping[str, Any],
    ) -> None:
        """Run Pulumi once. Raises what explains its failure, or what the listener raised."""

        def run() -> Any:
            return command(
                on_event=recorder.take,
                parallel=self._settings.parallel,
                color="never",
                suppress_outputs=True,
                suppress_progress=True,
                **options,
            )

        try:
            with self._explaining(work, recorder, planned=command == work.handle.up and bool(options.get("plan"))):
                watched(run, work.command, cancel=cancel, timeout=timeout)
        finally:
            if work.command.interrupted:
                locking.give_back(self._backend(), work.stack, work.command.pids)
        if recorder.listener_error is not None:
            raise recorder.listener_error

    @contextmanager
    def _explaining(self, work: _Work, recorder: EventRecorder, *, planned: bool = False) -> Iterator[None]:
        try:
            yield
        except ConcurrentUpdateError as error:
            self._refuse_locked(work.stack)
            raise EngineError(f"{work.stack} was locked for a moment; try again") from error
        except CommandError as error:
            if work.command.interrupted:
                raise cancelled(work.stack) from error
            raise explain(work.stack, error, recorder, work.before, work.program_error, planned=planned) from error

    def _refuse_locked(self, stack: Stack) -> None:
        holder = self.lock_holder(stack)
        if holder is not None:
            raise StackLocked(str(stack), holder)

    def _result(self, work: _Work, recorder: EventRecorder) -> UpResult:
        after = work.handle.export(reveal=True) if work.before is not None else None
        return recorder.result(deployment.outputs(after))

    @contextmanager
    def _opened(self, stack: Stack, *, reveal: bool = False) -> Iterator[_Work]:
        command = self._installation.command()
        variables = self._installation.environment()
        with opened(stack, command, config=self._config, environment=variables, home=self._home) as handle:
            work = _Work(stack, handle, command)
            with self._explaining(work, EventRecorder(stack, ignore_events)):
                work.before = handle.export(reveal=reveal)
            self._installation.check_secrets_provider(stack, work.before)
            yield work

    @contextmanager
    def _somewhere(self, work: _Work) -> Iterator[StackHandle]:
        """The stack, or, of one that does not exist yet, an empty one in a backend of its own: a preview writes nothing."""
        if work.before is not None:
            yield work.handle
        else:
            with scratch(work.stack, work.command, config=self._config, like=work.handle) as handle:
                yield handle

    def _backend(self) -> Any:
        return open_backend(self._installation.backend(), self._client or _own_client)


@dataclass
class _Work:
    """One operation under way: the stack as it is driven, and the deployment that it started from."""

    stack: Stack
    handle: StackHandle
    command: Command
    before: Deployment | None = None
    program_error: Exception | None = None

    def program(self) -> None:
        outlive_engine()
        try:
            self.stack.program()
        except Exception as error:
            self.program_error = error
            raise


def _own_client(service: str, parameters: Mapping[str, str]) -> Any:
    """By the standard chain of credentials."""
    import boto3

    session = boto3.Session(profile_name=parameters.get("profile"), region_name=parameters.get("region"))
    return session.client(service, endpoint_url=parameters.get("endpoint"))
