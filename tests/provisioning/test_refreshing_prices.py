"""Prices read anew from the Price List API: what is taken, what is not and why, and what happens without an answer."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ils_pipelines.provisioning.cost_report import basis, cost_entry
from ils_pipelines.provisioning.estimate import Resource, estimate
from ils_pipelines.provisioning.price_queries import query_for
from ils_pipelines.provisioning.price_reading import Prices
from ils_pipelines.provisioning.price_refresh import PricesUnreachable, refresh
from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.loading import load_environment
from ils_pipelines.settings.price_cache import keep_prices, price_file, prices_for
from ils_pipelines.settings.prices import price_table
from ils_pipelines.targets import open_target
from ils_pipelines.targets.protocol import Target
from tests.end_to_end.conftest import LocalSandbox

TODAY = date(2026, 11, 25)
NAT = "aws:ec2/natGateway:NatGateway"


def tier(amount: str, unit: str = "Hrs", begin: str = "0") -> dict[str, Any]:
    return {"unit": unit, "beginRange": begin, "endRange": "Inf", "pricePerUnit": {"USD": amount}}


def product(usage: str, *tiers: dict[str, Any]) -> str:
    """As the Price List API writes one."""
    return json.dumps(
        {
            "serviceCode": "AmazonEC2",
            "version": "20261124000000",
            "publicationDate": "2026-11-24T00:00:00Z",
            "product": {"attributes": {"usagetype": usage}},
            "terms": {
                "OnDemand": {"A.B": {"priceDimensions": {str(number): each for number, each in enumerate(tiers)}}},
                "Reserved": {"A.C": {"priceDimensions": {"0": tier("0.001")}}},
            },
        }
    )


class PriceList:
    """A server that answers GetProducts by service; what it was asked is kept."""

    def __init__(self) -> None:
        self.answering = threading.Event()
        self.answering.set()
        self.answers: dict[str, list[str]] = {}
        self.asked: list[dict[str, Any]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.asked.append(asked)
                outer.answering.wait()
                body = json.dumps({"FormatVersion": "aws_v1", "PriceList": outer.answers.get(asked["ServiceCode"], [])})
                self.send_response(200)
                self.end_headers()
                with suppress(BrokenPipeError):  # nobody waits for it any more
                    self.wfile.write(body.encode())

            def log_message(self, *args: Any) -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def price_list() -> Iterator[PriceList]:
    api = PriceList()
    thread = threading.Thread(target=api.server.serve_forever, args=(0.01,))
    thread.start()
    yield api
    api.answering.set()
    api.server.shutdown()
    thread.join()
    api.server.server_close()


@pytest.fixture
def account(environments: Path, price_list: PriceList, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Target:
    """dev in an AWS account, where the variables of AWS's own SDKs name the endpoint."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", price_list.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "an-example")
    monkeypatch.setenv("ILS_STATE_DIR", str(tmp_path / "state"))
    file = environments / "dev.yaml"
    text = file.read_text().replace("target: sandbox", "target: aws", 1)
    text = text.replace("\naws:\n", '\naws:\n  account_id: "123456789012"\n', 1)
    text = text.replace("\nload_balancer:\n", "\nload_balancer:\n  zone: example.com\n", 1)
    file.write_text(text + '\nengine:\n  backend: "s3://ils-state"\n')
    return open_target(load_environment("dev"))


def amount(table: Any, name: str) -> Decimal:
    found = table.find(name, table.region)
    assert found is not None
    return Decimal(found.amount)


def test_a_price_that_changed_is_taken_with_its_source_and_day(account: Target, price_list: PriceList) -> None:
    price_list.answers["AmazonEC2"] = [product("USE1-NatGateway-Hours", tier("0.0470000000"))]

    refreshed = refresh(account, price_table(), TODAY)

    found = refreshed.table.find("nat-gateway", "us-east-1")
    assert found is not None
    source = refreshed.table.sources[found.source]
    assert found.amount == Decimal("0.047")
    assert (source.url, source.as_of) == (price_list.url, TODAY)
    assert source.through == "Price List API, AmazonEC2 version 20261124000000 published 2026-11-24"


