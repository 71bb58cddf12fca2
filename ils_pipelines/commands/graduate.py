"""`ils graduate`: an environment of the sandbox moves to the real Pulumi, or back."""

from __future__ import annotations

from ils_pipelines.commands.output import ExitCode, console, print_json
from ils_pipelines.settings.loading import load_environment
from ils_pipelines.targets import open_target


def graduate(environment: str, *, back: bool, as_json: bool) -> ExitCode:
    """Move it and say what was moved. Raises an `IlsError` when it stays where it is."""
    from ils_pipelines.provisioning.graduation import graduate as move

    target = open_target(load_environment(environment))
    target.preflight()
    moved = move(target, back=back)
    if as_json:
        layers = [
            {"layer": str(each.layer), "resources": each.resources, "changes": each.plan.counts} for each in moved
        ]
        print_json({"environment": environment, "real_engine": not back, "layers": layers, "success": True})
        return ExitCode.SUCCESS
    out = console()
    for each in moved:
        changes = f"{len(each.plan.changes)} changes planned, as before" if each.plan.changes else "no change planned"
        out.print(f"{each.layer:<16}{each.resources:>4} resources moved, {changes}", markup=False)
    now = "the sandbox's engine" if back else "the real Pulumi"
    out.print(f"{environment} is applied by {now} from now on", markup=False)
    return ExitCode.SUCCESS
