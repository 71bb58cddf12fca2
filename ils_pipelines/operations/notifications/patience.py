"""How long anybody waits for one message to go out."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from datetime import timedelta

from ils_pipelines.operations.notifications.channels import NotSent

LONGEST = timedelta(seconds=10)
"""Of one message on one channel. Time-outs of sockets begin anew with each byte, and a name may take long to be found."""


def within(limit: timedelta, send: Callable[[], str]) -> str:
    """What `send` gives. Raises `NotSent` when that takes longer; should it arrive all the same, it comes twice, with one id.

    Python cannot end what waits for another machine: it is left to itself, and ends by its own time-outs or with the process.
    """
    answer: Future[str] = Future()

    def work() -> None:
        try:
            answer.set_result(send())
        except BaseException as error:  # noqa: BLE001 whoever waits gets it
            answer.set_exception(error)

    thread = threading.Thread(target=work, name="sending", daemon=True)
    thread.start()
    thread.join(limit.total_seconds())
    if not answer.done():
        raise NotSent(f"it took longer than {limit.total_seconds():g} seconds")
    return answer.result()