def test_the_region_of_the_environment_is_asked_for_but_for_what_has_none(
    account: Target, price_list: PriceList
) -> None:
    price_list.answers["AmazonEC2"] = [product("USE1-NatGateway-Hours", tier("0.047"))]

    refresh(account, price_table(), TODAY)

    regions = [
        next((each["Value"] for each in asked.get("Filters", []) if each["Field"] == "regionCode"), "")
        for asked in price_list.asked
    ]
    assert len(regions) == len(price_table().prices)
    assert regions.count("us-east-1") == len(regions) - 1
    assert regions.count("") == 1, "dashboards"


def test_a_row_without_an_answer_is_as_it_was_and_it_is_said_why(account: Target, price_list: PriceList) -> None:
    price_list.answers["AmazonEC2"] = [product("USE1-NatGateway-Hours", tier("0.047"))]
    before = price_table()

    refreshed = refresh(account, before, TODAY)

    assert refreshed.read == 1
    assert set(refreshed.kept) == {price.product for price in before.prices} - {"nat-gateway"}
    assert refreshed.kept["kms-key"] == "expected a price of awskms KMS-Keys, found none among 0 products"
    kept = refreshed.table.find("kms-key", "us-east-1")
    assert kept is not None
    assert refreshed.table.sources[kept.source] == before.sources["kms"]


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([("USE1-NatGateway-Hours", tier("0.04")), ("USE1-NatGateway-Hours", tier("0.05"))], "found 0.04, 0.05"),
        ([("USE1-NatGateway-Hours", tier("0.04", unit="GB"))], "found none among 1 products"),
        ([("USE1-NatGateway-Bytes", tier("0.04"))], "found none among 1 products"),
        ([("USE1-NatGateway-Hours", tier("0.0"))], "found none among 1 products"),
        ([("USE1-NatGateway-Hours", tier("much"))], "found none among 1 products"),
    ],
)
def test_what_could_be_another_price_is_not_taken(
    account: Target, price_list: PriceList, answers: list[tuple[str, dict[str, Any]]], said: str
) -> None:
    price_list.answers["AmazonEC2"] = [product(usage, each) for usage, each in answers]
    price_list.answers["awskms"] = [product("us-east-1-KMS-Keys", tier("1.0", unit="Keys"))]

    refreshed = refresh(account, price_table(), TODAY)

    assert said in refreshed.kept["nat-gateway"]
    assert amount(refreshed.table, "nat-gateway") == amount(price_table(), "nat-gateway")


def test_of_several_tiers_the_first_that_costs_something_counts(account: Target, price_list: PriceList) -> None:
    tiers = (tier("2.0", "Dashboards", "10"), tier("0.0", "Dashboards"), tier("3.5", "Dashboards", "3"))
    price_list.answers["AmazonCloudWatch"] = [product("DashboardsUsageHour", *tiers)]

    assert amount(refresh(account, price_table(), TODAY).table, "cloudwatch/dashboard") == Decimal("3.5")


def test_aurora_is_that_of_the_standard_storage(account: Target, price_list: PriceList) -> None:
    price_list.answers["AmazonRDS"] = [
        product("InstanceUsage:db.r6g.large", tier("0.27")),
        product("InstanceUsageIOOptimized:db.r6g.large", tier("0.35")),
    ]

    assert amount(refresh(account, price_table(), TODAY).table, "aurora/db.r6g.large") == Decimal("0.27")


def test_without_any_answer_the_prices_stay_and_the_reason_is_said(account: Target, price_list: PriceList) -> None:
    with pytest.raises(PricesUnreachable, match="The prices stay as they are") as unreachable:
        refresh(account, price_table(), TODAY)

    assert "found none among 0 products" in str(unreachable.value)
    assert prices_for(account.environment) == price_table()


def test_every_row_of_the_table_can_be_asked_for() -> None:
    assert [price.product for price in price_table().prices if query_for(price.product) is None] == []


