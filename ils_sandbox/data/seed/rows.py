"""The rows of the data set, from one random number generator: the same for the same scale."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

SEED = 20260101
TODAY = datetime(2026, 10, 1, tzinfo=UTC)
"""The day that the data set ends with."""

CUSTOMERS, LENSES, PRESCRIPTIONS, ORDERS = 4_000, 400, 8_000, 12_000
"""At scale 1. Lenses are a catalogue, which does not grow with the business."""

Row = tuple[object, ...]

_FIRST = ("Anna", "Ben", "Clara", "David", "Elif", "Felix", "Greta", "Hasan", "Ida", "Jonas", "Katrin", "Liam", "Mara",
          "Noah", "Olga", "Paul", "Rosa", "Samir", "Tilda", "Yusuf")  # fmt: skip
_LAST = ("Albrecht", "Bauer", "Celik", "Dietrich", "Engel", "Fischer", "Graf", "Haas", "Ivanov", "Jung", "Keller", "Lang",
         "Meyer", "Neumann", "Otto", "Peters", "Richter", "Sommer", "Thiel", "Weber")  # fmt: skip
_CITIES = ("Aalen", "Berlin", "Dresden", "Hamburg", "Jena", "Koblenz", "Leipzig", "München", "Rostock", "Ulm")
_MATERIALS = (
    ("CR39", "1.500"),
    ("Trivex", "1.530"),
    ("Polycarbonate", "1.590"),
    ("MR-8", "1.600"),
    ("MR-174", "1.740"),
)
_COATINGS = ("none", "hard", "anti-reflective", "blue light", "photochromic")
_STATUSES = (("delivered", 80), ("shipped", 8), ("in_lab", 6), ("received", 4), ("cancelled", 2))
_MACHINES = ("generator-1", "generator-2", "polisher-1", "coater-1", "edger-1")
_JOB = ("job.created", "job.started", "job.finished")


@dataclass(frozen=True)
class Order:
    """An order with its lines and what the lab said about it."""

    row: Row
    lines: tuple[Row, ...]
    messages: tuple[Row, ...]


class DataSet:
    """All rows; each method may be iterated once, in this order."""

    def __init__(self, scale: int = 1, seed: int = SEED) -> None:
        self._scale = scale
        self._random = random.Random(seed)  # noqa: S311 repeatable, not secret
        self._prices: list[Decimal] = []

    def customers(self) -> Iterator[Row]:
        """customer_id, name, email, city, created_at"""
        for number in range(1, CUSTOMERS * self._scale + 1):
            first, last = self._random.choice(_FIRST), self._random.choice(_LAST)
            email = f"{first}.{last}.{number}@example.com".lower()
            yield number, f"{first} {last}", email, self._random.choice(_CITIES), self._moment(days=1500)

    def lenses(self) -> Iterator[Row]:
        """lens_id, sku, material, coating, index, price_eur"""
        for number in range(1, LENSES + 1):
            material, index = self._random.choice(_MATERIALS)
            price = Decimal(self._random.randrange(2900, 49900, 100)) / 100
            self._prices.append(price)
            sku = f"{material[:2].upper()}-{number:03}-{self._random.randrange(100):02}"
            yield number, sku, material, self._random.choice(_COATINGS), Decimal(index), price

    def prescriptions(self) -> Iterator[Row]:
        """prescription_id, customer_id, eye, sphere, cylinder, axis, issued_on, expires_on

        Two a customer, one for each eye.
        """
        for number in range(1, PRESCRIPTIONS * self._scale + 1):
            issued: date = self._moment(days=700).date()
            sphere, cylinder = self._quarters(-32, 25), self._quarters(-12, 1)
            eye = ("left", "right")[number % 2]
            yield (
                number, (number + 1) // 2, eye, sphere, cylinder, self._random.randrange(181), issued,
                issued + timedelta(days=730),
            )  # fmt: skip

    def orders(self) -> Iterator[Order]:
        for number in range(1, ORDERS * self._scale + 1):
            status = self._random.choices([name for name, _ in _STATUSES], [weight for _, weight in _STATUSES])[0]
            customer = self._random.randrange(1, CUSTOMERS * self._scale + 1)
            yield self.order(number, customer, status, self._moment(days=180))

    def order(self, number: int, customer: int, status: str, placed: datetime) -> Order:
        lines: list[Row] = []
        for line in range(1, self._random.choice((1, 2, 2)) + 1):
            lens = self._random.randrange(LENSES)
            prescription = 2 * customer - (line % 2)
            lines.append((number, line, lens + 1, prescription, 1, self._prices[lens]))
        total = sum((Decimal(str(line[5])) for line in lines), Decimal(0))
        messages = tuple(self._messages(number, status, placed))
        return Order((number, customer, status, placed, total), tuple(lines), messages)

    def _messages(self, number: int, status: str, placed: datetime) -> Iterator[Row]:
        """order_id, kind, payload, received_at"""
        steps = {"received": 1, "in_lab": 2, "cancelled": 1}.get(status, 3)
        for step, kind in enumerate(_JOB[:steps]):
            payload = {"job": f"J{number:08}", "machine": self._random.choice(_MACHINES), "step": step}
            yield (
                number,
                kind,
                json.dumps(payload),
                placed + timedelta(hours=step, seconds=self._random.randrange(3600)),
            )

    def _moment(self, days: int) -> datetime:
        return TODAY - timedelta(seconds=self._random.randrange(days * 86_400))

    def _quarters(self, least: int, most: int) -> Decimal:
        """A number of dioptres, which come in quarters."""
        return Decimal(self._random.randrange(least, most)) / 4
