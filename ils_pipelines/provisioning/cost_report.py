"""An estimate as JSON, and where its prices are from."""

from __future__ import annotations

from typing import Any

from ils_pipelines.provisioning.estimate import Estimate
from ils_pipelines.settings.prices import Source

BUNDLED = "https://aws.amazon.com/"
"""What the sources of bundled rows begin with."""
PRICE_LIST = "https://api.pricing."
"""What those of AWS's Price List API begin with: its own address. The sandbox's is another."""


def cost_entry(cost: Estimate) -> dict[str, Any]:
    """For the JSON of a plan and the metadata of a materialization. Amounts are text, so that none is rounded on the way."""
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
                "source": line.source.url,
                "as_of": line.source.as_of.isoformat(),
            }
            for line in cost.lines
        ],
        "left_out": list(cost.left_out),
        "unknown": list(cost.unknown),
        "prices": [source.model_dump(mode="json") for source in sources_of(cost)],
    }


def sources_of(cost: Estimate) -> tuple[Source, ...]:
    """Of the prices that the estimate is made of, the oldest first."""
    distinct = {(line.source.as_of, line.source.url, line.source.through): line.source for line in cost.lines}
    return tuple(distinct[key] for key in sorted(distinct))


def basis(cost: Estimate) -> str:
    """What the prices are, in a sentence."""
    sources = sources_of(cost)
    if not sources:
        return f"{cost.currency} a month"
    oldest, newest = sources[0].as_of, sources[-1].as_of
    read = f"read {oldest}" if oldest == newest else f"read {oldest} to {newest}"
    which = " and ".join(dict.fromkeys(_origin(source) for source in sources))
    return f"{cost.currency} a month, on-demand list prices of {cost.region}, {which}, {read}"


def _origin(source: Source) -> str:
    if source.url.startswith(BUNDLED):
        return "bundled"
    where = "" if source.url.startswith(PRICE_LIST) else f" at {source.url}"
    return f"from the Price List API{where}"
