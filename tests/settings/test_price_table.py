"""The bundled prices: complete for what the shipped environments use, dated, sourced, exact."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from ils_pipelines.settings.prices import PriceTable, price_table

SOURCE = {"url": "https://example.com/", "as_of": "2026-01-01", "through": "a test"}
ROW = {"product": "thing", "amount": "0.10", "per": "hour", "source": "page"}


def table(*rows: dict[str, Any]) -> PriceTable:
    return PriceTable.model_validate(
        {"region": "us-east-1", "currency": "USD", "sources": {"page": SOURCE}, "prices": rows}
    )


def test_every_row_says_where_and_when_it_was_read() -> None:
    bundled = price_table()

    for price in bundled.prices:
        source = bundled.sources[price.source]
        assert source.url.startswith("https://aws.amazon.com/")
        assert date(2025, 1, 1) < source.as_of <= date(2026, 12, 31)
        assert source.through


def test_every_source_is_used_and_the_dates_are_those_of_the_rows() -> None:
    bundled = price_table()

    assert {price.source for price in bundled.prices} == set(bundled.sources)
    days = [source.as_of for source in bundled.sources.values()]
    assert bundled.dates == (min(days), max(days))


def test_an_hourly_price_is_for_730_hours_a_month_without_rounding() -> None:
    found = table(ROW, {**ROW, "product": "flat", "per": "month"})

    assert (price := found.find("thing", "us-east-1"))
    assert price.monthly == Decimal("73.00")
    assert (price := found.find("flat", "us-east-1"))
    assert price.monthly == Decimal("0.10")


def test_there_is_no_price_in_another_region_or_for_another_product() -> None:
    assert table(ROW).find("thing", "eu-west-1") is None
    assert table(ROW).find("other", "us-east-1") is None


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ((ROW, ROW), "found several for thing"),
        (({**ROW, "source": "nowhere"},), "found nowhere"),
        (({**ROW, "amount": "0"},), "greater than 0"),
        (({**ROW, "amount": "-1"},), "greater than 0"),
        (({**ROW, "amount": "ten"},), "decimal"),
        (({**ROW, "per": "fortnight"},), "'gib_month' or 'vcpu_hour'"),
        (({**ROW, "discount": "1"},), "Extra inputs"),
    ],
)
def test_a_wrong_table_is_refused(rows: tuple[dict[str, Any], ...], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        table(*rows)
