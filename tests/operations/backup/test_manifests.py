"""Names of sets, and the bytes of manifests."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ils_pipelines.operations.backup.details import ObjectRef, Piece, PieceKind, StackState, TableState
from ils_pipelines.operations.backup.errors import ManifestCorrupt, NoSuchSet
from ils_pipelines.operations.backup.manifest import Manifest, PieceFailure, SetStatus, canonical, parse_manifest
from ils_pipelines.operations.backup.set_id import SetId

NOW = datetime(2026, 11, 25, 4, 30, tzinfo=UTC)


def manifest(*pieces: Piece, failures: tuple[PieceFailure, ...] = ()) -> Manifest:
    return Manifest(
        environment="dev",
        set="2026-11-25T043000Z",
        account="123456789012",
        region="us-east-1",
        dr_region="us-west-2",
        code_version="abc",
        started=NOW,
        finished=NOW,
        pieces=pieces,
        failures=failures,
    )


PIECE = Piece(
    name="stack-state-vpc",
    region="us-east-1",
    object=ObjectRef(bucket="b", key="k", version="v"),
    size=3,
    sha256="0" * 64,
    started=NOW,
    finished=NOW,
    consistency_point=NOW,
    details=StackState(layer="vpc", stack="ils-vpc/dev", resources=3),
)


@given(st.datetimes(timezones=st.just(UTC), min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1)))  # noqa: DTZ001
def test_a_name_of_a_set_says_its_moment_to_the_second(moment: datetime) -> None:
    set_id = SetId("dev", moment)

    assert SetId.parse("dev", set_id.name) == set_id


def test_a_moment_of_another_time_zone_is_one_of_utc() -> None:
    assert SetId("dev", datetime(2026, 11, 25, 5, 30, tzinfo=timezone(timedelta(hours=1)))) == SetId("dev", NOW)


def test_the_nightly_set_of_a_day_is_that_of_half_past_four() -> None:
    assert SetId.nightly("dev", date(2026, 11, 25)).name == "2026-11-25T043000Z"


@pytest.mark.parametrize("name", ["", "yesterday", "2026-11-25", "2026-02-30T043000Z", "2026-11-25T043000Z/.."])
def test_what_is_no_name_of_a_set_is_refused(name: str) -> None:
    with pytest.raises(NoSuchSet, match="such as 2026-11-25T043000Z"):
        SetId.parse("dev", name)


def test_a_manifest_reads_back_as_it_was_written() -> None:
    written = manifest(PIECE)

    assert parse_manifest(written.canonical(), "here") == written


def test_equal_manifests_have_the_same_bytes_and_digest() -> None:
    again = Manifest.model_validate(dict(reversed(list(manifest(PIECE).model_dump().items()))))

    assert again.canonical() == manifest(PIECE).canonical()
    assert again.digest == manifest(PIECE).digest


@given(st.text(), st.integers(min_value=0))
def test_names_of_any_letters_survive(name: str, rows: int) -> None:
    state = TableState(name=name, rows=rows, checksum="00")

    assert TableState.model_validate_json(canonical(state)) == state


def test_a_failed_piece_makes_the_set_partial() -> None:
    failed = PieceFailure(name="cache-snapshot", kind=PieceKind.CACHE_SNAPSHOT, reason="no")

    assert manifest(PIECE).status is SetStatus.COMPLETE
    assert manifest(PIECE, failures=(failed,)).status is SetStatus.PARTIAL


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"format":1}', b"\xff\xfe"])
def test_what_is_no_manifest_is_refused_by_its_place(content: bytes) -> None:
    with pytest.raises(ManifestCorrupt, match="s3://bucket/key"):
        parse_manifest(content, "s3://bucket/key")


def test_a_manifest_of_a_later_format_is_named_as_such() -> None:
    with pytest.raises(ManifestCorrupt, match="found format 2"):
        parse_manifest(b'{"format": 2}', "here")
