"""Nobody waits longer for a message than a look may take."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from ils_pipelines.operations.notifications.channels import NotSent
from ils_pipelines.operations.notifications.patience import LONGEST, within


def test_what_comes_of_sending_is_what_it_gives_or_raises() -> None:
    def refused() -> str:
        raise NotSent("HTTP 403")

    assert within(LONGEST, lambda: "HTTP 200") == "HTTP 200"
    with pytest.raises(NotSent, match="HTTP 403"):
        within(LONGEST, refused)


def test_what_takes_longer_is_not_sent_as_far_as_anybody_can_tell() -> None:
    free = threading.Event()

    def hangs() -> str:
        free.wait()
        return "HTTP 200"

    try:
        with pytest.raises(NotSent, match=r"longer than 0\.01 seconds"):
            within(timedelta(milliseconds=10), hangs)
    finally:
        free.set()
