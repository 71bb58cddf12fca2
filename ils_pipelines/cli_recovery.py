"""The part of `ils` that brings back what was lost, and rehearses it."""

from __future__ import annotations

from typing import Annotated

import typer

EnvironmentArgument = Annotated[str, typer.Argument(help="Name of the environment, e.g. dev.", show_default=False)]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object to standard output.")]

recovery = typer.Typer()


@recovery.command()
def drill(
    environment: EnvironmentArgument,
    scenario: Annotated[
        str,
        typer.Option(
            help="What is lost: full, database-loss, table-corruption, cache-loss, region-loss, cluster-rebuild, ransom."
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
