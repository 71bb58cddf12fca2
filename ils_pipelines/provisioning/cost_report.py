"""An estimate as JSON, and where its prices are from."""

from __future__ import annotations

from typing import Any

from ils_pipelines.provisioning.estimate import Estimate
from ils_pipelines.settings.prices import price_table


def cost_entry(cost: Estimate) -> dict[str, Any]:
    """For the JSON of a plan and the metadata of a materialization. Amounts are text, so that none is rounded on the way."""
    table = price_table()
    used = {price.source for line in cost.lines if (price := table.find(line.product, table.region)) is not None}
    return {
        "currency": cost.currency,
        "before": str(cost.before),
        "after": str(cost.after),
        "delta": str(cost.delta),
        "lines": [
            {
                "type": line.type,
                "name": line.name,
                "product": line.product,
                "quantity": str(line.quantity),
                "monthly": str(line.monthly),
            }
            for line in cost.lines
        ],
        "left_out": list(cost.left_out),
        "unknown": list(cost.unknown),
        "prices": {name: table.sources[name].model_dump(mode="json") for name in sorted(used)},
    }


def basis() -> str:
    """What the prices are, in a sentence."""
    table = price_table()
    oldest, newest = table.dates
    return f"{table.currency} a month, on-demand list prices of {table.region}, read {oldest} to {newest}"
