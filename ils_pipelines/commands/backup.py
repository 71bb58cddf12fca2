"""`ils backup …`: backup sets taken, listed, shown, verified and deleted. Only taking one is a run of Dagster."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ils_pipelines.commands.output import ExitCode, console, exit_code_of, print_error, print_json
from ils_pipelines.errors import IlsError
from ils_pipelines.operations.backup.manifest import SetStatus
from ils_pipelines.operations.backup.overview import SetOverview, find_set, overview
from ils_pipelines.operations.backup.set_id import SetId
from ils_pipelines.operations.backup.standing import Standing, age, completeness, restorable, signature
from ils_pipelines.provisioning.progress import PieceTold, Progress
from ils_pipelines.settings.account import JobFamily
from ils_pipelines.settings.loading import load_environment
from ils_pipelines.targets import open_target

if TYPE_CHECKING:
    from ils_pipelines.targets.protocol import Target


def run(environment: str, set_name: str | None, *, as_json: bool) -> ExitCode:
    """Run the job on the set and show what there is of it then. With `as_json`, standard output gets one JSON object."""
    try:
        target = _open(environment)
        set_id = _asked(target, set_name)
        run_id, interrupted = _run_job(set_id)
        found = find_set(target, set_id.name)
    except IlsError as error:
        print_error(error)
        if as_json:
            print_json({"environment": environment, "error": str(error), "success": False})
        return exit_code_of(error)
    success = found.status is SetStatus.COMPLETE and found.verified is not None
    if as_json:
        print_json({**_entry(found), "run_id": run_id, "success": success})
    else:
        _print_set(found)
    if interrupted:
        print_error(f"interrupted; `ils backup run {environment} --set {set_id.name}` goes on from there")
        return ExitCode.INTERRUPTED
    if not success and not as_json:
        print_error(f"the set {set_id} is {found.says}. What is done is kept: run it again for the rest.")
    return ExitCode.SUCCESS if success else ExitCode.FAILED


def list_sets(environment: str, *, as_json: bool) -> ExitCode:
    """Raises an `IlsError`."""
    target = _open(environment)
    sets = overview(target)
    answers = _standings(target, sets)
    if as_json:
        print_json(
            {
                "environment": environment,
                "sets": [_entry(each) for each in sets],
                "standing": {
                    name: {"answer": each.answer.value, "reason": each.reason} for name, each in answers.items()
                },
            }
        )
    else:
        _print_table(
            f"backup sets of {environment}",
            ("set", "status", "pieces", "bytes", "found sound", "restored by a drill"),
            [_row(each) for each in sets],
        )
        for name, each in answers.items():
            sys.stdout.write(f"{name:<13} {each.answer:<8} {each.reason}\n")
    return ExitCode.SUCCESS if all(each.good for each in answers.values()) else ExitCode.FAILED


def show(environment: str, set_name: str | None, *, as_json: bool) -> ExitCode:
    """Raises an `IlsError`."""
    found = find_set(_open(environment), set_name)
    if found.problem:
        print_error(found.problem)
    if as_json:
        manifest = json.loads(found.manifest.canonical()) if found.manifest else None
        print_json({**_entry(found), "manifest": manifest})
    else:
        _print_set(found)
    return ExitCode.FAILED if found.problem or found.manifest is None else ExitCode.SUCCESS


def verify(environment: str, set_name: str | None, *, as_json: bool) -> ExitCode:
    """Raises an `IlsError`."""
    from ils_pipelines.operations.backup.verify import verify_set

    target = _open(environment)
    found = verify_set(target, find_set(target, set_name).id)
    if as_json:
        print_json({**found.model_dump(mode="json"), "success": found.sound})
    else:
        _print_table(
            f"{found.environment}/{found.set}",
            ("piece", "verdict", "problems"),
            [(each.piece, each.verdict.value, "\n".join(each.problems)) for each in found.pieces],
        )
        sys.stdout.write("everything is sound\n" if found.sound else f"{len(found.wrong)} pieces are not sound\n")
    return ExitCode.SUCCESS if found.sound else ExitCode.FAILED


def prune(environment: str, *, dry_run: bool, as_json: bool) -> ExitCode:
    """Raises an `IlsError`."""
    from ils_pipelines.operations.backup.prune import prune as delete

    found = delete(_open(environment), dry_run=dry_run)
    if as_json:
        entries = [{"set": each.set.name, "deleted": each.goes, "kept": each.kept, "left": each.left} for each in found]
        print_json({"environment": environment, "dry_run": dry_run, "sets": entries})
    else:
        word = "would go" if dry_run else "deleted"
        _print_table(
            f"backup sets of {environment}",
            ("set", "", "why"),
            [(each.set.name, word if each.goes else "kept", "\n".join((*each.kept, *each.left))) for each in found],
        )
    return ExitCode.FAILED if any(each.left for each in found) else ExitCode.SUCCESS


def _open(environment: str) -> Target:
    target = open_target(load_environment(environment), JobFamily.BACKUP)
    target.preflight()
    return target


def _asked(target: Target, name: str | None) -> SetId:
    from ils_pipelines.operations.backup.run import set_to_run

    return SetId.parse(target.environment.name, name) if name else set_to_run(target, datetime.now(UTC))


def _run_job(set_id: SetId) -> tuple[str, bool]:
    """The id of the run, and whether somebody interrupted it."""
    from ils_pipelines.defs.backup import TAKE_SET, partition_of
    from ils_pipelines.defs.launch import run_job
    from ils_pipelines.instance import open_instance

    with open_instance() as instance:
        outcome = run_job(
            instance,
            TAKE_SET,
            partition_of(set_id),
            listener=_tell,
            run_config={"ops": {"take": {"config": {"set": set_id.name}}}},
        )
    return outcome.run_id, outcome.interrupted


def _tell(progress: Progress) -> None:
    if isinstance(progress, PieceTold):
        sys.stderr.write(f"  {progress.piece:<26} {progress.event} {progress.text}".rstrip() + "\n")


def _standings(target: Target, sets: tuple[SetOverview, ...]) -> dict[str, Standing]:
    newest, now, settings = (sets[0] if sets else None), datetime.now(UTC), target.environment.backup
    set_id = newest.id if newest else SetId(target.environment.name, now)
    return {
        "age": age(sets, settings, now),
        "completeness": completeness(newest, set_id),
        "signature": signature(newest, set_id),
        "restorable": restorable(sets, settings, now),
    }


def _row(found: SetOverview) -> tuple[str, ...]:
    pieces = "" if found.manifest is None else str(len(found.manifest.pieces))
    if found.manifest is not None and found.manifest.failures:
        pieces += f", {len(found.manifest.failures)} failed"
    moments = (f"{each:%Y-%m-%d %H:%M}" if each else "never" for each in (found.verified, found.restorable))
    return found.id.name, found.says, pieces, f"{found.size:,}", *moments


def _entry(found: SetOverview) -> dict[str, Any]:
    manifest = found.manifest
    return {
        "environment": found.id.environment,
        "set": found.id.name,
        "status": found.status.value,
        "problem": found.problem,
        "pieces": [piece.name for piece in manifest.pieces] if manifest else [],
        "failures": {each.name: each.reason for each in manifest.failures} if manifest else {},
        "bytes": found.size,
        "verified": found.verified.isoformat() if found.verified else None,
        "restorable": found.restorable.isoformat() if found.restorable else None,
    }


def _print_set(found: SetOverview) -> None:
    if found.manifest is None:
        sys.stdout.write(f"{found.id}: {found.says}\n")
        return
    rows = [
        (
            each.name,
            f"{each.size:,}",
            f"{each.consistency_point:%Y-%m-%d %H:%M:%S}",
            each.arn or (each.object.key if each.object else ""),
        )
        for each in found.manifest.pieces
    ]
    rows += [(each.name, "failed", "", each.reason) for each in found.manifest.failures]
    _print_table(f"{found.id}: {found.says}", ("piece", "bytes", "holds the state of", "where"), rows)
    sys.stdout.write(f"manifest {found.manifest.digest}\n")


def _print_table(title: str, heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    for head in heads:
        table.add_column(head, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console().print(table)
