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
