"""`ils releases`: what was released into an environment, the newest first. Starts no run and does not need Dagster."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from ils_pipelines.commands.output import ExitCode, console, print_json
from ils_pipelines.settings.loading import load_environment
from ils_pipelines.targets import open_target

if TYPE_CHECKING:
    from rich.console import Console

    from ils_pipelines.release.history.store import History

SHOWN_DIGITS = 12


def releases(environment: str, *, as_json: bool) -> ExitCode:
    """Show the history that is kept in the cluster. Raises an `IlsError`."""
    from ils_pipelines.provisioning.release import ReleaseLayer

    target = open_target(load_environment(environment))
    target.preflight()
    history = ReleaseLayer(target).history()
    if as_json:
        entries = [record.model_dump(mode="json") for record in history.records]
        print_json({"environment": environment, "releases": entries, "success": True})
    else:
        _print(console(), environment, history)
    return ExitCode.SUCCESS


def _print(out: Console, environment: str, history: History) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    if not history.records:
        out.print(f"nothing was released into {environment} yet", markup=False)
        return
    table = Table(title=f"releases of {environment}", title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    table.add_column("no.", justify="right")
    for head in ("released (UTC)", "state", "image", "config"):
        table.add_column(head, overflow="fold")
    serving = history.last_good
    for record in history.records:
        serves = serving is not None and record.number == serving.record.number
        state = Text("serves" if serves else str(record.status), style="green" if record.good else "red")
        image = record.image.partition("@")[0]
        digest = record.image_digest.removeprefix("sha256:")[:SHOWN_DIGITS]
        table.add_row(
            str(record.number),
            f"{record.at.astimezone(UTC):%Y-%m-%d %H:%M:%S}",
            state,
            f"{image} {digest}".strip(),
            record.config_digest[:SHOWN_DIGITS],
        )
    out.print(table)
    for record in history.records:
        notes = [f"promoted from {record.promoted_from}"] if record.promoted_from else []
        if record.rollback_to is not None:
            notes.append(f"went back to release {record.rollback_to}")
        notes += [record.reason] if record.reason else []
        if notes:
            out.print(Text(f"{record.number}: {'; '.join(notes)}"))
