"""`ils bootstrap`: the bucket and the key of Pulumi's state, in an account that has none yet."""

from __future__ import annotations

import sys

from ils_pipelines.commands.output import ExitCode, print_json
from ils_pipelines.operations.bootstrap import bootstrap as steps_of
from ils_pipelines.settings.loading import load_environment
from ils_pipelines.targets import open_target


def bootstrap(environment: str, *, as_json: bool) -> ExitCode:
    """Make what is missing and say what was. Raises an `IlsError`."""
    steps = []
    for step in steps_of(open_target(load_environment(environment))):
        steps.append(step)
        if not as_json:
            sys.stdout.write(f"{'made' if step.changed else 'there':<6} {step.what}\n")
            sys.stdout.flush()
    if as_json:
        found = [{"what": step.what, "changed": step.changed} for step in steps]
        print_json({"environment": environment, "steps": found, "success": True})
    return ExitCode.SUCCESS
