"""How fast the sandbox pretends to be. Not kept over a restart: a fresh start is a fast sandbox."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class SandboxSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    latency_seconds: float = Field(default=0.0, ge=0, le=60)
    """Added to every AWS call."""
    seconds_per_minute: float = Field(default=0.0, ge=0, le=60)
    """How many seconds one minute of AWS's usual creation time lasts here; 0: everything is available at once."""
    copy_seconds: float = Field(default=0.0, ge=0, le=3600)
    """How long S3 takes to copy an object to another bucket; 0: the copy is there at once."""
    token_seconds: float = Field(default=0.0, ge=0, le=3600)
    """How long ElastiCache still lets in whom it did before a change of token, also when it describes the change as over."""
    withdrawn: tuple[str, ...] = ()
    """Versions of Aurora that RDS offers no more: clusters that have one go on."""
    minutes_ahead: float = Field(default=0.0, ge=0, le=60 * 24 * 366)
    """How far the clock by which maintenance windows open is ahead of the machine's."""


class CurrentSettings:
    """The settings in force; changed through the control API."""

    def __init__(self) -> None:
        self.value = SandboxSettings()

    def update(self, changes: dict[str, object]) -> SandboxSettings:
        """Change the settings named. Raises pydantic's ValidationError, changing nothing, when one is not valid."""
        self.value = SandboxSettings.model_validate({**self.value.model_dump(), **changes})
        return self.value
