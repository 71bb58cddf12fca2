"""`ils prices`: what estimates are made with, where each price is from and from when; on request read anew from AWS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ils_pipelines.commands.output import ExitCode, console, print_error, print_json
from ils_pipelines.provisioning.price_refresh import PricesUnreachable, Refreshed
from ils_pipelines.provisioning.price_refresh import refresh as read_anew
from ils_pipelines.settings.loading import load_environment
from ils_pipelines.settings.price_cache import keep_prices, prices_for
from ils_pipelines.settings.prices import PriceTable
from ils_pipelines.targets import open_target

if TYPE_CHECKING:
    from rich.console import Console

    from ils_pipelines.settings.environment import Environment


def prices(environment: str, *, refresh: bool, as_json: bool) -> ExitCode:
    """Show the table. When it could not be read anew, shows and goes on with the one that there is, and says so."""
    found = load_environment(environment)
    kept: Mapping[str, str] = {}
    problem = ""
    if refresh:
        try:
            kept = _refresh(found).kept
        except PricesUnreachable as unreachable:
            problem = str(unreachable)
            print_error(unreachable)
    table = prices_for(found)
    if as_json:
        print_json(_document(environment, table, kept, problem))
    else:
        _print(console(), environment, table, kept)
    return ExitCode.FAILED if problem else ExitCode.SUCCESS


def _refresh(environment: Environment) -> Refreshed:
    target = open_target(environment)
    target.preflight()
    refreshed = read_anew(target, prices_for(environment))
    keep_prices(environment, refreshed.table)
    return refreshed


def _print(out: Console, environment: str, table: PriceTable, kept: Mapping[str, str]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    out.print(Text(f"prices for {environment}: {table.currency} in {table.region}", style="bold"))
    shown = Table(box=SIMPLE_HEAD)
    for head in ("product", "price", "per", "read", "source"):
        shown.add_column(head, justify="right" if head == "price" else "left", overflow="fold")
    for price in table.prices:
        source = table.sources[price.source]
        per = str(price.per).replace("_", " ")
        shown.add_row(price.product, str(price.amount), per, str(source.as_of), Text(source.through, style="dim"))
    out.print(shown)
    for product, reason in kept.items():
        out.print(Text(f"{product} is as it was: {reason}", style="yellow"))


def _document(environment: str, table: PriceTable, kept: Mapping[str, str], problem: str) -> dict[str, Any]:
    rows = [
        {
            "product": price.product,
            "amount": str(price.amount),
            "per": price.per.value,
            **table.sources[price.source].model_dump(mode="json"),
        }
        for price in table.prices
    ]
    document: dict[str, Any] = {
        "environment": environment,
        "region": table.region,
        "currency": table.currency,
        "prices": rows,
        "not_refreshed": dict(kept),
        "success": not problem,
    }
    return document | ({"error": problem} if problem else {})
