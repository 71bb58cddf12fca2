"""`ils upgrade`: other versions for the cluster, its nodes, or the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ils_pipelines.commands.output import ExitCode, console, exit_code_of, print_error, print_json
from ils_pipelines.commands.run import run
from ils_pipelines.errors import IlsError
from ils_pipelines.provisioning.progress import Action
from ils_pipelines.settings.loading import load_environment
from ils_pipelines.targets import open_target

if TYPE_CHECKING:
    from ils_pipelines.operations.upgrade.database_models import DatabasePreflight
    from ils_pipelines.operations.upgrade.models import Preflight


def upgrade(
    environment: str, *, nodes: bool, only_check: bool, confirm: str, bake_minutes: float, as_json: bool
) -> ExitCode:
    """Check, then run the job and show what it did; with `only_check` show what would be done and what speaks against it."""
    if nodes:
        return run(Action.UPGRADE, environment, as_json=as_json, job="node_refresh")
    try:
        # What is refused is refused before Dagster is loaded.
        from ils_pipelines.operations.upgrade.preflight import preflight
        from ils_pipelines.operations.upgrade.run import check

        target = open_target(load_environment(environment))
        target.preflight()
        if only_check:
            return _show(environment, preflight(target), as_json=as_json)
        check(target, confirm)
    except IlsError as refused:
        return _refuse(environment, refused, as_json=as_json)
    asked = {"confirm": confirm, "bake_minutes": bake_minutes}
    return run(Action.UPGRADE, environment, as_json=as_json, asked=asked)


def upgrade_database(environment: str, *, now: bool, only_check: bool, confirm: str, as_json: bool) -> ExitCode:
    """Likewise, for the minor version of the database."""
    try:
        from ils_pipelines.operations.upgrade.database import check, preflight

        target = open_target(load_environment(environment))
        target.preflight()
        if only_check:
            return _show_database(environment, preflight(target, now=now), as_json=as_json)
        check(target, confirm, now=now)
    except IlsError as refused:
        return _refuse(environment, refused, as_json=as_json)
    asked = {"confirm": confirm, "now": now}
    return run(Action.UPGRADE, environment, as_json=as_json, asked=asked, job="database_upgrade")


def _refuse(environment: str, refused: IlsError, *, as_json: bool) -> ExitCode:
    print_error(refused)
    if as_json:
        print_json({"environment": environment, "error": str(refused), "success": False})
    return exit_code_of(refused)


def _show_database(environment: str, looked: DatabasePreflight, *, as_json: bool) -> ExitCode:
    from ils_pipelines.commands.scanning import print_finding

    code = ExitCode.FAILED if looked.blocking else ExitCode.SUCCESS
    if as_json:
        entry = {
            "environment": environment,
            "version": looked.standing.version,
            "wanted": looked.wanted,
            "pending": looked.standing.pending_version,
            "window_opens": looked.opens.isoformat(),
            "findings": [finding.entry() for finding in looked.findings],
            "success": not looked.blocking,
        }
        print_json(entry)
        return code
    out = console()
    for finding in looked.findings:
        print_finding(out, finding)
    out.print(looked.says)
    return code


def _show(environment: str, looked: Preflight, *, as_json: bool) -> ExitCode:
    from ils_pipelines.commands.scanning import print_finding

    code = ExitCode.FAILED if looked.blocking else ExitCode.SUCCESS
    if as_json:
        print_json(_entry(environment, looked))
        return code
    out = console()
    for finding in looked.findings:
        print_finding(out, finding)
    way = [looked.standing.version, *(step.version for step in looked.steps if step.control_plane)]
    if not looked.steps:
        out.print(f"{environment} has {looked.wanted}, nodes and all: nothing to upgrade")
    else:
        out.print(f"{' -> '.join(way)}: of each version the control plane, the add-ons, then the nodes")
    return code


def _entry(environment: str, looked: Preflight) -> dict[str, Any]:
    return {
        "environment": environment,
        "version": looked.standing.version,
        "wanted": looked.wanted,
        "steps": [{"version": step.version, "control_plane": step.control_plane} for step in looked.steps],
        "findings": [finding.entry() for finding in looked.findings],
        "success": not looked.blocking,
    }
