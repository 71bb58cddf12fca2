"""The bundled price table: dated list prices, each with its source. What is not in it has no price; nothing is guessed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Annotated, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from ils_pipelines.settings.yaml_document import SafeLoader

HOURS_PER_MONTH = Decimal(730)
"""As AWS's own calculator counts: 8760 hours a year over twelve months."""
FILE = "prices.yaml"


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Per(StrEnum):
    """What an amount is for."""

    HOUR = "hour"
    MONTH = "month"
    GIB_MONTH = "gib_month"
    VCPU_HOUR = "vcpu_hour"


class Source(_Model):
    """Where a price is from."""

    url: str
    """The page on which AWS publishes it."""
    as_of: date
    """The day on which it was read."""
    through: str
    """How it was read, and what it was not compared with."""


class Price(_Model):
    """One row."""

    product: str
    """What is paid for, e.g. `ec2/t3.medium`."""
    amount: Annotated[Decimal, Field(gt=0, strict=False)]
    """In the table's currency."""
    per: Per
    source: str
    """A key of the table's sources."""

    @property
    def monthly(self) -> Decimal:
        """For one of it, or one GiB or one vCPU of it, all month."""
        return self.amount * HOURS_PER_MONTH if self.per in (Per.HOUR, Per.VCPU_HOUR) else self.amount


class PriceTable(_Model):
    """The prices of one region."""

    region: str
    currency: str
    sources: Mapping[str, Source]
    prices: tuple[Price, ...]

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        products = [price.product for price in self.prices]
        twice = sorted({product for product in products if products.count(product) > 1})
        if twice:
            raise ValueError(f"expected one row per product, found several for {', '.join(twice)}")
        unknown = sorted({price.source for price in self.prices} - self.sources.keys())
        if unknown:
            raise ValueError(f"expected every row's source among {', '.join(self.sources)}, found {', '.join(unknown)}")
        return self

    def find(self, product: str, region: str) -> Price | None:
        """The product's price in that region; None when the table does not have it."""
        if region != self.region:
            return None
        return next((price for price in self.prices if price.product == product), None)

    @property
    def dates(self) -> tuple[date, date]:
        """The oldest and the newest day on which a row was read."""
        days = sorted(self.sources[price.source].as_of for price in self.prices)
        return days[0], days[-1]


@cache
def price_table() -> PriceTable:
    """The table that comes with this package."""
    text = files("ils_pipelines.settings").joinpath(FILE).read_text(encoding="utf-8")
    return PriceTable.model_validate(yaml.load(text, Loader=SafeLoader))  # noqa: S506 it is a safe one
