"""The pages of the application."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ils_sandbox.application.neighbours import missing

HEALTH, READY = "/health", "/ready"


@dataclass(frozen=True)
class Page:
    status: int
    body: Mapping[str, Any]


@dataclass(frozen=True)
class Application:
    """One container of the image. A build that was made to fail says on one of its pages that it does."""

    variables: Mapping[str, str]
    authority: Path | None = None
    """PEM file of whom the image trusts to vouch for servers, where that is not whom the machine trusts."""
    lives: bool = True
    gets_ready: bool = True
    patience_seconds: int = 8
    """With each of its neighbours: less than whoever asks has, and enough on a machine that is busy."""

    @property
    def port(self) -> str:
        """Where it listens; empty when it was not told."""
        return self.variables.get("PORT", "")

    async def answer(self, method: str, path: str) -> Page:
        if path not in (HEALTH, READY):
            return Page(404, {"status": "not found"})
        if method not in ("GET", "HEAD"):
            return Page(405, {"status": "method not allowed"})
        if path == HEALTH:
            return Page(200, {"status": "ok"}) if self.lives else Page(500, {"status": "failing"})
        lacks = (
            await asyncio.to_thread(missing, self.variables, self.authority, self.patience_seconds)
            if self.gets_ready
            else {}
        )
        if lacks or not self.gets_ready:
            return Page(503, {"status": "not ready", "missing": lacks})
        return Page(200, {"status": "ready"})
