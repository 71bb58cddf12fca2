"""What a plan costs, as a table in a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from ils_pipelines.commands.summary import in_order
from ils_pipelines.provisioning.cost_report import basis
from ils_pipelines.provisioning.estimate import Estimate, total
from ils_pipelines.provisioning.progress import LayerReport

if TYPE_CHECKING:
    from rich.console import Console


def total_of(reports: Sequence[LayerReport]) -> Estimate:
    """Of all layers that were reported."""
    return total(report.cost for report in reports if report.cost is not None)


def print_costs(out: Console, environment: str, reports: Sequence[LayerReport]) -> None:
    """One row per layer that costs something, the total, and what is in neither."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(title=f"estimated cost of {environment}", title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    table.add_column("layer")
    for column in ("now", "as planned", "difference"):
        table.add_column(column, justify="right")
    for report in in_order(reports):
        if report.cost is not None and (report.cost.before or report.cost.after):
            table.add_row(str(report.layer), *_cells(report.cost))
    whole = total_of(reports)
    table.add_row("total", *_cells(whole), style="bold")
    out.print(table)
    out.print(Text(f"{basis(whole)}."), style="dim")
    if whole.left_out:
        out.print(Text(f"Left out, as it depends on use: {'; '.join(whole.left_out)}."), style="dim")
    for each in whole.unknown:
        out.print(Text(f"No price: {each}."), style="yellow")


def _cells(cost: Estimate) -> tuple[str, str, str]:
    return _money(cost.before), _money(cost.after), f"{cost.delta:+,.2f}" if cost.delta else "·"


def _money(amount: Decimal) -> str:
    return f"{amount:,.2f}" if amount else "·"