def nat_gateway(environment: Environment) -> Any:
    return estimate(environment, [Resource("urn:nat", NAT, "a", {})], today=TODAY)


def test_estimates_are_made_with_what_was_refreshed_and_say_so(account: Target, price_list: PriceList) -> None:
    environment = account.environment
    assert ", bundled, read 2026" in basis(nat_gateway(environment))
    price_list.answers["AmazonEC2"] = [product("USE1-NatGateway-Hours", tier("0.10"))]

    keep_prices(environment, refresh(account, price_table(), TODAY).table)

    found = nat_gateway(environment)
    assert found.after == Decimal("73.00")
    assert f"from the Price List API at {price_list.url}, read 2026-11-25" in basis(found)
    [line] = cost_entry(found)["lines"]
    assert (line["source"], line["as_of"]) == (price_list.url, "2026-11-25")


def test_what_was_refreshed_in_one_target_counts_in_no_other(account: Target, price_list: PriceList) -> None:
    price_list.answers["AmazonEC2"] = [product("USE1-NatGateway-Hours", tier("0.10"))]
    keep_prices(account.environment, refresh(account, price_table(), TODAY).table)

    assert prices_for(load_environment("staging")) == price_table()


def test_a_kept_table_that_cannot_be_read_is_passed_over(account: Target) -> None:
    file = price_file(account.environment)
    file.parent.mkdir(parents=True)
    file.write_text("{}")

    assert prices_for(account.environment) == price_table()


def made_older(file: Path, by: timedelta) -> None:
    moment = file.stat().st_mtime - by.total_seconds()
    os.utime(file, (moment, moment))


def test_a_plan_has_prices_read_that_are_older_than_a_day(account: Target, price_list: PriceList) -> None:
    price_list.answers["AmazonEC2"] = [product("USE1-NatGateway-Hours", tier("0.10"))]
    assert amount(Prices(account).table(), "nat-gateway") == Decimal("0.10")
    price_list.answers["AmazonEC2"] = [product("USE1-NatGateway-Hours", tier("0.20"))]

    assert amount(Prices(account).table(), "nat-gateway") == Decimal("0.10"), "they are of today"

    kept = price_file(account.environment)
    for file in (kept, kept.with_suffix(".tried")):
        made_older(file, timedelta(days=1))
    assert amount(Prices(account).table(), "nat-gateway") == Decimal("0.20")


def test_layers_that_are_planned_at_once_have_them_read_once(account: Target, price_list: PriceList) -> None:
    price_list.answers["AmazonEC2"] = [product("USE1-NatGateway-Hours", tier("0.10"))]
    price_list.answering.clear()
    layers = [Prices(account) for _ in range(3)]
    price_list.answering.set()

    assert {amount(each.table(), "nat-gateway") for each in layers} == {Decimal("0.10")}
    assert len(price_list.asked) == len(price_table().prices)


def test_a_plan_does_not_wait_for_an_answer_that_does_not_come(account: Target, price_list: PriceList) -> None:
    price_list.answering.clear()

    assert Prices(account).table() == price_table()
    assert price_list.asked
    assert not price_file(account.environment).exists()


def test_where_there_is_no_way_to_the_api_a_plan_does_without_and_the_next_does_not_try(
    account: Target, price_list: PriceList, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert Prices(account).table() == price_table()

    monkeypatch.setenv("AWS_ENDPOINT_URL", price_list.url)
    assert Prices(open_target(account.environment)).table() == price_table()
    assert price_list.asked == []


@pytest.mark.slow
def test_the_sandbox_answers_every_row_and_says_that_it_was_the_sandbox(sandbox: LocalSandbox) -> None:
    document = sandbox.ils_json("prices", "dev", "--refresh")

    assert document["not_refreshed"] == {}
    assert {row["product"]: Decimal(row["amount"]) for row in document["prices"]} == {
        price.product: price.amount for price in price_table().prices
    }
    assert all("version sandbox" in row["through"] for row in document["prices"])
