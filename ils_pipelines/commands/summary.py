"""Tables and JSON of what was done to the layers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ils_pipelines.engine.models import Operation, Plan, PropertyDiff
from ils_pipelines.provisioning.approval import SHOWN_DIGITS, environment_digest
from ils_pipelines.provisioning.cost_report import cost_entry
from ils_pipelines.provisioning.foresight import not_foreseen
from ils_pipelines.provisioning.progress import Action, LayerFailed, LayerReport
from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.layers import Layer

if TYPE_CHECKING:
    from rich.console import Console

CHANGES = (Operation.CREATE, Operation.UPDATE, Operation.REPLACE, Operation.DELETE, Operation.ADOPT)
"""Operations that change something, in the order in which they are shown."""
STYLES = {
    Operation.CREATE: "green",
    Operation.UPDATE: "yellow",
    Operation.REPLACE: "magenta",
    Operation.DELETE: "red",
    Operation.ADOPT: "cyan",
}
_TITLES = {
    Action.UP: "done to",
    Action.PREVIEW: "planned for",
    Action.DESTROY: "deleted from",
    Action.ROLLBACK: "rolled back in",
    Action.SCALE: "scaled in",
    Action.ROTATE: "rotated in",
    Action.UPGRADE: "upgraded in",
}
_VERBS = dict.fromkeys(Action, "made") | {Action.PREVIEW: "planned"}
_ORDER = {layer: position for position, layer in enumerate(Layer)}


def in_order(reports: Sequence[LayerReport]) -> list[LayerReport]:
    return sorted(reports, key=lambda report: _ORDER[report.layer])


def layer_entry(report: LayerReport) -> dict[str, Any]:
    """One layer of the JSON result. `changes` has every kind of change, so that their sum is what changed."""
    counts = report.plan.counts
    entry: dict[str, Any] = {
        "layer": str(report.layer),
        "changes": {str(operation): counts.get(operation, 0) for operation in CHANGES},
        "unchanged": report.plan.unchanged,
        "seconds": round(report.duration.total_seconds(), 3),
    }
    if report.cost is not None:
        entry["monthly_cost"] = cost_entry(report.cost)
    if report.action is Action.PREVIEW:
        entry |= {"digest": report.plan.digest, "plan": report.plan.model_dump(mode="json")}
    return entry


def failed_entry(failure: LayerFailed, changes: Mapping[Operation, int]) -> dict[str, Any]:
    """Likewise, of a layer that failed: the changes that were finished before."""
    return {
        "layer": str(failure.layer),
        "changes": {str(operation): changes.get(operation, 0) for operation in CHANGES},
        "seconds": round(failure.duration.total_seconds(), 3),
        "error": failure.message,
    }


def print_summary(
    out: Console, environment: str, action: Action, reports: Sequence[LayerReport], run_id: str | None
) -> None:
    """One row per layer: how many resources were created, updated, … and how long it took."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(title=f"{_TITLES[action]} {environment}", title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    table.add_column("layer")
    for operation in (*CHANGES[:-1], Operation.SAME):
        table.add_column(str(operation), justify="right")
    table.add_column("seconds", justify="right")
    for report in in_order(reports):
        table.add_row(str(report.layer), *_counts(report.plan), f"{report.duration.total_seconds():.1f}")
    out.print(table)
    total = sum(len(report.plan.changes) for report in reports)
    made = f"{total or 'no'} {'change' if total in {0, 1} else 'changes'} {_VERBS[action]}"
    # The plan of some layers only is nothing that could be approved.
    whole = action is Action.PREVIEW and len(reports) == len(Layer)
    digest = f"; plan {plan_digest(reports)[:SHOWN_DIGITS]}" if whole else ""
    out.print(made + digest + (f"; run {run_id}" if run_id else ""))


def print_next_step(out: Console, environment: Environment, reports: Sequence[LayerReport]) -> None:
    """What to do with a plan, where there is something to do."""
    if all(report.plan.empty for report in reports):
        return
    name, digest = environment.name, plan_digest(reports)[:SHOWN_DIGITS]
    if environment.requires_approval:
        out.print(
            f"approve it with: ils approve {name} --plan {digest} --by NAME --reason WHY",
            markup=False,
            soft_wrap=True,
        )
    out.print(f"apply it with: ils up {name}", markup=False)


def _counts(plan: Plan) -> list[str]:
    counts = plan.counts
    adopted = counts.get(Operation.ADOPT, 0)
    cells = []
    for operation in CHANGES[:-1]:
        # Adopting is what is left of a create that an interrupted run began.
        count = counts.get(operation, 0) + (adopted if operation is Operation.CREATE else 0)
        cells.append(f"[{STYLES[operation]}]{count}[/]" if count else "·")
    return [*cells, str(plan.unchanged) if plan.unchanged else "·"]


def plan_digest(reports: Sequence[LayerReport]) -> str:
    """The digest of the whole plan, which is what is approved."""
    return environment_digest({report.layer: report.plan.digest for report in reports})


def print_plans(out: Console, reports: Sequence[LayerReport]) -> None:
    """Every planned change, with the properties that bring it about; what is created, of one kind together. The console wraps
    with the indent kept."""
    from rich.text import Text

    for report in in_order(reports):
        if report.plan.empty:
            continue
        out.print(Text(f"{report.layer}  (plan {report.plan.digest[:12]})", style="bold"))
        changes = sorted(report.plan.changes, key=lambda change: (change.type, change.name))
        created: dict[str, list[str]] = {}
        for change in changes:
            if change.operation is Operation.CREATE:
                created.setdefault(short_type(change.type), []).append(change.name)
        for kind, names in created.items():
            _print_line(out, Operation.CREATE, f"{kind}  {', '.join(names)}")
        for change in changes:
            if change.operation is not Operation.CREATE:
                _print_line(out, change.operation, f"{short_type(change.type)}  {change.name}")
            if change.operation not in {Operation.CREATE, Operation.DELETE}:
                _print_diffs(out, change.diffs)


def print_foresight(out: Console, reports: Sequence[LayerReport]) -> None:
    """What the plans do not foresee of each other."""
    from rich.text import Text

    for sentence in not_foreseen({report.layer: report.plan.counts for report in reports}):
        out.print(Text(sentence, style="dim"))


def _print_line(out: Console, operation: Operation, text: str) -> None:
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=10)
    grid.add_column(overflow="fold")
    grid.add_row(Text(f"  {operation}", style=STYLES.get(operation, "")), Text(text))
    out.print(grid)


def _print_diffs(out: Console, diffs: Sequence[PropertyDiff]) -> None:
    from rich.padding import Padding
    from rich.text import Text

    for diff in diffs:
        forced = "  (forces replacement)" if diff.forces_replacement else ""
        said = Text(f"{diff.path}: {_shown(diff.old)} -> {_shown(diff.new)}", style="dim")
        out.print(Padding(said + Text(forced, style="magenta"), (0, 0, 0, 13)))


def short_type(token: str) -> str:
    """`aws:ec2:Vpc` for Pulumi's `aws:ec2/vpc:Vpc`."""
    package, _, rest = token.partition(":")
    module, _, name = rest.rpartition(":")
    return f"{package}:{module.partition('/')[0]}:{name}"


def _shown(value: Any) -> str:
    return "nothing" if value is None else json.dumps(value, default=str)
