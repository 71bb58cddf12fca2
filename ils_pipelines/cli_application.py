"""The part of `ils` that is about what runs in an environment: releases, sizes, secrets, versions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ils_pipelines.cli_options import EnvironmentArgument, JsonOption
from ils_pipelines.operations.rotation.models import What

application = typer.Typer()


@application.command()
def releases(environment: EnvironmentArgument, as_json: JsonOption = False) -> None:
    """Show what was released into an environment: numbers, images, what became of each."""
    from ils_pipelines.commands.releases import releases as show

    raise typer.Exit(show(environment, as_json=as_json))


@application.command()
def rollback(
    environment: EnvironmentArgument,
    to: Annotated[
        int | None, typer.Option(help="Number of the release; the one before by default.", show_default=False, min=1)
    ] = None,
    reason: Annotated[str, typer.Option(help="Why, in one line; kept in the history.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Release an earlier release again, code and configuration. A release that fails goes back by itself."""
    from ils_pipelines.commands.rollback import rollback as go_back

    raise typer.Exit(go_back(environment, to=to, reason=reason, as_json=as_json))


@application.command()
def promote(
    source: Annotated[str, typer.Argument(help="Environment in which the release runs.", show_default=False)],
    into: Annotated[str, typer.Argument(help="Environment that gets it.", show_default=False)],
    approve: Annotated[
        str, typer.Option(help="Approve the plan with this digest yourself, as for `ils up`.", show_default=False)
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Release into one environment exactly what runs in another, if it is healthy there. Writes app.image of its file."""
    from ils_pipelines.commands.promote import promote as release

    raise typer.Exit(release(source, into, as_json=as_json, approve=approve))


@application.command()
def scale(
    environment: EnvironmentArgument,
    replicas: Annotated[
        int | None, typer.Option(help="Pods, where no autoscaler says so; 0 for none.", min=0, show_default=False)
    ] = None,
    fewest: Annotated[
        int | None, typer.Option("--min", help="Fewest pods of the autoscaler.", show_default=False)
    ] = None,
    most: Annotated[int | None, typer.Option("--max", help="Most pods of the autoscaler.", show_default=False)] = None,
    nodes: Annotated[
        list[str] | None,
        typer.Option(help="GROUP=FEWEST:MOST or GROUP=FEWEST:MOST:NOW; once for each node group.", show_default=False),
    ] = None,
    restore: Annotated[bool, typer.Option("--restore", help="All as the environment's file says.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Change how many pods and nodes there are, until the environment is changed next. Refuses what would do harm."""
    from ils_pipelines.commands.scale import scale as change

    raise typer.Exit(
        change(
            environment,
            replicas=replicas,
            fewest=fewest,
            most=most,
            nodes=nodes or (),
            restore=restore,
            as_json=as_json,
        )
    )


@application.command()
def rotate(
    environment: EnvironmentArgument,
    what: Annotated[
        list[What] | None, typer.Option(help="database or cache; both by default.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Put other secrets in the place of those that open the database and the cache. Pods go over to them; shows the proof."""
    from ils_pipelines.commands.rotate import rotate as change

    raise typer.Exit(change(environment, what=what or (), as_json=as_json))


@application.command()
def upgrade(
    environment: EnvironmentArgument,
    check: Annotated[bool, typer.Option("--check", help="Show the way and what speaks against it.")] = False,
    nodes: Annotated[bool, typer.Option("--nodes", help="Bring nodes to the newest image instead.")] = False,
    database: Annotated[
        bool, typer.Option("--database", help="Bring the database to its newest minor version, in its window, instead.")
    ] = False,
    now: Annotated[bool, typer.Option("--now", help="With --database: do not wait for the window.")] = False,
    confirm: Annotated[
        str, typer.Option(help="The environment's name once more, where it asks for approval.", show_default=False)
    ] = "",
    bake_minutes: Annotated[
        float, typer.Option(help="How long a new control plane is watched before nodes follow.", min=0)
    ] = 10,
    as_json: JsonOption = False,
) -> None:
    """Bring the cluster to the Kubernetes version that its file says, one minor at a time; goes on where one ended."""
    from ils_pipelines.commands.upgrade import upgrade as go
    from ils_pipelines.commands.upgrade import upgrade_database

    if nodes and database:
        raise typer.BadParameter("choose one of --nodes and --database")
    if now and not database:
        raise typer.BadParameter("--now is for --database: everything else is done at once")
    if database:
        raise typer.Exit(upgrade_database(environment, now=now, only_check=check, confirm=confirm, as_json=as_json))
    raise typer.Exit(
        go(
            environment,
            nodes=nodes,
            only_check=check,
            confirm=confirm,
            bake_minutes=bake_minutes,
            as_json=as_json,
        )
    )


@application.command()
def export(
    environment: EnvironmentArgument,
    form: Annotated[
        str,
        typer.Option(
            "--format", help="yaml, helm for a chart, or values of the chart of cluster-autoscaler or dagster."
        ),
    ] = "yaml",
    output: Annotated[
        Path | None,
        typer.Option(help="File for yaml (standard output by default), folder for helm.", show_default=False),
    ] = None,
) -> None:
    """Write what is released as plain YAML or as a Helm chart with the environment's values. Without what is secret."""
    from ils_pipelines.commands.export import export as write

    raise typer.Exit(write(environment, form=form, output=output))
