"""What an environment costs a month, and what a plan would make of that.

Of what exists, the sizes are in the checkpoint; a plan's changes are applied to those. List prices on demand: what depends
on use is left out and said, what has no price is named and counted as nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from ils_pipelines.engine.models import Change, DiffKind, Operation, Plan
from ils_pipelines.provisioning.charges import DISK_GIB, LAUNCH_TEMPLATE, NODE_GROUP, USE, Charge, charges, declared
from ils_pipelines.settings.environment import Environment, utc_today
from ils_pipelines.settings.price_cache import prices_for
from ils_pipelines.settings.prices import PriceTable, Source, price_table

CENT = Decimal("0.01")


@dataclass(frozen=True)
class Resource:
    """A resource as far as its price goes. Holds no secret: only properties that decide a price are looked at."""

    urn: str
    type: str
    name: str
    properties: Mapping[str, Any] = field(repr=False)
    """By path, see `flat`."""


@dataclass(frozen=True)
class CostLine:
    """What one part of a resource costs a month."""

    type: str
    name: str
    product: str
    quantity: Decimal
    monthly: Decimal
    source: Source
    """Of its price."""


@dataclass(frozen=True)
class Estimate:
    """What a layer, or all of them, costs a month: now, and as planned. Rounded to cents, half up."""

    currency: str
    region: str
    """Of the prices."""
    before: Decimal
    after: Decimal
    lines: tuple[CostLine, ...]
    """As planned; they add up to `after` but for rounding."""
    left_out: tuple[str, ...]
    """What depends on use."""
    unknown: tuple[str, ...]
    """What has no price, each with its reason."""

    @property
    def delta(self) -> Decimal:
        return self.after - self.before


def estimate(
    environment: Environment,
    resources: Sequence[Resource],
    plan: Plan | None = None,
    *,
    table: PriceTable | None = None,
    today: date | None = None,
) -> Estimate:
    """The monthly cost of `resources`, and of what they would be after `plan`."""
    table = table or prices_for(environment)
    today = today or utc_today()
    planned = list(resources) if plan is None else after(environment, resources, plan)
    before, _ = _priced(environment, resources, table, today)
    lines, unknown = _priced(environment, planned, table, today)
    return Estimate(
        currency=table.currency,
        region=environment.aws.region,
        before=_sum(before),
        after=_sum(lines),
        lines=tuple(lines),
        left_out=tuple(sorted({USE[resource.type] for resource in planned if resource.type in USE})),
        unknown=tuple(sorted(unknown)),
    )


def total(estimates: Iterable[Estimate]) -> Estimate:
    """Of several layers together."""
    each = list(estimates)
    return Estimate(
        currency=each[0].currency if each else price_table().currency,
        region=each[0].region if each else price_table().region,
        before=sum((one.before for one in each), Decimal(0)),
        after=sum((one.after for one in each), Decimal(0)),
        lines=tuple(line for one in each for line in one.lines),
        left_out=tuple(sorted({text for one in each for text in one.left_out})),
        unknown=tuple(sorted({text for one in each for text in one.unknown})),
    )


def after(environment: Environment, resources: Sequence[Resource], plan: Plan) -> list[Resource]:
    """The resources as the plan would leave them."""
    known = declared(environment)
    left = {resource.urn: resource for resource in resources}
    for change in plan.changes:
        if change.operation is Operation.DELETE:
            left.pop(change.urn, None)
            continue
        old = left.get(change.urn)
        properties = dict(old.properties) if old is not None else dict(known.get((change.type, change.name), {}))
        left[change.urn] = Resource(change.urn, change.type, change.name, _changed(properties, change))
    return list(left.values())


def flat(value: Any, path: str = "") -> dict[str, Any]:
    """Plain values by their property path: `{"a": [{"b": 1}]}` is `{"a[0].b": 1}`."""
    if isinstance(value, Mapping):
        parts: Iterator[tuple[str, Any]] = (
            (f"{path}.{key}" if path else str(key), inner) for key, inner in value.items()
        )
    elif isinstance(value, list | tuple):
        parts = ((f"{path}[{place}]", inner) for place, inner in enumerate(value))
    else:
        return {path: value}
    return {key: plain for where, inner in parts for key, plain in flat(inner, where).items()}


def _changed(properties: dict[str, Any], change: Change) -> dict[str, Any]:
    for diff in change.diffs:
        below = (f"{diff.path}.", f"{diff.path}[")
        for path in [path for path in properties if path == diff.path or path.startswith(below)]:
            del properties[path]
        if diff.kind is not DiffKind.DELETE:
            properties.update(flat(diff.new, diff.path))
    return properties


def _priced(
    environment: Environment, resources: Sequence[Resource], table: PriceTable, today: date
) -> tuple[list[CostLine], list[str]]:
    region = environment.aws.region
    disks = {each.name: each.properties.get(DISK_GIB) for each in resources if each.type == LAUNCH_TEMPLATE}
    lines, unknown = [], []
    for resource in resources:
        properties = resource.properties
        if resource.type == NODE_GROUP:
            properties = {**properties, DISK_GIB: disks.get(resource.name)}
        for charge in charges(resource.type, properties, today):
            about = f"{resource.type} {resource.name}"
            if not isinstance(charge, Charge):
                unknown.append(f"{about}: {charge.reason}")
                continue
            price = table.find(charge.product, region)
            if price is None:
                unknown.append(f"{about}: no price for {charge.product} in {region}")
                continue
            monthly = price.monthly * charge.quantity
            source = table.sources[price.source]
            lines.append(CostLine(resource.type, resource.name, charge.product, charge.quantity, monthly, source))
    return lines, unknown


def _sum(lines: Iterable[CostLine]) -> Decimal:
    return sum((line.monthly for line in lines), Decimal(0)).quantize(CENT, ROUND_HALF_UP)
