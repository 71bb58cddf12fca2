"""`ils rollback`: release an earlier release again."""

from __future__ import annotations

import sys

from ils_pipelines.commands.output import ExitCode
from ils_pipelines.commands.run import run
from ils_pipelines.provisioning.progress import Action


def rollback(environment: str, *, to: int | None, reason: str, as_json: bool) -> ExitCode:
    """Run the job and show what it did, and what the environment's file still says."""
    asked = {"to": to or 0, "reason": reason}
    code = run(Action.ROLLBACK, environment, as_json=as_json, asked=asked)
    if code is ExitCode.SUCCESS and not as_json:
        sys.stdout.write(
            f"the environment's file still says what it said: `ils plan {environment}` shows what the next up would release\n"
        )
    return code
