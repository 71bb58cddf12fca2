"""Reading the prices of the table anew from the AWS Price List API."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from ils_pipelines.errors import IlsError
from ils_pipelines.provisioning.price_queries import UNITS, Query, query_for
from ils_pipelines.settings.environment import utc_today
from ils_pipelines.settings.prices import Price, PriceTable, Source
from ils_pipelines.targets.protocol import Target

API_REGION = "us-east-1"
"""The Price List is served from few regions only; this one has the prices of all."""
THREADS = 4
"""The API allows for few calls at once."""


class PricesUnreachable(IlsError):
    """The Price List gave no answer at all. The prices stay what they were."""


@dataclass(frozen=True)
class Refreshed:
    """A table with what the Price List said, and why a row is what it was."""

    table: PriceTable
    read: int
    kept: Mapping[str, str]
    """Reasons, by product, of the rows that are those of the table before, or that there are none of in this region."""


@dataclass(frozen=True)
class _Answer:
    amount: Decimal
    source: Source


class _NotAnswered(Exception):
    """Why a row was not read."""


class _NotReached(_NotAnswered):
    """Nor will any other be: there is no way to the API, or no credentials."""


def refresh(target: Target, before: PriceTable, today: date | None = None, *, hurried: bool = False) -> Refreshed:
    """Ask for every product of `before` in the region of the target's environment.

    `hurried`: give up soon when nobody answers. Raises `PricesUnreachable` when no product was answered because the API could
    not be reached or refused.
    """
    region, day = target.environment.aws.region, today or utc_today()
    pricing = target.client("pricing", region=API_REGION, hurried=hurried)
    not_reached: list[_NotReached] = []

    def ask(price: Price) -> _Answer | str:
        if not_reached:
            return str(not_reached[0])
        try:
            return _ask(pricing, price, region, day)
        except _NotReached as reason:
            not_reached.append(reason)
            return str(reason)
        except _NotAnswered as reason:
            return str(reason)

    with ThreadPoolExecutor(THREADS) as pool:
        answers = list(zip(before.prices, pool.map(ask, before.prices), strict=True))
    rows: list[Price] = []
    sources: dict[str, Source] = {}
    kept: dict[str, str] = {}
    for price, answer in answers:
        if isinstance(answer, _Answer):
            name = answer.source.through
            sources[name] = answer.source
            rows.append(price.model_copy(update={"amount": answer.amount, "source": name}))
            continue
        kept[price.product] = answer
        if before.region == region:
            sources[price.source] = before.sources[price.source]
            rows.append(price)
    if len(kept) == len(answers):
        reason = next(iter(kept.values()), "nothing to ask for")
        raise PricesUnreachable(
            f"expected prices of {region} from {pricing.meta.endpoint_url}, found none: {reason}. The prices stay as they "
            "are. These credentials need pricing:GetProducts."
        )
    table = PriceTable(region=region, currency=before.currency, sources=sources, prices=tuple(rows))
    return Refreshed(table, len(answers) - len(kept), kept)


def _ask(pricing: Any, price: Price, region: str, today: date) -> _Answer:
    from botocore.exceptions import BotoCoreError, ClientError

    query = query_for(price.product)
    if query is None:
        raise _NotAnswered("it is not known how the Price List calls it")
    wanted = [{"Type": "TERM_MATCH", "Field": key, "Value": value} for key, value in query.wanted(region).items()]
    try:
        pages = pricing.get_paginator("get_products").paginate(ServiceCode=query.service, Filters=wanted)
        products = [json.loads(text) for page in pages for text in page["PriceList"]]
    except BotoCoreError as error:
        raise _NotReached(str(error)) from error
    except ClientError as error:
        raise _NotAnswered(str(error)) from error
    found = [product for product in products if query.means(_attributes(product).get("usagetype", ""))]
    amounts = {amount for product in found for amount in _amounts(product, price)}
    if len(amounts) != 1:
        raise _NotAnswered(_what_was_found(query, len(products), sorted(amounts)))
    return _Answer(amounts.pop(), _source(found[0], pricing.meta.endpoint_url, today))


def _what_was_found(query: Query, products: int, amounts: Sequence[Decimal]) -> str:
    if amounts:
        return f"expected one price of {query.service} {query.usage}, found {', '.join(str(each) for each in amounts)}"
    return f"expected a price of {query.service} {query.usage}, found none among {products} products"


def _attributes(product: Mapping[str, Any]) -> Mapping[str, str]:
    attributes: Mapping[str, str] = product.get("product", {}).get("attributes", {})
    return attributes


def _amounts(product: Mapping[str, Any], price: Price) -> Iterator[Decimal]:
    """On-demand prices in dollars, of the first tier that is not free."""
    for offer in product.get("terms", {}).get("OnDemand", {}).values():
        tiers = sorted(offer.get("priceDimensions", {}).values(), key=lambda tier: _number(tier.get("beginRange", "0")))
        for tier in tiers:
            amount = _number(tier.get("pricePerUnit", {}).get("USD", "0"))
            if amount > 0 and str(tier.get("unit", "")).lower() in UNITS[price.per]:
                yield Decimal(f"{amount.normalize():f}")
                break


def _number(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        return Decimal(0)


def _source(product: Mapping[str, Any], url: str, today: date) -> Source:
    service, version = product.get("serviceCode", "?"), product.get("version", "?")
    published = str(product.get("publicationDate", "?"))[:10]
    return Source(url=url, as_of=today, through=f"Price List API, {service} version {version} published {published}")
