"""The part of `ils` that keeps data, brings back what was lost, and rehearses it."""

from __future__ import annotations

from typing import Annotated

import typer

from ils_pipelines.cli_options import EnvironmentArgument, JsonOption

recovery = typer.Typer()


@recovery.command()
def drill(
    environment: EnvironmentArgument,
    scenario: Annotated[
        str,
        typer.Option(
            help="What is lost: full, database-loss, table-corruption, cache-loss, region-loss, cluster-rebuild, "
            "cluster-rebuild-away, ransom."
        ),
    ] = "full",
    set_name: Annotated[
        str, typer.Option("--set", help="Name of the backup set; the newest by default.", show_default=False)
    ] = "",
    any_set: Annotated[bool, typer.Option("--random", help="Any of the finished sets.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Rehearse a loss: restore a backup set beside the environment, verify it, take it away. Nothing live is changed."""
    from ils_pipelines.commands.drill import drill as rehearse

    if set_name and any_set:
        raise typer.BadParameter("--set names one set, --random takes any: give one of them")
    raise typer.Exit(rehearse(environment, scenario=scenario, set_name=set_name, any_set=any_set, as_json=as_json))


@recovery.command()
def drills(environment: EnvironmentArgument, as_json: JsonOption = False) -> None:
    """Show what the drills of an environment found: passed or failed, RTO, RPO, why."""
    from ils_pipelines.commands.drill import drills as show

    raise typer.Exit(show(environment, as_json=as_json))


@recovery.command()
def restore(
    environment: EnvironmentArgument,
    into: Annotated[str, typer.Option(help="What the restored things are named, e.g. restored.", show_default=False)],
    set_name: Annotated[str, typer.Option("--set", help="Name of the backup set.", show_default=False)] = "",
    to_time: Annotated[
        str, typer.Option(help="Instead: the moment, such as 2026-11-25T04:30:00Z.", show_default=False)
    ] = "",
    only: Annotated[list[str] | None, typer.Option(help="database, tables, cache; all by default.")] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Only say what would be restored.")] = False,
    approve: Annotated[
        str, typer.Option(help="Approve the restore with this digest; carry out nothing.", show_default=False)
    ] = "",
    by: Annotated[str, typer.Option(help="Who approves.", show_default=False)] = "",
    reason: Annotated[str, typer.Option(help="Why, in one line.", show_default=False)] = "",
    as_json: JsonOption = False,
) -> None:
    """Restore a backup set, or what there was at a moment, beside what is live. The application is switched over after."""
    from ils_pipelines.commands.restore import restore as bring_back

    raise typer.Exit(
        bring_back(
            environment,
            into=into,
            set_name=set_name,
            to_time=to_time,
            only=only or (),
            plan_only=plan,
            approve=approve,
            by=by,
            reason=reason,
            as_json=as_json,
        )
    )


@recovery.command()
def switch(
    environment: EnvironmentArgument,
    to: Annotated[str, typer.Option(help="The restored database to use, by its --into name.", show_default=False)] = "",
    back: Annotated[bool, typer.Option("--back", help="Use the environment's own database again.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Have the application use a restored database, or its own again. Writes the file; `ils up` applies it."""
    from ils_pipelines.commands.restore import switch as change_over

    if bool(to) == back:
        raise typer.BadParameter("--to NAME for a restored database, or --back for the environment's own")
    raise typer.Exit(change_over(environment, to=to, back=back, as_json=as_json))


backup = typer.Typer(no_args_is_help=True, help="Take, look at and delete backup sets.")
SetArgument = Annotated[
    str | None, typer.Argument(metavar="SET", help="Its name; the newest by default.", show_default=False)
]


@backup.command("run")
def backup_run(
    environment: EnvironmentArgument,
    set_name: Annotated[
        str | None,
        typer.Option("--set", help="Finish this one; by default the unfinished one of today, or a new one."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Take a backup set and verify it. One that was interrupted, or is partial, is finished: nothing is done twice."""
    from ils_pipelines.commands.backup import run

    raise typer.Exit(run(environment, set_name, as_json=as_json))


@backup.command("list")
def backup_list(environment: EnvironmentArgument, as_json: JsonOption = False) -> None:
    """List the backup sets of an environment, and how it stands with them. Exit code 1 when one question is not answered
    well."""
    from ils_pipelines.commands.backup import list_sets

    raise typer.Exit(list_sets(environment, as_json=as_json))


@backup.command("show")
def backup_show(environment: EnvironmentArgument, set_name: SetArgument = None, as_json: JsonOption = False) -> None:
    """Show what a backup set consists of."""
    from ils_pipelines.commands.backup import show

    raise typer.Exit(show(environment, set_name, as_json=as_json))


@backup.command("verify")
def backup_verify(environment: EnvironmentArgument, set_name: SetArgument = None, as_json: JsonOption = False) -> None:
    """Look at every piece of a backup set again, without restoring it. Exit code 1 when anything is wrong or missing."""
    from ils_pipelines.commands.backup import verify

    raise typer.Exit(verify(environment, set_name, as_json=as_json))


@backup.command("prune")
def backup_prune(
    environment: EnvironmentArgument,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be deleted.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Delete the backup sets that the environment's file does not ask to keep. Never the last one known to be good."""
    from ils_pipelines.commands.backup import prune

    raise typer.Exit(prune(environment, dry_run=dry_run, as_json=as_json))
