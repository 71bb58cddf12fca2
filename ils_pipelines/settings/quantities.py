"""Amounts of CPU and memory as Kubernetes writes them: `250m` is a quarter of a CPU, `256Mi` are 2**28 bytes."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated

from ils_pipelines.settings.section import text

_FORM = r"\d+(\.\d+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?"
_UNITS = {
    "": Decimal(1),
    "m": Decimal("0.001"),
    **{unit: Decimal(1000) ** power for power, unit in enumerate("kMGT", start=1)},
    **{unit: Decimal(1024) ** power for power, unit in enumerate(("Ki", "Mi", "Gi", "Ti"), start=1)},
}

Quantity = Annotated[
    str, text(_FORM, "is not an amount of CPU or memory", 'Write in quotes, for example "250m", "2" or "256Mi".')
]


def value_of(quantity: str) -> Decimal:
    """In CPUs or bytes. Raises ValueError for what is no `Quantity`."""
    if not re.fullmatch(_FORM, quantity):
        raise ValueError(f"{quantity!r} is not an amount of CPU or memory")
    number = quantity.rstrip("".join(_UNITS))
    return Decimal(number) * _UNITS[quantity[len(number) :]]
