"""Taking away what drills made: at the end of each, and afterwards what one left that was killed.

Found by the names that drills give and, with the tags, by who runs the drill and how long it has been there. What has
another name is never touched.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from ils_pipelines.errors import IlsError
from ils_pipelines.operations.restore.cache_kinds import CACHE_KINDS
from ils_pipelines.operations.restore.cluster_kinds import CLUSTER_KINDS
from ils_pipelines.operations.restore.kinds import KINDS, Kind, Made
from ils_pipelines.operations.restore.namespaces import NAMESPACES
from ils_pipelines.operations.restore.place import DRILL_PREFIX, HOLDER, started_at
from ils_pipelines.operations.restore.waiting import wait_until

if TYPE_CHECKING:
    from ils_pipelines.targets.protocol import Target

THREADS = 8
_REGIONAL = (*KINDS, *CACHE_KINDS, *CLUSTER_KINDS)
_ALL = (*_REGIONAL, NAMESPACES)
_HELD = "DependencyViolation"
_LONGEST_HOLD = timedelta(minutes=20)
"""EC2 keeps network interfaces for minutes after the nodes, databases and caches that they were of are gone."""
_BY_NAME = {kind.name: kind for kind in _ALL}


@dataclass(frozen=True)
class Found:
    """What there is of drills, as far as it can be seen."""

    made: tuple[Made, ...]
    unseen: tuple[str, ...] = ()
    """Which kinds cannot be listed, or not to the end, and why. There may be more of them."""


@dataclass(frozen=True)
class Swept:
    """What a sweep did."""

    removed: tuple[Made, ...]
    failures: tuple[tuple[Made, str], ...] = ()
    """What could not be taken away, and why."""


def find_drills(target: Target, drill: str | None = None) -> Found:
    """Everything there is of the drills of the target's environment, or of one drill. Raises nothing: one kind that cannot be
    listed, as Kubernetes objects of a cluster that is lost, hides no other.
    """
    environment = target.environment
    prefix = f"{DRILL_PREFIX}-{environment.name}-"
    looks = [(kind, region) for kind in _REGIONAL for region in environment.regions]
    looks.append((NAMESPACES, environment.aws.region))
    with ThreadPoolExecutor(THREADS) as pool:
        found = tuple(pool.map(lambda look: _list(target, look[0], look[1], prefix), looks))
    made = [each for seen, _ in found for each in seen]
    # `ilsdrill-dev-` also begins the names of an environment `dev-2`, whose drills are its own.
    own = tuple(each for each in made if _drill_of(each, environment.name) in ({drill} if drill else _ANY))
    return Found(own, tuple(why for _, why in found if why))


def _list(target: Target, kind: Kind, region: str, prefix: str) -> tuple[list[Made], str]:
    """Those that are seen, and why there may be more; empty when there are not."""
    from botocore.exceptions import BotoCoreError, ClientError

    seen: list[Made] = []
    try:
        for each in kind.list(target, region, prefix):
            seen.append(each)  # noqa: PERF402 those before an error count
    except (BotoCoreError, ClientError, IlsError) as error:
        return seen, f"any {kind.name} in {region} could not be looked for: {error}"
    return seen, ""


class _Anything:
    def __contains__(self, value: object) -> bool:
        return value is not None


_ANY = _Anything()


def _drill_of(made: Made, environment: str) -> str | None:
    match = re.fullmatch(rf"{DRILL_PREFIX}-{re.escape(environment)}-([0-9a-f]{{8}})(-.*)?", made.name)
    return match.group(1) if match else None


def is_left_over(made: Made, *, now: datetime, longest: timedelta, orphans_of: str = "") -> bool:
    """Whether nobody is at work with it any more: it is too old, or of a holder that is known not to run a drill now.

    What has no tags (a table that is being restored) is as old as AWS says.
    """
    if orphans_of and made.tags.get(HOLDER) == orphans_of:
        return True
    began = started_at(made.tags) or made.created
    return began is not None and began.astimezone(UTC) < now - longest


def sweep(target: Target, made: Iterable[Made], *, on_removed: Callable[[Made], None] = lambda _made: None) -> Swept:
    """Take all of it away, dependents first, and wait until it is gone. Raises nothing: what fails is reported."""
    removed: list[Made] = []
    failures: list[tuple[Made, str]] = []
    everything = list(made)
    for stage in sorted({_BY_NAME[each.kind].stage for each in everything}):
        now = [each for each in everything if _BY_NAME[each.kind].stage == stage]
        with ThreadPoolExecutor(THREADS) as pool:
            # What could not be taken away goes on holding what it holds.
            patience = timedelta(0) if failures else _LONGEST_HOLD
            outcomes = list(pool.map(partial(_remove, target, patience), now))
        for each, why in zip(now, outcomes, strict=True):
            if why:
                failures.append((each, why))
            else:
                removed.append(each)
                on_removed(each)
    return Swept(tuple(removed), tuple(failures))


def _remove(target: Target, patience: timedelta, made: Made) -> str:
    """Why it could not be taken away; empty when it is gone."""
    from botocore.exceptions import BotoCoreError, ClientError

    kind, deadline = _BY_NAME[made.kind], datetime.now(UTC) + patience

    def let_go() -> bool:
        try:
            kind.delete(target, made)
        except ClientError as error:
            if error.response["Error"]["Code"] != _HELD or datetime.now(UTC) >= deadline:
                raise
            return False
        return True

    try:
        wait_until(f"{made} to be held by nothing", let_go)
        if kind.await_gone is not None:
            kind.await_gone(target, made)
    except (BotoCoreError, ClientError, IlsError) as error:
        return str(error)
    return ""
