"""`ils sandbox …`: the local stand-in for AWS and Kubernetes, from a terminal."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Annotated, Any

import typer

from ils_pipelines.errors import IlsError

app = typer.Typer(
    name="sandbox",
    help="The local stand-in for AWS and Kubernetes: needs no account, listens on loopback only.",
    no_args_is_help=True,
)

EXIT_FAILED = 1
EXIT_DOWN = 3

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]


def _say(as_json: bool, text: str, value: dict[str, Any]) -> None:
    typer.echo(json.dumps(value) if as_json else text)


def _fail(as_json: bool, error: IlsError) -> typer.Exit:
    if as_json:
        typer.echo(json.dumps({"error": str(error)}))
    else:
        typer.echo(str(error), err=True)
    return typer.Exit(EXIT_FAILED)


@app.command()
def start(
    as_json: Json = False,
    kubernetes: Annotated[bool, typer.Option(help="Start the Kubernetes stand-in too.")] = True,
    host_processes: Annotated[
        bool,
        typer.Option("--host-processes", help="Let Kubernetes jobs run their commands as processes of this machine."),
    ] = False,
) -> None:
    """Start the sandbox; returns once it answers. Does nothing when it is up."""
    from ils_sandbox import server
    from ils_sandbox.state import state_directory

    try:
        started = server.start(state_directory(), kubernetes=kubernetes, host_processes=host_processes)
    except IlsError as error:
        raise _fail(as_json, error) from error
    state = started.state
    kubernetes_text = f", Kubernetes at {state.kubernetes.endpoint}" if state.kubernetes else ""
    _say(
        as_json,
        f"sandbox {'already' if started.was_up else 'is'} up: AWS at {state.aws.endpoint}{kubernetes_text}",
        {"up": True, "was_up": started.was_up, "state": state.model_dump(mode="json")},
    )


@app.command()
def stop(as_json: Json = False) -> None:
    """Stop the sandbox; what it contains is kept."""
    from ils_sandbox import server
    from ils_sandbox.state import state_directory

    try:
        was_up = server.stop(state_directory())
    except IlsError as error:
        raise _fail(as_json, error) from error
    _say(as_json, "sandbox is down" if was_up else "sandbox was not up", {"up": False, "was_up": was_up})


@app.command()
def status(as_json: Json = False) -> None:
    """Endpoints, uptime and memory. Exit code 3 when the sandbox is down, 1 when a server does not answer."""
    from ils_sandbox import server
    from ils_sandbox.state import state_directory

    directory = state_directory()
    found = server.status(directory)
    if found is None:
        _say(
            as_json, "sandbox is down; `ils sandbox start` starts it", {"up": False, "state_directory": str(directory)}
        )
        raise typer.Exit(EXIT_DOWN)
    if as_json:
        typer.echo(server.describe(found))
    else:
        typer.echo(_status_text(found))
    if not found.healthy:
        raise typer.Exit(EXIT_FAILED)


@app.command()
def limits(as_json: Json = False) -> None:
    """What is unsupported in the sandbox, and what there is instead."""
    from dataclasses import asdict

    from ils_sandbox.limits import LIMITS

    lines = [f"{each.area}: {each.unsupported}.\n  Instead: {each.instead}." for each in LIMITS]
    _say(
        as_json,
        "\n".join(["unsupported in the sandbox:", *lines]),
        {"unsupported": [asdict(each) for each in LIMITS]},
    )


@app.command()
def reset(as_json: Json = False) -> None:
    """Delete everything in the sandbox and its checkpoints; started again if it was up."""
    from ils_sandbox import server
    from ils_sandbox.state import state_directory

    try:
        started = server.reset(state_directory())
    except IlsError as error:
        raise _fail(as_json, error) from error
    _say(
        as_json,
        "sandbox is empty" + ("" if started is None else f" and up again: AWS at {started.state.aws.endpoint}"),
        {"up": started is not None, "state": None if started is None else started.state.model_dump(mode="json")},
    )


@app.command()
def seed(
    environment: Annotated[str, typer.Argument(help="An environment that lives in the sandbox and is up.")],
    scale: Annotated[int, typer.Option(min=1, max=100, help="How many times the usual 60,000 rows.")] = 1,
    writes_per_second: Annotated[
        float, typer.Option(min=0, max=200, help="Keep writing in the background, for an hour at most.")
    ] = 0,
    stop_writing: Annotated[bool, typer.Option("--stop-writing", help="Only end the writing.")] = False,
    as_json: Json = False,
) -> None:
    """Load a small believable data set into an environment, and keep writing to it if told to."""
    from ils_sandbox.data.seed.load import seed as load
    from ils_sandbox.data.seed.place import find_place
    from ils_sandbox.data.seed.writer import start_writer, stop_writer
    from ils_sandbox.state import state_directory

    try:
        if stop_writing:
            stopped = stop_writer(state_directory(), environment)
            text = f"nobody writes to {environment} any more" if stopped else f"nobody wrote to {environment}"
            _say(as_json, text, {"environment": environment, "stopped": stopped})
            return
        counts = load(find_place(environment), scale)
        pid = start_writer(state_directory(), environment, writes_per_second) if writes_per_second else None
    except IlsError as error:
        raise _fail(as_json, error) from error
    lines = [f"{name:<14}{count:>8}" for name, count in counts.items() if count]
    lines = lines or [f"{environment} has the data set already"]
    if pid is not None:
        lines.append(f"process {pid} goes on writing; `ils sandbox seed {environment} --stop-writing` ends it")
    _say(as_json, "\n".join(lines), {"environment": environment, "rows": counts, "writer": pid})


def _status_text(found: Any) -> str:
    state = found.state
    lines = [
        f"sandbox is up since {state.started_at:%Y-%m-%d %H:%M:%S} UTC ({_rounded(found.uptime)})",
        f"AWS         {state.aws.endpoint}",
    ]
    if state.kubernetes is not None:
        lines += [f"Kubernetes  {state.kubernetes.endpoint}", f"  CA file   {state.kubernetes.ca_file}"]
    lines += [
        f"{process.name:<11} pid {process.pid}, "
        f"{'answers' if process.healthy else 'DOES NOT ANSWER'}"
        + ("" if process.memory_megabytes is None else f", {process.memory_megabytes:.0f} MB")
        for process in found.processes
    ]
    return "\n".join(lines)


def _rounded(uptime: timedelta) -> str:
    return str(timedelta(seconds=round(uptime.total_seconds())))
