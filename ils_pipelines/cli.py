"""`ils`: the same jobs as in the Dagster UI, from a terminal.

Only declarations: each command imports what it does when it is asked for, so that `ils validate` need not wait for
Dagster, nor `ils --help` for the sandbox.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ils_pipelines.cli_application import application
from ils_pipelines.cli_options import EnvironmentArgument, JsonOption
from ils_pipelines.cli_recovery import backup, recovery
from ils_pipelines.errors import IlsError
from ils_pipelines.settings.layers import Layer

HELP = """Provision and operate the Integrated Lens System on AWS.

Results go to standard output, progress and errors to standard error.

Exit codes: 0 success, 1 a failure or a wrong environment file, 2 a wrong command line, 3 the target cannot be reached, \
4 another run works on the environment, 130 interrupted.
"""

app = typer.Typer(no_args_is_help=True, help=HELP, add_completion=False, pretty_exceptions_enable=False)
app.add_typer(application)
app.add_typer(recovery)
app.add_typer(backup, name="backup")


@app.command()
def validate(
    environments: Annotated[list[str] | None, typer.Argument(help="Their names; all by default.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Check the environment files and print every problem with its remedy."""
    from ils_pipelines.commands.validate import validate as check

    raise typer.Exit(check(environments or (), as_json=as_json))


