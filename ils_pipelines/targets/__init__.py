"""Where an environment lives. `open_target` finds the target that its file names."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from ils_pipelines.targets.errors import TargetUnavailable

if TYPE_CHECKING:
    from ils_pipelines.settings.account import JobFamily
    from ils_pipelines.settings.environment import Environment
    from ils_pipelines.targets.protocol import Target

SANDBOX_MODULE = "ils_sandbox.target"


def open_target(environment: Environment, family: JobFamily | None = None) -> Target:
    """The target of an environment, for a family of jobs. Reaches out to nothing: `Target.preflight` does.

    Raises `TargetUnavailable` when this installation has no such target.
    """
    role = environment.aws.roles.get(family) if family else None
    if role is not None:
        account = environment.aws.model_copy(update={"assume_role": role})
        environment = environment.model_copy(update={"aws": account})
    return _OPENERS[str(environment.target)](environment, family)


def _sandbox(environment: Environment, family: JobFamily | None) -> Target:
    # By name: the product works without the sandbox, which is an extra.
    try:
        module = importlib.import_module(SANDBOX_MODULE)
    except ModuleNotFoundError as missing:
        raise TargetUnavailable(
            f"environment {environment.name} lives in the sandbox, which is not installed (no module {missing.name}). "
            "Install it with the extra: pip install 'ils-pipelines[sandbox]'."
        ) from missing
    target: Target = module.SandboxTarget(environment, family)
    return target


def _aws(environment: Environment, _family: JobFamily | None) -> Target:
    from ils_pipelines.targets.aws import AwsTarget

    return AwsTarget(environment)


_OPENERS = {"sandbox": _sandbox, "aws": _aws}
