"""Promotion: what runs in one environment is released into another, the very same image and not just one of that name.

What an environment is to be is in its file and nowhere else, so that is where a promotion writes it: from there it is
planned, approved where that is asked for, and released like any other change. Its configuration stays its own.
"""

from __future__ import annotations

from dataclasses import dataclass

from ils_pipelines.errors import IlsError
from ils_pipelines.operations.health.look import health
from ils_pipelines.provisioning.release import ReleaseLayer
from ils_pipelines.settings.editing import set_values
from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.layers import Layer
from ils_pipelines.settings.loading import environment_file, load_environment
from ils_pipelines.targets.protocol import Target


class NotPromotable(IlsError):
    """What runs in the environment is not to be released into another. Nothing was changed."""


@dataclass(frozen=True)
class Promotable:
    """A release that serves, is healthy, and is known to the byte."""

    environment: str
    number: int
    image: str
    """With its digest."""

    @property
    def origin(self) -> str:
        return f"{self.environment} release {self.number}"


def promotable(source: Target) -> Promotable:
    """What runs in the source. Raises `NotPromotable` when nothing does, it is not healthy, or not what was released."""
    name = source.environment.name
    work = ReleaseLayer(source)
    good = work.history().last_good
    outputs = work.outputs()
    if good is None or outputs is None:
        raise NotPromotable(f"expected a release that serves in {name}, found none. Release there first: ils up {name}")
    record = good.record
    running = str(outputs["image"].value)
    if running != record.image:
        raise NotPromotable(
            f"expected {record.image} to run in {name}, which is its release {record.number}, found {running}. Somebody "
            f"changed it behind the releases' back (ils drift {name}); release again there: ils up {name}"
        )
    if not record.image_digest:
        raise NotPromotable(
            f"expected release {record.number} of {name} to know the digest of its image, found none: no pod had told it. "
            f"Name the image by digest in app.image of {name}, and release it there."
        )
    report = health(source, (Layer.APP_RELEASE,))
    if not report.sound:
        found = (
            "; ".join(f"{each.component}: {each.found}" for each in report.problems) or "nothing that could be asked"
        )
        raise NotPromotable(
            f"expected release {record.number} to be healthy in {name}, found {found}. What does not work there is not "
            f"released elsewhere: ils health {name}"
        )
    image = record.image.partition("@")[0]
    return Promotable(name, record.number, f"{image}@{record.image_digest}")


def promote(release: Promotable, into: str) -> Environment:
    """Write the release into the other environment's file, and give that environment as it is to be.

    Raises `NotPromotable`, and `EnvironmentFileError` with the file as it was.
    """
    if into == release.environment:
        raise NotPromotable(f"expected another environment than {into} to promote into, found the same.")
    load_environment(into)  # a file that is wrong already is told as such
    set_values(environment_file(into), "app", {"image": release.image, "promoted_from": release.origin})
    return load_environment(into)
