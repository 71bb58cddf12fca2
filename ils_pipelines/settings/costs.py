"""What an environment may cost."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from ils_pipelines.settings.section import Section


class Costs(Section):
    """Limits that the cost report holds the bill against, in the currency of the bill."""

    budget_monthly: Annotated[Decimal, Field(gt=0, max_digits=12, decimal_places=2)] | None = Field(
        default=None, description="What a month may cost; None is held against nothing."
    )
    untagged_percent: Annotated[int, Field(strict=True, ge=0, le=100)] = Field(
        default=5, description="How much of the account's costs may lack the tag `environment`, in percent."
    )
    estimate_percent: Annotated[int, Field(strict=True, ge=10, le=1000)] = Field(
        default=100,
        description="By how much a month may differ from the list prices of what is provisioned, in percent.",
    )
