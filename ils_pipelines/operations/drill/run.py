"""One drill, from the first look to the evidence.

Whatever happens in between, what it made is taken away: at once when it fails or is interrupted, and by the next drill or the
sensor when it was killed. Nothing that is live is written to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ils_pipelines.errors import IlsError
from ils_pipelines.operations.backup.bucket import SetBucket
from ils_pipelines.operations.backup.places import BackupPlaces, find_places
from ils_pipelines.operations.drill import cluster, moment, objects, stores, tables_and_cache
from ils_pipelines.operations.drill.choose import Wanted, choose
from ils_pipelines.operations.drill.holder import holding
from ils_pipelines.operations.drill.leftovers import left_by_drills
from ils_pipelines.operations.drill.live import Fingerprint, fingerprint
from ils_pipelines.operations.drill.models import Evidence
from ils_pipelines.operations.drill.scenario import RECIPES, DatabaseSource, Scenario, Side
from ils_pipelines.operations.drill.session import Session
from ils_pipelines.operations.drill.timeline import OnStep, Timeline, ignore_steps
from ils_pipelines.operations.drill.verdict import causes_of, rpo_of, rto_of
from ils_pipelines.operations.drill.verify.surroundings import key_checks
from ils_pipelines.operations.restore.errors import RestoreFailed
from ils_pipelines.operations.restore.ground import isolation_flaws, lay_ground
from ils_pipelines.operations.restore.place import drill_place, new_drill_id
from ils_pipelines.operations.restore.sweep import find_drills, sweep
from ils_pipelines.provisioning.code_version import code_version
from ils_pipelines.settings.tiers import TargetKind

if TYPE_CHECKING:
    from ils_pipelines.targets.protocol import Target

SWEEP, LOOK, CHOOSE, GROUND, SERVE, CLEAN, LOOK_AGAIN = (
    "sweep what others left",
    "look at what is live",
    "choose a set",
    "lay the ground",
    "serve",
    "clean up",
    "look at what is live again",
)


@dataclass(frozen=True)
class Asked:
    """What somebody wants rehearsed."""

    scenario: Scenario = Scenario.FULL
    wanted: Wanted = field(default_factory=Wanted)


def run_drill(target: Target, asked: Asked, *, on_step: OnStep = ignore_steps) -> Evidence:
    """Raises `DrillUnderWay`, `NoBackupPlace`, `RestoreFailed` when nothing could be begun at all; a drill that fails is told
    by its evidence.
    """
    environment = target.environment
    if environment.target is TargetKind.AWS and not environment.drills.verify_from:
        raise RestoreFailed(
            f"expected drills.verify_from in the file of {environment.name} to name the network of Dagster, found none: "
            "nobody could reach what is restored. Name it; it must be joined to the VPC and lie outside of network.cidr."
        )
    with holding(environment.name) as holder:
        return _Drill(target, asked, find_places(target), holder, on_step).run()


class _Drill:
    def __init__(self, target: Target, asked: Asked, places: BackupPlaces, holder: str, on_step: OnStep) -> None:
        self._target = target
        self._asked = asked
        self._holder = holder
        self._id = new_drill_id()
        self._started = datetime.now(UTC)
        self._timeline = Timeline(on_step)
        self._errors: list[str] = []
        recipe = RECIPES[asked.scenario]
        region = places.here.region if recipe.region is Side.HOME else places.there.region
        self._session = Session(
            target=target,
            recipe=recipe,
            place=drill_place(target.environment, self._id, region=region, holder=holder, started=self._started),
            bucket=SetBucket(target, places.here if recipe.bucket is Side.HOME else places.there),
            timeline=self._timeline,
            detected=self._started,
        )
        self._set = ""
        self._manifest_sha256 = ""

    def run(self) -> Evidence:
        before = after = Fingerprint({})
        leftovers: tuple[str, ...] = ()
        try:
            self._try(SWEEP, self._sweep)
            before = self._looked(LOOK)
            self._rehearse()
        finally:
            # Also when somebody interrupts: what was made costs money.
            leftovers = self._clean_up()
        after = self._looked(LOOK_AGAIN)
        return self._evidence(before, after, leftovers)

    def _try(self, step: str, work: Callable[[], None]) -> bool:
        """Whether it went well; what went wrong is a cause of the drill's failure."""
        from botocore.exceptions import BotoCoreError, ClientError
        from psycopg import Error

        try:
            with self._timeline.step(step):
                work()
        except (IlsError, BotoCoreError, ClientError, Error) as error:
            self._errors.append(f"{step}: {error}".strip())
            return False
        return True

    def _looked(self, step: str) -> Fingerprint:
        found: list[Fingerprint] = []
        self._try(step, lambda: found.append(fingerprint(self._target)))
        return found[0] if found else Fingerprint({})

    def _sweep(self) -> None:
        """What older drills left, and what one of this machine that is not at work any more did."""
        found = left_by_drills(self._target, orphans_of=self._holder)
        failures = sweep(self._target, found.made).failures
        left = (*(f"{made} could not be taken away: {why}" for made, why in failures), *found.unseen)
        if left:
            raise RestoreFailed("; ".join(left))

    def _rehearse(self) -> None:
        """Step by step, until one fails: what comes after has nothing to work with."""
        session = self._session
        if session.recipe.database is not None:
            self._try("look at the newest row", self._look_at_newest_row)
        session.detected = datetime.now(UTC)
        steps: list[tuple[str, Callable[[], None]]] = [
            (CHOOSE, self._choose),
            ("try the keys", self._try_keys),
            (GROUND, self._lay_ground),
        ]
        if session.recipe.database is DatabaseSource.MOMENT:
            steps += self._moment_steps()
        if session.recipe.cluster:
            steps += cluster.steps(session, SERVE)
        else:
            steps += [
                ("restore", lambda: session.side_by_side(self._restores())),
                ("verify", lambda: session.side_by_side(self._verifications())),
                (SERVE, lambda: stores.serve(session)),
            ]
        if session.recipe.dump:
            steps.append(("prove the dump", lambda: stores.prove_dump(session)))
        for name, work in steps:
            if not self._try(name, work):
                return

    def _restores(self) -> dict[str, Callable[[], None]]:
        work = dict(stores.restores(self._session))
        if self._session.recipe.objects:
            work["restore objects"] = lambda: objects.restore_objects(self._session)
        return work

    def _verifications(self) -> dict[str, Callable[[], None]]:
        work = dict(stores.verifications(self._session))
        if self._session.recipe.objects:
            work["verify objects"] = lambda: objects.verify_objects(self._session)
        return work

    def _moment_steps(self) -> list[tuple[str, Callable[[], None]]]:
        session, done = self._session, moment.Damage()

        def detect() -> None:
            session.detected = datetime.now(UTC)

        return [
            ("make a copy to damage", lambda: moment.prepare(session)),
            ("damage the copy", lambda: moment.damage(session, done)),
            ("detect the damage", detect),
            ("go back to before the damage", lambda: moment.go_back(session, done)),
            ("compare with before the damage", lambda: moment.verify(session, done)),
        ]

    def _look_at_newest_row(self) -> None:
        from ils_pipelines.operations.drill.verify.database import newest_row

        access = stores.live_access(self._target)
        if access is not None:
            with access.connect(autocommit=True) as live:
                self._session.newest_live = newest_row(live, self._target.environment.drills.newest_row)

    def _choose(self) -> None:
        session = self._session
        set_id = choose(session.bucket, self._asked.wanted)
        self._set = set_id.name
        session.manifest = session.bucket.manifest(set_id)
        session.not_restored.extend(tables_and_cache.not_restored(session))
        self._manifest_sha256 = session.manifest.digest

    def _try_keys(self) -> None:
        """Every key that something is restored from or to: the first thing to be missing after a loss."""
        session = self._session
        keys = {"the bucket": session.bucket.side.key_arn}
        for piece in session.of.pieces:
            key = getattr(piece.details, "key_arn", None)
            if key and key.split(":")[3] == session.place.region:
                keys[piece.name] = key
        session.record(key_checks(self._target, tuple(keys.items())))
        bad = [str(each) for each in session.checks if not each.passed]
        if bad:
            raise RestoreFailed("; ".join(bad))

    def _lay_ground(self) -> None:
        session = self._session
        recipe = session.recipe
        if recipe.cluster:
            cluster.lay_ground(session)
            return
        if recipe.database is None and recipe.tables is None and recipe.cache is None:
            return
        session.ground = lay_ground(self._target, session.place)
        flaws = list(isolation_flaws(self._target, session.ground))
        if flaws:
            raise RestoreFailed(f"expected no way from what is live to what is restored, found: {'; '.join(flaws)}")

    def _clean_up(self) -> tuple[str, ...]:
        """What is left all the same, in words."""
        left: list[str] = []

        def clean() -> None:
            swept = sweep(self._target, find_drills(self._target, self._id).made)
            left.extend(f"{made}: {why}" for made, why in swept.failures)
            again = find_drills(self._target, self._id)
            left.extend(str(made) for made in again.made if str(made) not in "".join(left))
            left.extend(again.unseen)

        if not self._try(CLEAN, clean):
            left.append(f"what drill {self._id} made could not be looked for; the next drill sweeps it")
        return tuple(left)

    def _evidence(self, before: Fingerprint, after: Fingerprint, leftovers: tuple[str, ...]) -> Evidence:
        session = self._session
        changes = before.changes(after)
        rto, rpo = rto_of(session, SERVE), rpo_of(session)
        return Evidence(
            drill=self._id,
            environment=self._target.environment.name,
            scenario=self._asked.scenario,
            set=self._set,
            manifest_sha256=self._manifest_sha256,
            signing_key_arn=session.bucket.side.signing_key_arn,
            region=session.place.region,
            code_version=code_version(self._target.environment.name).name,
            started=self._started,
            finished=datetime.now(UTC),
            steps=self._timeline.steps,
            checks=session.checks,
            rto=rto,
            rpo=rpo,
            not_restored=(*session.recipe.not_restored, *session.not_restored),
            leftovers=leftovers,
            live_before=before.digest,
            live_after=after.digest,
            live_changes=changes,
            causes=causes_of(self._errors, session.checks, rto, rpo, leftovers, changes, session.recipe),
        )
