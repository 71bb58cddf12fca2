"""The encryption keys of an environment."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ils_pipelines.settings.section import Section


class Encryption(Section):
    """How its KMS keys live and die."""

    deletion_window_days: Annotated[int, Field(strict=True, ge=7, le=30)] = Field(
        default=7,
        description="Days between the order to delete a key and its end, in which the order can be taken back.",
    )
    rotation_period_days: Annotated[int, Field(strict=True, ge=90, le=2560)] = Field(
        default=365, description="Days after which a key gets new material. Rotation itself cannot be turned off."
    )
