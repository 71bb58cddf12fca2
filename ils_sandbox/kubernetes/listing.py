"""Lists in pages: what is left of a list is kept, so that all pages show the same moment."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import dataclass

from ils_sandbox.kubernetes import statuses
from ils_sandbox.kubernetes.store import Object

MOST_KEPT = 64


@dataclass(frozen=True)
class Page:
    objects: list[Object]
    revision: int
    token: str
    """For the next page; empty on the last one."""
    remaining: int


class Continuations:
    """The rests of lists under way, the newest 64. An older token is answered with 410, as an expired one."""

    def __init__(self) -> None:
        self._rests: OrderedDict[str, tuple[list[Object], int]] = OrderedDict()

    def first(self, objects: list[Object], revision: int, limit: int) -> Page:
        if not limit or len(objects) <= limit:
            return Page(objects, revision, "", 0)
        token = secrets.token_urlsafe(12)
        self._rests[token] = (objects[limit:], revision)
        while len(self._rests) > MOST_KEPT:
            self._rests.popitem(last=False)
        return Page(objects[:limit], revision, token, len(objects) - limit)

    def next(self, token: str, limit: int) -> Page:
        if token not in self._rests:
            raise statuses.gone("The provided continue parameter is too old to display a consistent list result.")
        rest, revision = self._rests[token]
        return self.first(rest, revision, limit)
