"""The folder in which Pulumi works on one stack during one operation, and the stack as it is driven from there."""

from __future__ import annotations

import json
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pulumi.automation import LocalWorkspace, ProjectSettings, StackSettings, UpdateSummary, fully_qualified_stack_name
from pulumi.automation import Stack as AutomationStack
from pulumi.automation.errors import StackNotFoundError

from ils_pipelines.engine.errors import CheckpointCorrupt
from ils_pipelines.engine.models import Stack
from ils_pipelines.engine.pulumi.backend import ORGANIZATION
from ils_pipelines.engine.pulumi.cli import Command
from ils_pipelines.engine.pulumi.installation import PASSPHRASE

Deployment = dict[str, Any]
"""Pulumi's deployment JSON with its version: `{"version": 3, "deployment": {…}}`."""


class StackHandle(AutomationStack):
    """A stack of the Automation API. What it asks Pulumi for after each operation, one more process each time, is read
    here from one export instead."""

    workspace: LocalWorkspace

    def __init__(self, stack: Stack, workspace: LocalWorkspace) -> None:
        # Not the base class's, which selects the stack, in a process of its own.
        self.name = fully_qualified_stack_name(ORGANIZATION, stack.project, stack.name)
        self.workspace = workspace

    def __repr__(self) -> str:
        return f"StackHandle({self.name!r})"

    @property
    def plan_file(self) -> str:
        """Where Pulumi saves the steps of a preview, secrets encrypted."""
        return str(Path(self.workspace.work_dir, "plan.json"))

    def outputs(self) -> dict[str, Any]:
        return {}

    def info(self, show_secrets: bool = True) -> UpdateSummary:  # noqa: ARG002 the base class's
        return UpdateSummary("update", datetime.now(UTC), "", {}, {}, "succeeded")

    def initialize(self, secrets_provider: str) -> None:
        """Make the stack in the backend."""
        self._pulumi("stack", "init", self.name, "--no-select", "--secrets-provider", secrets_provider)

    def export(self, *, reveal: bool = False) -> Deployment | None:
        """The deployment, secrets encrypted unless `reveal` asks for them; None when there is no such stack."""
        arguments = ["stack", "export", "--stack", self.name, *(["--show-secrets"] if reveal else [])]
        try:
            text = self._pulumi(*arguments)
        except StackNotFoundError:
            return None
        try:
            deployment: Deployment = json.loads(text)
        except ValueError as error:
            raise CheckpointCorrupt(
                f"what Pulumi exports of {self.name} is not JSON ({error}). Nothing was changed."
            ) from error
        return deployment

    def replace(self, deployment: Deployment) -> None:
        """Make `deployment` the stack's."""
        file = Path(self.workspace.work_dir, "deployment.json")
        file.write_text(json.dumps(deployment))
        try:
            self._pulumi("stack", "import", "--stack", self.name, "--file", str(file))
        finally:
            file.unlink()

    def _pulumi(self, *arguments: str) -> str:
        environment = {**self.workspace.env_vars}
        if self.workspace.pulumi_home:
            environment["PULUMI_HOME"] = self.workspace.pulumi_home
        return self.workspace.pulumi_command.run([*arguments], self.workspace.work_dir, environment).stdout


@contextmanager
def opened(
    stack: Stack, command: Command, *, config: Mapping[str, str], environment: Mapping[str, str], home: Path | None
) -> Iterator[StackHandle]:
    """The stack in a folder that only this user can read, and that is gone afterwards."""
    folder = tempfile.mkdtemp(prefix="ils-pulumi-")
    try:
        workspace = LocalWorkspace(
            work_dir=folder,
            pulumi_home=str(home) if home else None,
            env_vars=dict(environment),
            pulumi_command=command,
            project_settings=ProjectSettings(name=stack.project, runtime="python"),
            stack_settings={stack.name: StackSettings(config=dict(config))},
        )
        yield StackHandle(stack, workspace)
    finally:
        shutil.rmtree(folder)


@contextmanager
def scratch(
    stack: Stack,
    command: Command,
    *,
    config: Mapping[str, str],
    like: StackHandle,
    deployment: Deployment | None = None,
) -> Iterator[StackHandle]:
    """A stack of the same name in a backend of its own, which is gone afterwards: an empty one, or one with `deployment`."""
    with tempfile.TemporaryDirectory(prefix="ils-pulumi-") as folder:
        environment = {**like.workspace.env_vars, "PULUMI_BACKEND_URL": f"file://{folder}?metadata=skip"}
        if not _needs_passphrase(deployment):
            environment["PULUMI_CONFIG_PASSPHRASE"] = secrets.token_urlsafe(16)
            environment.pop("PULUMI_CONFIG_PASSPHRASE_FILE", None)
        home = Path(like.workspace.pulumi_home) if like.workspace.pulumi_home else None
        with opened(stack, command, config=config, environment=environment, home=home) as handle:
            handle.initialize(PASSPHRASE)
            if deployment is not None:
                handle.replace(deployment)
            yield handle


def _needs_passphrase(deployment: Deployment | None) -> bool:
    """Whether the secrets in it can only be read with the environment's own passphrase."""
    encrypted_by = ((deployment or {}).get("deployment") or {}).get("secrets_providers") or {}
    return encrypted_by.get("type") == PASSPHRASE
