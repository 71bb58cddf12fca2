"""The log of a job's container, line by line as it is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

LAST_LINES = 20
"""How much of the log stands in the error of a job that failed."""
_LINE_TIMEOUT = (5, 60)
"""Seconds to connect, and without a line before the connection is taken for dead and made anew."""


def stream_logs(
    core: Any,
    pod: str,
    namespace: str,
    container: str,
    on_line: Callable[[str], None],
    *,
    cancelled: Callable[[], bool],
) -> None:
    """Hand every line to `on_line`, once, until the container has ended.

    Connections end before containers do (load balancers, restarts of the API server): each is followed by another, of which
    the lines that were seen already are passed over.
    """
    from kubernetes.client.exceptions import ApiException
    from urllib3.exceptions import HTTPError

    seen = 0
    while not cancelled():
        try:
            for number, line in enumerate(_lines(core, pod, namespace, container)):
                if number >= seen:
                    seen = number + 1
                    on_line(line)
                if cancelled():
                    return
        except HTTPError:
            continue
        except ApiException as error:
            if error.status == 404:  # a job that takes too long is ended together with its pod
                return
            raise
        if _has_ended(core, pod, namespace, container):
            return


def last_lines(core: Any, pod: str, namespace: str, container: str) -> tuple[str, ...]:
    """The end of the log; nothing when there is none any more."""
    from kubernetes.client.exceptions import ApiException

    try:
        text = core.read_namespaced_pod_log(pod, namespace, container=container, tail_lines=LAST_LINES)
    except ApiException:
        return ()
    return tuple(str(text).splitlines())


def _lines(core: Any, pod: str, namespace: str, container: str) -> Iterator[str]:
    response = core.read_namespaced_pod_log(
        pod, namespace, container=container, follow=True, _preload_content=False, _request_timeout=_LINE_TIMEOUT
    )
    rest = b""
    try:
        for chunk in response.stream(amt=None, decode_content=False):
            *whole, rest = (rest + chunk).split(b"\n")
            yield from (line.decode(errors="replace") for line in whole)
        if rest:
            yield rest.decode(errors="replace")
    finally:
        response.release_conn()


def _has_ended(core: Any, pod: str, namespace: str, container: str) -> bool:
    """Also when the pod is gone: then there is nothing more to come."""
    from kubernetes.client.exceptions import ApiException

    try:
        found = core.read_namespaced_pod(pod, namespace)
    except ApiException as error:
        if error.status == 404:
            return True
        raise
    statuses = found.status.container_statuses or ()
    return any(each.name == container and each.state.terminated is not None for each in statuses)
