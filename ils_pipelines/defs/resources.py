"""Resources of the steps. Making one does no work: files are read and servers reached when a step asks."""

import threading

from dagster import ConfigurableResource
from pydantic import PrivateAttr

from ils_pipelines.provisioning.approval import NotApproved, Permit, check_approval
from ils_pipelines.provisioning.approval_place import approvals_of
from ils_pipelines.provisioning.versions import VersionRefused, check_versions
from ils_pipelines.settings.account import JobFamily
from ils_pipelines.settings.loading import load_environment
from ils_pipelines.targets import open_target
from ils_pipelines.targets.protocol import Target


class EnvironmentTargets(ConfigurableResource):  # type: ignore[type-arg]
    """The targets of a run's environments, each opened and checked once and shared by the run's steps.

    Sharing matters: a target keeps its AWS clients, which take longer to make than most calls take.
    """

    _targets: dict[tuple[str, JobFamily | None], Target] = PrivateAttr(default_factory=dict)
    _refused: dict[str, VersionRefused | None] = PrivateAttr(default_factory=dict)
    _permits: dict[str, Permit | NotApproved] = PrivateAttr(default_factory=dict)
    _lock: threading.Lock = PrivateAttr(default_factory=threading.Lock)

    def open(self, environment: str, family: JobFamily | None = None) -> Target:
        """The target of the environment of that name, reachable, for a family of jobs.

        Raises an `IlsError`: the environment's file is missing or wrong, or its target is not available.
        """
        with self._lock:
            if (environment, family) not in self._targets:
                target = open_target(load_environment(environment), family)
                target.preflight()
                self._targets[environment, family] = target
            return self._targets[environment, family]

    def open_checked(self, environment: str) -> Target:
        """Likewise, with versions that AWS creates, asked once for each run. Raises `VersionRefused` as well."""
        target = self.open(environment)
        with self._lock:
            if environment not in self._refused:
                try:
                    check_versions(target)
                    self._refused[environment] = None
                except VersionRefused as refused:
                    self._refused[environment] = refused
            refusal = self._refused[environment]
        if refusal is not None:
            raise refusal
        return target

    def open_approved(self, environment: str, run_id: str) -> tuple[Target, Permit]:
        """Likewise, with what the run may do to the environment; its approval is used up. No step of a run changes anything
        before. Raises `NotApproved` as well.
        """
        target = self.open_checked(environment)
        with self._lock:
            if environment not in self._permits:
                try:
                    self._permits[environment] = check_approval(target, approvals_of(target), run_id)
                except NotApproved as refused:
                    # For the other steps that start at the same moment, which need not plan again to hear the same.
                    self._permits[environment] = refused
            permit = self._permits[environment]
        if isinstance(permit, NotApproved):
            raise permit
        return target, permit