@app.command()
def doctor(
    environment: Annotated[str | None, typer.Argument(help="Its name; all by default.", show_default=False)] = None,
    install: Annotated[bool, typer.Option("--install", help="Install Pulumi first, with its own installer.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Look whether this machine, the files and the accounts are ready. Exit code 1 when something is wrong."""
    from ils_pipelines.commands.doctor import doctor as look

    raise typer.Exit(look(environment, install=install, as_json=as_json))


@app.command()
def bootstrap(environment: EnvironmentArgument, as_json: JsonOption = False) -> None:
    """Make the bucket and the key of Pulumi's state that the environment's file names, once for an account."""
    from ils_pipelines.commands.bootstrap import bootstrap as make

    raise typer.Exit(make(environment, as_json=as_json))


@app.command()
def plan(environment: EnvironmentArgument, as_json: JsonOption = False) -> None:
    """Say what `up` would do to each layer. Changes nothing."""
    from ils_pipelines.commands.run import run
    from ils_pipelines.provisioning.progress import Action

    raise typer.Exit(run(Action.PREVIEW, environment, as_json=as_json))


@app.command()
def up(
    environment: EnvironmentArgument,
    approve: Annotated[
        str,
        typer.Option(help="Approve the plan with this digest yourself, as `ils approve` would.", show_default=False),
    ] = "",
    base: Annotated[
        str,
        typer.Option(
            "--from",
            help="Make the environment from that one's file, for a time; --ttl says how long.",
            show_default=False,
        ),
    ] = "",
    ttl: Annotated[
        str,
        typer.Option(
            help="When it is torn down again, from now: 8h, 2d. Without --from: more time.", show_default=False
        ),
    ] = "",
    cidr: Annotated[
        str, typer.Option(help="Its network; by default the first that no other uses.", show_default=False)
    ] = "",
    take_over: Annotated[
        bool, typer.Option("--take-over", help="Take over what somebody changed by hand of the application's objects.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Bring every layer of an environment to what its file says; with --from and --ttl, of one made for a time."""
    from ils_pipelines.commands.ephemeral import Lifetime
    from ils_pipelines.commands.run import run
    from ils_pipelines.provisioning.progress import Action

    if base and not ttl:
        raise typer.BadParameter("--from needs --ttl, the time after which the environment is torn down: --ttl 8h")
    if cidr and not base:
        raise typer.BadParameter("--cidr is for an environment that is made with --from")
    lifetime = Lifetime(ttl, base, cidr) if ttl else None
    raise typer.Exit(
        run(Action.UP, environment, as_json=as_json, approve=approve, lifetime=lifetime, take_over=take_over)
    )


@app.command()
def approve(
    environment: EnvironmentArgument,
    plan: Annotated[str, typer.Option(help="Digest of the plan, as `ils plan` prints it.", show_default=False)],
    by: Annotated[str, typer.Option(help="Who approves.", show_default=False)],
    reason: Annotated[str, typer.Option(help="Why, in one line.", show_default=False)],
    as_json: JsonOption = False,
) -> None:
    """Approve a plan, which `ils up` then applies once, exactly as it is, unless it differs or the approval expired."""
    from ils_pipelines.commands.approve import approve as record

    raise typer.Exit(record(environment, plan=plan, by=by, reason=reason, as_json=as_json))


@app.command()
def approvals(environment: EnvironmentArgument, as_json: JsonOption = False) -> None:
    """Show who approved which plans of an environment, when and why, and which run used each."""
    from ils_pipelines.commands.approvals import approvals as show

    raise typer.Exit(show(environment, as_json=as_json))


@app.command()
def status(
    environment: Annotated[str | None, typer.Argument(help="Its name; all by default.", show_default=False)] = None,
    as_json: JsonOption = False,
) -> None:
    """Show which layers exist, what is in them and where they are reached."""
    from ils_pipelines.commands.status import status as show

    raise typer.Exit(show(environment, as_json=as_json))


@app.command()
def posture(environment: EnvironmentArgument, as_json: JsonOption = False) -> None:
    """Evaluate the security controls against what is really there. Exit code 1 when one fails that is not waived."""
    from ils_pipelines.commands.posture import posture as evaluate

    raise typer.Exit(evaluate(environment, as_json=as_json))


@app.command()
def drift(
    environment: EnvironmentArgument,
    record: Annotated[
        bool,
        typer.Option("--record", help="Have the next plan start from what is found, so that `ils up` puts it back."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Compare what is there with what provisioning left. Exit code 1 unless every layer is there and as it was left."""
    from ils_pipelines.commands.drift import drift as scan

    raise typer.Exit(scan(environment, record=record, as_json=as_json))


@app.command()
def health(environment: EnvironmentArgument, as_json: JsonOption = False) -> None:
    """Look whether everything in an environment works. Exit code 1 unless every component is there and healthy."""
    from ils_pipelines.commands.health import health as look

    raise typer.Exit(look(environment, as_json=as_json))


@app.command()
def certs(environment: EnvironmentArgument, as_json: JsonOption = False) -> None:
    """Look at every certificate, what servers really send included. Exit code 1 when one asks for attention."""
    from ils_pipelines.commands.certs import certs as look

    raise typer.Exit(look(environment, as_json=as_json))


@app.command()
def costs(
    environment: EnvironmentArgument,
    page: Annotated[
        Path | None, typer.Option("--html", help="Also write the report with its plots there.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show what an environment costs, beside its budget and its past. Exit code 1 when that asks for attention."""
    from ils_pipelines.commands.spending import costs as look

    raise typer.Exit(look(environment, page=page, as_json=as_json))


@app.command()
def down(
    environment: EnvironmentArgument,
    confirm: Annotated[str, typer.Option(help="The environment's name once more.", show_default=False)] = "",
    as_json: JsonOption = False,
) -> None:
    """Delete every resource of an environment. Needs its name as confirmation: `ils down dev --confirm dev`."""
    from ils_pipelines.commands.run import run
    from ils_pipelines.provisioning.progress import Action

    raise typer.Exit(run(Action.DESTROY, environment, as_json=as_json, confirm=confirm))


@app.command()
def kubeconfig(
    environment: EnvironmentArgument,
    file: Annotated[
        Path | None, typer.Option(help="Where to write it; in the state folder by default.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write a kubeconfig for the environment's cluster, which holds no secret: each token comes from `ils eks-token`."""
    from ils_pipelines.commands.kubeconfig import kubeconfig as write

    raise typer.Exit(write(environment, file=file, as_json=as_json))


@app.command()
def eks_token(
    cluster: Annotated[str, typer.Argument(help="Name of the cluster, e.g. ils-dev.", show_default=False)],
    environment: Annotated[
        str | None,
        typer.Option(help="Sign with the credentials and region of its file, not the shell's.", show_default=False),
    ] = None,
) -> None:
    """Print a token for the API of an EKS cluster, as kubectl asks its exec plugins for it."""
    from ils_pipelines.commands.eks_token import eks_token as sign

    raise typer.Exit(sign(cluster, environment=environment))


@app.command(hidden=True)
def cluster_job(
    work: Annotated[str, typer.Argument(help="What to do: dump-database, vitals.")],
    order: Annotated[str | None, typer.Argument(help="Where the order is, if it needs one: s3://BUCKET/KEY.")] = None,
    region: Annotated[str | None, typer.Option(help="Of the bucket.")] = None,
) -> None:
    """Do the work of a job in an environment's cluster."""
    from ils_pipelines.commands.cluster_job import run

    raise typer.Exit(run(work, order, region))


@app.command()
def unlock(
    environment: EnvironmentArgument,
    layer: Annotated[Layer | None, typer.Option(help="Only this layer; all by default.", show_default=False)] = None,
    force: Annotated[
        bool, typer.Option("--force", help="I made sure that a holder on another machine is gone.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Take away the locks that killed runs left behind. Refuses while a holder is at work."""
    from ils_pipelines.commands.unlock import unlock as take_away

    raise typer.Exit(take_away(environment, layer=layer, force=force, as_json=as_json))


@app.command()
def graduate(
    environment: EnvironmentArgument,
    back: Annotated[bool, typer.Option("--back", help="Return it to the sandbox's engine.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Have an environment of the sandbox applied by the real Pulumi from now on, which must plan no change."""
    from ils_pipelines.commands.graduate import graduate as move

    raise typer.Exit(move(environment, back=back, as_json=as_json))


@app.command()
def leftovers(as_json: JsonOption = False) -> None:
    """List what is left of environments that are gone or past their time, by tag. Exit code 1 when something needs a look."""
    from ils_pipelines.commands.leftovers import leftovers as look

    raise typer.Exit(look(as_json=as_json))


@app.command()
def prices(
    environment: EnvironmentArgument,
    refresh: Annotated[bool, typer.Option("--refresh", help="Read them anew from AWS first, and keep them.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show the prices that estimates of an environment are made with, each with its source and date."""
    from ils_pipelines.commands.prices import prices as show

    raise typer.Exit(show(environment, refresh=refresh, as_json=as_json))


@app.command()
def ui(
    port: Annotated[int, typer.Option(help="Port to listen on; the next free one if it is taken.")] = 3000,
) -> None:
    """Run the Dagster UI and daemon on 127.0.0.1 until interrupted."""
    from ils_pipelines.commands.ui import serve

    serve(port)


@app.command(
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "allow_interspersed_args": False},
)
def sandbox(context: typer.Context) -> None:
    """Start, stop and look after the local stand-in for AWS and Kubernetes."""
    from ils_pipelines.commands.sandbox import run

    run(context.args)


def main() -> None:
    """The console script."""
    from ils_pipelines.commands.output import exit_code_of, print_error, print_json

    _collect_garbage_less_often()
    try:
        app()
    except IlsError as error:
        print_error(error)
        if "--json" in sys.argv[1:]:  # of whatever command refused before it could say so itself
            print_json({"error": str(error), "success": False})
        sys.exit(exit_code_of(error))
    finally:
        _leave_garbage_to_the_system()


def _collect_garbage_less_often() -> None:
    """Dagster, Pulumi and the service models of boto3 make more than a million objects that stay. Looking through them
    again and again, as Python's default thresholds have it, takes 1.6 s of an `ils up` without change; once, 0.8 s."""
    import gc

    gc.set_threshold(3_000_000, 50, 50)


def _leave_garbage_to_the_system() -> None:
    """At its end Python looks for garbage in everything there is, which takes 1.6 s after an `ils up`, only for the system
    to take all memory back anyway. Exit handlers still run."""
    import gc

    gc.disable()
    gc.freeze()
