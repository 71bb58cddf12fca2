"""The overlay's own bookkeeping: tables of plain values, by account and region, saved with moto's state."""

from __future__ import annotations

from typing import Any

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay.lifecycles import Phase

Table = dict[str, Any]


class Store:
    """Tables by name. A table is a dictionary that its handlers may change in place."""

    def __init__(self) -> None:
        self.tables: dict[tuple[str, str, str], Table] = {}
        self.phases: dict[str, Phase] = {}

    def table(self, name: str, call: Call) -> Table:
        """The table of that name in the call's account and region."""
        return self.tables.setdefault((name, call.account, call.region), {})
