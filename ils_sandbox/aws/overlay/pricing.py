"""The Price List API, which moto does not have: the products that the price table has rows of, for its region alone.

The sandbox knows no prices of its own. It answers with the bundled ones, and says so in what AWS has the version of its offer
file: whoever reads a price here reads that it is the sandbox's.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

from ils_pipelines.provisioning.price_queries import REGIONAL, Query, query_for
from ils_pipelines.settings.prices import Per, Price, price_table
from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay.world import Result, Routes, World
from ils_sandbox.aws.responses import AwsError

VERSION = "sandbox"
_UNITS = {Per.HOUR: "Hrs", Per.GIB_MONTH: "GB-Mo", Per.MONTH: "Keys", Per.VCPU_HOUR: "vCPU-hour"}
_PAGE = 100


def get_products(call: Call, _world: World) -> Result:
    service = call.params["ServiceCode"]
    known = [(price, query) for price, query in _known() if query.service == service]
    if not known:
        raise AwsError("NotFoundException", f"The sandbox has no prices of {service}.", 400)
    wanted = {each["Field"]: each["Value"] for each in call.params.get("Filters") or ()}
    found = [product for price, query in known if _matches((product := _product(price, query)), wanted)]
    start = int(call.params.get("NextToken") or 0)
    size = min(int(call.params.get("MaxResults") or _PAGE), _PAGE)
    page = found[start : start + size]
    more = {"NextToken": str(start + size)} if start + size < len(found) else {}
    return {"FormatVersion": "aws_v1", "PriceList": [json.dumps(product) for product in page], **more}


@cache
def _known() -> tuple[tuple[Price, Query], ...]:
    pairs = ((price, query_for(price.product)) for price in price_table().prices)
    return tuple((price, query) for price, query in pairs if query is not None)


def _product(price: Price, query: Query) -> dict[str, Any]:
    region = price_table().region
    kind = price.product.partition("/")[2]
    # The end of the usage type as AWS writes it: of a pattern, the size stands for itself.
    usage = re.sub(r"\\\.\[\\w\.\]\+$", f".{kind.partition('.')[2]}", query.usage).replace("\\.", ".").removesuffix("?")
    usage = usage.replace("\\d+", "13")  # a major version
    attributes = {**query.wanted(region), "usagetype": f"USE1-{usage}" if query.regional else usage}
    tier = {"unit": _UNITS[price.per], "beginRange": "0", "endRange": "Inf", "pricePerUnit": {"USD": str(price.amount)}}
    return {
        "serviceCode": query.service,
        "version": VERSION,
        "publicationDate": price_table().sources[price.source].as_of.isoformat(),
        "product": {"sku": price.product, "attributes": attributes},
        "terms": {"OnDemand": {price.product: {"priceDimensions": {price.product: tier}}}},
    }


def _matches(product: dict[str, Any], wanted: dict[str, str]) -> bool:
    attributes = product["product"]["attributes"]
    return all(attributes.get(key, "" if key == REGIONAL else None) == value for key, value in wanted.items())


ROUTES: Routes = {"GetProducts": get_products}
