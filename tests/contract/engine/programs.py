"""Programs that are run in processes of their own."""

from __future__ import annotations

import pulumi

from tests.contract.engine.lab import INTERRUPT, Thing


def estate() -> None:
    """Something of everything: chains, forks and a secret."""
    ground = Thing("ground", value="g")
    house = Thing("house", value="h", home=ground.id)
    garden = Thing("garden", value="j", home=ground.id)
    Thing("gate", value="t", uses=[house.id, garden.id], password=pulumi.Output.secret("open sesame"))
    pulumi.export("address", house.address)


def estate_edited() -> None:
    """The estate after an update (ground), a replacement (house), a delete (gate) and a create (pond)."""
    ground = Thing("ground", value="g2")
    Thing("house", value="h", kind="brick", home=ground.id)
    garden = Thing("garden", value="j", home=ground.id)
    Thing("pond", value="p", home=garden.id)


def exclusive_estate(kind: str) -> None:
    """A house that must be deleted before it is replaced, along with what is in it."""
    house = Thing("house", value="h", exclusive=kind)
    room = Thing("room", value="r", home=house.id)
    Thing("bed", value="b", home=room.id)


def waiting() -> None:
    """Never finishes by itself: it waits for a second caller that does not come."""
    Thing("quick", value="q")
    Thing("slow", value="s", meet={"at": "never", "count": 2})


def waiting_for_interrupt() -> None:
    """Its first thing is made until a second caller comes; what is built on that waits for it."""
    first = Thing("first", value="f", meet={"at": INTERRUPT, "count": 2})
    Thing("second", value="s", home=first.id)


PROGRAMS = {
    "nothing": lambda: None,
    "estate": estate,
    "estate_edited": estate_edited,
    "exclusive_a": lambda: exclusive_estate("a"),
    "exclusive_b": lambda: exclusive_estate("b"),
    "waiting": waiting,
    "waiting_for_interrupt": waiting_for_interrupt,
}
