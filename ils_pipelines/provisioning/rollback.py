"""Going back to an earlier release of the application, as a report like that of any other work on a layer."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

from ils_pipelines.engine.protocol import OnEvent, ignore_events
from ils_pipelines.provisioning.progress import Action, LayerReport
from ils_pipelines.provisioning.release import ReleaseLayer
from ils_pipelines.settings.layers import Layer
from ils_pipelines.targets.protocol import Target


def roll_back(
    target: Target,
    to: int | None,
    *,
    reason: str,
    on_event: OnEvent = ignore_events,
    cancel: threading.Event | None = None,
) -> LayerReport:
    """To the release of that number, or the one before. Raises `NoSuchRelease` and what a release raises."""
    started = time.monotonic()
    result = ReleaseLayer(target).rollback(to, reason=reason, on_event=on_event, cancel=cancel)
    duration = timedelta(seconds=time.monotonic() - started)
    return LayerReport(
        target.environment.name, Layer.APP_RELEASE, Action.ROLLBACK, result.plan, result.outputs, duration
    )
