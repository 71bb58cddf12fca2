"""`ils unlock`: takes away the locks of processes that are gone."""

from __future__ import annotations

from ils_pipelines.commands.output import ExitCode, console, print_json
from ils_pipelines.settings.layers import Layer
from ils_pipelines.settings.loading import load_environment
from ils_pipelines.targets import open_target


def unlock(environment: str, *, layer: Layer | None, force: bool, as_json: bool) -> ExitCode:
    """Unlock one layer, or all. Raises `StackLocked` when a holder is at work; what was unlocked before stays unlocked."""
    from ils_pipelines.provisioning.layers import layer_work

    target = open_target(load_environment(environment))
    layers = [layer] if layer else list(Layer)
    found = {each: layer_work(target, each).unlock(force=force) for each in layers}
    taken = {each: holder for each, holder in found.items() if holder is not None}
    if as_json:
        locks = {str(each): holder.model_dump(mode="json") for each, holder in taken.items()}
        print_json({"environment": environment, "unlocked": locks, "success": True})
        return ExitCode.SUCCESS
    out = console()
    for each, holder in taken.items():
        out.print(
            f"{each}: took away the lock of {holder.user} (process {holder.pid} on {holder.host}, since "
            f"{holder.since:%Y-%m-%d %H:%M:%S} UTC), which is gone",
            markup=False,
            soft_wrap=True,
        )
    if not taken:
        out.print("nothing is locked", markup=False)
    return ExitCode.SUCCESS
