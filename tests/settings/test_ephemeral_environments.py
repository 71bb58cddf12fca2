"""Environments that are made from another's file for a time: what they are, what is refused, and how they end."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ils_pipelines.errors import IlsError
from ils_pipelines.settings.derivation import NoFreeNetwork, choose_network, moved_subnets
from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.ephemeral import LONGEST, SHORTEST, BadTimeToLive, parse_ttl
from ils_pipelines.settings.ephemeral_files import (
    NoSuchEphemeral,
    draft_ephemeral,
    forget_ephemeral,
    prolong_ephemeral,
    write_ephemeral,
)
from ils_pipelines.settings.errors import EnvironmentFileError
from ils_pipelines.settings.loading import (
    environment_names,
    ephemeral_names,
    lasting_names,
    load_environment,
    read_environment,
    validate_all,
)
from ils_pipelines.settings.network import Network

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
TTL = timedelta(hours=8)
SHIPPED = Path(__file__).resolve().parents[2] / "environments"


@pytest.fixture(autouse=True)
def _folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shipped environments, and a state folder of the test's own."""
    shutil.copytree(SHIPPED, tmp_path / "environments")
    monkeypatch.setenv("ILS_ENVIRONMENTS_DIR", str(tmp_path / "environments"))
    monkeypatch.setenv("ILS_STATE_DIR", str(tmp_path / "state"))


def make(name: str = "pr-7", base: str = "dev", **more: Any) -> Environment:
    environment, content = draft_ephemeral(name, base=base, ttl=TTL, now=NOW, **more)
    write_ephemeral(environment, content)
    return environment


def test_it_is_read_like_the_others_after_them() -> None:
    made = make()

    assert load_environment("pr-7") == made
    assert environment_names() == ("dev", "staging", "production", "pr-7")
    assert (lasting_names(), ephemeral_names()) == (("dev", "staging", "production"), ("pr-7",))
    assert [report.name for report in validate_all() if not report.problems] == list(environment_names())


def test_it_is_what_its_base_is_but_for_name_network_address_and_end() -> None:
    base, made = load_environment("dev"), make()

    assert made.ephemeral is not None
    assert (made.ephemeral.base, made.ephemeral.created, made.ephemeral.expires) == ("dev", NOW, NOW + TTL)
    assert str(made.network.cidr) == "10.1.0.0/16"
    assert [str(subnet) for subnet in made.network.private_subnets] == ["10.1.11.0/24", "10.1.12.0/24"]
    assert made.load_balancer.domain == "pr-7.dev.ils.example.com"
    assert made.app.namespace == "ils-pr-7"
    for part in ("cluster", "database", "cache", "tables", "encryption", "aws", "tier", "target"):
        assert getattr(made, part) == getattr(base, part), part


def test_waivers_of_named_resources_are_of_its_own_resources() -> None:
    resources = {waiver.resource for waiver in make().posture_waivers}

    assert "secret ils-pr-7-lims-api-key" in resources
    assert not any("ils-dev-" in resource for resource in resources)


def test_nothing_of_it_stands_in_the_way_of_its_end(tmp_path: Path) -> None:
    file = tmp_path / "environments" / "dev.yaml"
    data = yaml.safe_load(file.read_text())
    data["database"] |= {"deletion_protection": True, "final_snapshot": True}
    data["secrets"]["recovery_window_days"] = 30
    file.write_text(yaml.safe_dump(data))

    made = make()

    assert (made.database.deletion_protection, made.database.final_snapshot) == (False, False)
    assert made.secrets.recovery_window_days == 0


def test_each_gets_a_network_that_no_other_uses() -> None:
    networks = [make(f"pr-{number}").network.cidr for number in range(1, 5)]

    assert [str(network) for network in networks] == ["10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16", "10.4.0.0/16"]


def test_a_network_may_be_given_and_is_divided_when_it_is_smaller_than_the_bases() -> None:
    network = make(cidr="172.20.0.0/20").network

    assert [str(each) for each in (*network.public_subnets, *network.private_subnets)] == [
        "172.20.0.0/22",
        "172.20.4.0/22",
        "172.20.8.0/22",
        "172.20.12.0/22",
    ]


