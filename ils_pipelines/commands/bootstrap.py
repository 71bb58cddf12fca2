"""`ils bootstrap`: the bucket and the key of Pulumi's state, in an account that has none yet."""

from __future__ import annotations

import sys

from ils_pipelines.commands.output import ExitCode, print_json
from ils_pipelines.operations.bootstrap import BootstrapFailed
from ils_pipelines.operations.bootstrap import bootstrap as steps_of
from ils_pipelines.settings.loading import load_environment
from ils_pipelines.settings.tiers import TargetKind
from ils_pipelines.targets.aws import AwsTarget


def bootstrap(environment: str, *, as_json: bool) -> ExitCode:
    """Make what is missing and say what was. Raises an `IlsError`."""
    found = load_environment(environment)
    if found.target is not TargetKind.AWS:
        raise BootstrapFailed(
            f"expected {environment} to live in an AWS account, found target: {found.target}. The sandbox needs no "
            "bootstrapping; set `target: aws` in its file to make the environment real."
        )
    steps = []
    for step in steps_of(AwsTarget(found)):
        steps.append(step)
        if not as_json:
            sys.stdout.write(f"{'made' if step.changed else 'there':<6} {step.what}\n")
            sys.stdout.flush()
    if as_json:
        done = [{"what": step.what, "changed": step.changed} for step in steps]
        print_json({"environment": environment, "steps": done, "success": True})
    return ExitCode.SUCCESS
