"""`ils promote`: release into one environment exactly what runs in another."""

from __future__ import annotations

import sys

from ils_pipelines.commands.output import ExitCode
from ils_pipelines.commands.run import run
from ils_pipelines.provisioning.progress import Action
from ils_pipelines.settings.loading import load_environment
from ils_pipelines.targets import open_target


def promote(source: str, into: str, *, as_json: bool, approve: str) -> ExitCode:
    """Write the release into the file of `into`, then release it; where that needs approval, show the plan to approve.

    Raises an `IlsError`, with nothing changed, for what is not to be promoted.
    """
    from ils_pipelines.operations.promotion import promotable
    from ils_pipelines.operations.promotion import promote as write

    load_environment(into)  # a name that is wrong is told before anything is looked at
    target = open_target(load_environment(source))
    target.preflight()
    release = promotable(target)
    environment = write(release, into)
    sys.stderr.write(f"app.image of {into} is now {release.image}, which is {release.origin}\n")
    if environment.requires_approval and not approve:
        code = run(Action.PREVIEW, into, as_json=as_json)
        sys.stderr.write(
            f"{into} is changed only as an approved plan. Have this one approved, then release it:\n"
            f"  ils approve {into} --plan DIGEST --by NAME --reason 'promote {release.origin}'\n"
            f"  ils up {into}\n"
        )
        return code
    return run(Action.UP, into, as_json=as_json, approve=approve)