@given(
    st.lists(st.integers(0, 255), unique=True, max_size=40),
    st.integers(16, 24),
)
def test_the_chosen_network_overlaps_none_that_is_taken(numbers: list[int], prefix: int) -> None:
    others = [_with_network(f"10.{number}.0.0/{prefix}") for number in numbers]

    chosen = choose_network(others)

    assert chosen.prefixlen == 16
    assert not any(chosen.overlaps(other.network.cidr) for other in others)


def test_when_every_network_is_taken_that_is_said() -> None:
    with pytest.raises(NoFreeNetwork, match="found all taken"):
        choose_network([_with_network("10.0.0.0/8")])


@given(st.integers(0, 2**16 - 1), st.integers(16, 28), st.integers(1, 4))
def test_subnets_lie_inside_the_network_apart_from_each_other(place: int, prefix: int, zones: int) -> None:
    blocks = list(IPv4Network("10.0.0.0/16").subnets(new_prefix=24))
    base = Network.model_construct(
        cidr=IPv4Network("10.0.0.0/16"),
        public_subnets=tuple(blocks[:zones]),
        private_subnets=tuple(blocks[10 : 10 + zones]),
    )
    cidr = IPv4Network(
        ((172 << 24) + (place << 16 >> (32 - prefix) << (32 - prefix)) % (1 << 24), prefix), strict=False
    )

    try:
        public, private = moved_subnets(base, cidr)
    except NoFreeNetwork:
        assert (2 * zones) << (32 - 28) > cidr.num_addresses, "there is room for as many /28"
        return

    found = [*public, *private]
    assert (len(public), len(private)) == (zones, zones)
    assert all(subnet.subnet_of(cidr) for subnet in found)
    assert not any(one.overlaps(other) for one in found for other in found if one is not other)


def _with_network(cidr: str) -> Environment:
    return Environment.model_construct(name="other", network=Network.model_construct(cidr=IPv4Network(cidr)))


@pytest.mark.parametrize(
    ("name", "base", "cidr", "said"),
    [
        ("dev", "dev", None, "there is an environment dev already"),
        ("Pr-7", "dev", None, "is not a usable environment name. Use lower-case letters, digits"),
        ("pr_7", "dev", None, "is not a usable environment name"),
        ("7-pr", "dev", None, "is not a usable environment name"),
        ("p" * 21, "dev", None, "at most 20 characters"),
        ("pr--7", "dev", None, "two '-' in a row, which RDS and ElastiCache refuse"),
        ("../pr", "dev", None, "is not a usable environment name"),
        ("pr-7", "nowhere", None, "there is no environment 'nowhere'"),
        ("pr-7", "production", None, "found production, which is of the production tier"),
        ("pr-7", "staging", None, "found staging, which is changed only as an approved plan"),
        ("pr-7", "dev", "10.0.128.0/20", "found 10.0.128.0/20, which overlaps 10.0.0.0/16 of dev"),
        ("pr-7", "dev", "10.9.0.0/28", "with room for 4 subnets of at least /28"),
        ("pr-7", "dev", "10.9.0.1/16", "has bits set after its prefix length"),
        ("pr-7", "dev", "many", "is not an IPv4 network"),
        ("pr-7", "dev", "11.0.0.0/8", "AWS takes VPCs from /16 to /28"),
    ],
)
def test_what_cannot_be_made_is_refused_and_leaves_nothing(name: str, base: str, cidr: str | None, said: str) -> None:
    with pytest.raises(IlsError) as refused:
        make(name, base, cidr=cidr)

    assert said in str(refused.value)
    assert ephemeral_names() == ()


def test_one_is_not_made_from_another() -> None:
    make()

    with pytest.raises(NoSuchEphemeral, match="found pr-7, which was itself made for a time"):
        make("pr-8", "pr-7")


