"""Prices read anew beside the planning of an environment, once those that are kept are a day old.

A plan waits for them no longer than `PATIENCE` from their beginning, which planning takes itself, and never fails of them:
what was not read stays what it was, and every row says its own source and date.
"""

from __future__ import annotations

import logging
import threading
import time
from datetime import timedelta
from pathlib import Path

from ils_pipelines.errors import IlsError
from ils_pipelines.provisioning.price_refresh import refresh
from ils_pipelines.settings.price_cache import keep_prices, price_file, prices_for
from ils_pipelines.settings.prices import PriceTable
from ils_pipelines.targets.protocol import Target

MAX_AGE = timedelta(days=1)
TRIED_AGAIN_AFTER = timedelta(hours=1)
"""While nobody answers: so not every plan waits."""
PATIENCE = timedelta(seconds=3)

logger = logging.getLogger(__name__)


class PriceReading:
    """One reading of the prices of a target and region, for all layers that are planned meanwhile."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._deadline = time.monotonic() + PATIENCE.total_seconds()
        # A daemon: the process of the plan does not wait for it.
        self._thread = threading.Thread(target=self._read, name="prices", daemon=True)
        self._thread.start()

    @property
    def under_way(self) -> bool:
        return self._thread.is_alive()

    def wait(self) -> None:
        """Until the prices are there, or nobody wants to wait any more."""
        self._thread.join(max(0.0, self._deadline - time.monotonic()))

    def _read(self) -> None:
        environment = self._target.environment
        try:
            keep_prices(environment, refresh(self._target, prices_for(environment), hurried=True).table)
        except IlsError as unreachable:
            logger.info("%s", unreachable)
        except Exception:
            logger.warning("the prices could not be read anew and stay as they are", exc_info=True)


class Prices:
    """The prices that a plan is priced with: as they are when it asks for them, being read anew if they were old."""

    _readings: dict[Path, PriceReading] = {}
    _lock = threading.Lock()

    def __init__(self, target: Target) -> None:
        """Begins to read when that is due, unless somebody in this process does already."""
        self._environment = target.environment
        file = price_file(target.environment)
        with self._lock:
            self._reading = self._readings.get(file)
            if (self._reading is None or not self._reading.under_way) and _due(file):
                self._reading = self._readings[file] = PriceReading(target)

    def table(self) -> PriceTable:
        if self._reading is not None:
            self._reading.wait()
        return prices_for(self._environment)


def _due(file: Path) -> bool:
    """Whether to try, which is recorded: other processes leave it to this one."""
    tried = file.with_suffix(".tried")
    if _age(file) < MAX_AGE or _age(tried) < TRIED_AGAIN_AFTER:
        return False
    tried.parent.mkdir(parents=True, exist_ok=True)
    tried.touch()
    return True


def _age(file: Path) -> timedelta:
    try:
        return timedelta(seconds=time.time() - file.stat().st_mtime)
    except FileNotFoundError:
        return timedelta.max