def test_of_two_who_make_the_same_the_second_is_refused() -> None:
    first, second = (draft_ephemeral("pr-7", base="dev", ttl=TTL, now=NOW) for _ in range(2))
    file = write_ephemeral(*first)
    before = file.read_bytes()

    with pytest.raises(NoSuchEphemeral, match="there is an environment pr-7 already"):
        write_ephemeral(*second)

    assert file.read_bytes() == before
    assert [path.name for path in file.parent.iterdir()] == ["pr-7.yaml"]


def test_it_can_be_given_more_time_and_keeps_everything_else() -> None:
    made = make()

    prolonged = prolong_ephemeral("pr-7", timedelta(days=2), now=NOW + timedelta(hours=7))

    assert prolonged.ephemeral is not None
    assert prolonged.ephemeral.expires == NOW + timedelta(days=2, hours=7)
    assert prolonged.model_copy(update={"ephemeral": made.ephemeral}) == made


def test_an_environment_that_lasts_is_given_no_time() -> None:
    with pytest.raises(NoSuchEphemeral, match="dev is an environment that lasts"):
        prolong_ephemeral("dev", TTL)


def test_only_what_was_made_for_a_time_is_forgotten(tmp_path: Path) -> None:
    made = make()

    assert forget_ephemeral(load_environment("dev")) is False
    assert forget_ephemeral(made) is True
    assert forget_ephemeral(made) is False
    assert environment_names() == ("dev", "staging", "production")
    assert (tmp_path / "environments" / "dev.yaml").is_file()


def test_the_two_kinds_do_not_lie_in_one_folder(tmp_path: Path) -> None:
    make()
    written = tmp_path / "state" / "environments" / "pr-7.yaml"
    shutil.copy(written, tmp_path / "environments" / "pr-9.yaml")
    shutil.copy(tmp_path / "environments" / "dev.yaml", written.with_name("other.yaml"))

    among_lasting = read_environment(tmp_path / "environments" / "pr-9.yaml").problems
    among_ephemeral = read_environment(written.with_name("other.yaml")).problems

    assert "ephemeral" in [problem.path for problem in among_lasting]
    assert "ephemeral" in [problem.path for problem in among_ephemeral]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("protection", True),
        ("requires_approval", True),
        ("tier", "production"),
        ("database.deletion_protection", True),
        ("ephemeral.expires", "2026-11-23T11:00:00Z"),
    ],
)
def test_a_file_that_would_not_go_away_by_itself_is_refused(tmp_path: Path, path: str, value: Any) -> None:
    make()
    file = tmp_path / "state" / "environments" / "pr-7.yaml"
    data = yaml.safe_load(file.read_text())
    *sections, key = path.split(".")
    inner = data
    for section in sections:
        inner = inner[section]
    inner[key] = value
    file.write_text(yaml.safe_dump(data))

    with pytest.raises(EnvironmentFileError) as refused:
        load_environment("pr-7")

    assert path in [problem.path for problem in refused.value.problems]


@given(st.integers(0, 13), st.integers(0, 23), st.integers(0, 59))
def test_a_time_to_live_is_days_hours_and_minutes(days: int, hours: int, minutes: int) -> None:
    ttl = timedelta(days=days, hours=hours, minutes=minutes)
    text = f"{days}d{hours}h{minutes}m"

    if SHORTEST <= ttl <= LONGEST:
        assert parse_ttl(text) == ttl
    else:
        with pytest.raises(BadTimeToLive, match="from 15 minutes to 14 days"):
            parse_ttl(text)


@pytest.mark.parametrize("text", ["8h", " 8H ", "480m"])
def test_eight_hours_may_be_written_in_several_ways(text: str) -> None:
    assert parse_ttl(text) == TTL


@pytest.mark.parametrize(
    "text", ["", " ", "8", "h", "8 h", "-8h", "8h30", "1w", "8.5h", "30m1h", "9" * 30 + "d", "0h", "15d"]
)
def test_what_is_no_time_to_live_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(BadTimeToLive, match="expected a time to live"):
        parse_ttl(text)
