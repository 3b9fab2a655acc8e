from __future__ import annotations

import os
import string
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from test_placing import without_second_names
from trueline.catalog.store import Catalog
from trueline.service.errors import KeyRefused
from trueline.service.keys import (
    KNOWN_SCOPES,
    Access,
    KeyRing,
    access,
    allows,
    is_well_formed,
    jobs_open_to,
    load_secret,
)
from trueline.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from trueline.catalog.records import Key

NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)
METRICS = "read:job_metrics"


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "catalog.sqlite"


@pytest.fixture
def catalog(file: Path) -> Iterator[Catalog]:
    with Catalog.open(f"sqlite:///{file}") as opened:
        yield opened


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ring(catalog: Catalog, clock: Clock) -> KeyRing:
    return KeyRing(catalog, b"a secret", clock)


def a_key(ring: KeyRing, *scopes: str, jobs: list[int] | None = None) -> Key:
    key = ring.authenticate(ring.create("test", scopes, jobs=jobs))
    assert key is not None
    return key


def test_a_key_is_known_again(ring: KeyRing) -> None:
    text = ring.create("dashboard", [METRICS, "write:events", METRICS], jobs=[7, 3, 7])
    key = ring.authenticate(text)
    assert key is not None
    assert (key.name, key.scopes, key.jobs) == ("dashboard", (METRICS, "write:events"), (3, 7))
    assert (key.created_at, key.expires_at, key.revoked_at) == (NOON, None, None)
    assert ring.all() == [key]


def test_the_text_of_a_key(ring: KeyRing) -> None:
    text = ring.create("a", [METRICS])
    prefix, key_id, random, checksum = text.split("_")
    assert (prefix, len(key_id), len(random), len(checksum)) == ("trl", 12, 43, 8)
    assert set(key_id) <= set(string.ascii_lowercase + "234567")
    assert set(random) <= set(string.ascii_letters + string.digits)
    assert checksum == f"{zlib.crc32(f'trl_{key_id}_{random}'.encode()):08x}"
    assert is_well_formed(text)
    assert ring.all()[0].id == key_id


def test_two_keys_of_one_name_differ(ring: KeyRing) -> None:
    texts = {ring.create("same", [METRICS]) for _ in range(20)}
    assert len(texts) == 20
    assert len({text.split("_")[2] for text in texts}) == 20
    assert len(ring.all()) == 20


def test_any_changed_letter_is_recognised_as_a_typo(ring: KeyRing) -> None:
    text = ring.create("a", [METRICS])
    for position, letter in enumerate(text):
        mistyped = text[:position] + ("a" if letter != "a" else "b") + text[position + 1 :]
        assert not is_well_formed(mistyped)
        assert ring.authenticate(mistyped) is None


@pytest.mark.parametrize("change", ["", " {}", "{}\n", "{}{}", "Bearer {}", "{}\0", "é{}", "{}_", "\ud800"])
def test_what_only_resembles_a_key_opens_nothing(ring: KeyRing, change: str) -> None:
    text = ring.create("a", [METRICS])
    assert ring.authenticate(change.format(text, text)) is None


def test_a_forged_secret_part_with_a_right_checksum_opens_nothing(ring: KeyRing) -> None:
    one, other = (ring.create(name, [METRICS]) for name in ("one", "other"))
    body = "_".join([*one.split("_")[:2], other.split("_")[2]])
    forged = f"{body}_{zlib.crc32(body.encode()):08x}"
    assert is_well_formed(forged)
    assert ring.authenticate(forged) is None


def test_what_is_looked_up_is_the_hash_however_much_of_a_key_is_right(
    ring: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = ring.create("a", [METRICS])
    right = ring.all()[0].digest
    asked: list[tuple[str, str]] = []
    rows: list[Key | None] = []
    look = Catalog.key

    def note(catalog: Catalog, key_id: str, digest: str) -> Key | None:
        asked.append((key_id, digest))
        rows.append(look(catalog, key_id, digest))
        return rows[-1]

    monkeypatch.setattr(Catalog, "key", note)
    body = known.rpartition("_")[0]
    for size in (4, 8, 16, 30, len(body) - 1):
        guessed = with_right(body, size)
        assert ring.authenticate(guessed) is None
        assert asked[-1] == (guessed.split("_")[1], ring._digest(guessed))  # noqa: SLF001 - what is compared
        assert asked[-1][1] != right
    assert rows == [None] * 5
    assert ring.authenticate(known) is not None
    assert asked[-1][1] == right


def with_right(body: str, size: int) -> str:
    """A well-formed key of which only the first letters are right."""
    wrong = "".join(letter if letter == "_" else "a" if letter != "a" else "b" for letter in body[size:])
    return f"{body[:size]}{wrong}_{zlib.crc32(f'{body[:size]}{wrong}'.encode()):08x}"


def test_neither_the_key_nor_its_random_part_is_stored(ring: KeyRing, catalog: Catalog, file: Path) -> None:
    text = ring.create("a", [METRICS])
    random = text.split("_")[2]
    assert random not in repr(ring.all())
    assert "a secret" not in repr(ring)
    catalog.close()
    kept = b"".join(one.read_bytes() for one in file.parent.iterdir())
    assert ring.all()[0].digest.encode() in kept
    assert random.encode() not in kept
    assert b"a secret" not in kept


def test_a_key_made_with_another_secret_is_unknown(ring: KeyRing, catalog: Catalog) -> None:
    text = ring.create("a", [METRICS])
    assert KeyRing(catalog, b"another secret").authenticate(text) is None
    with pytest.raises(ValueError, match="need a secret"):
        KeyRing(catalog, b"")


def test_a_stored_digest_cannot_be_moved_to_another_key(ring: KeyRing, catalog: Catalog) -> None:
    text = ring.create("a", [METRICS])
    stolen = replace(ring.all()[0], id="a" * 12, scopes=("admin:keys",))
    catalog.add_key(stolen)
    body = "trl_" + "a" * 12 + "_" + text.split("_")[2]
    assert ring.authenticate(f"{body}_{zlib.crc32(body.encode()):08x}") is None


def test_a_revoked_key_opens_nothing(ring: KeyRing, clock: Clock) -> None:
    text, other = ring.create("a", [METRICS]), ring.create("b", [METRICS])
    key_id = text.split("_")[1]
    revoked = ring.revoke(key_id)
    assert revoked is not None
    assert revoked.revoked_at == NOON
    assert ring.authenticate(text) is None
    assert ring.authenticate(other) is not None
    clock.now += timedelta(days=1)
    assert ring.revoke(key_id) == revoked
    assert ring.revoke("nobody") is None
    assert len(ring.all()) == 2


def test_a_key_opens_until_the_moment_it_expires(ring: KeyRing, clock: Clock) -> None:
    text = ring.create("a", [METRICS], expires_at=NOON + timedelta(hours=1))
    clock.now = NOON + timedelta(hours=1, microseconds=-1)
    assert ring.authenticate(text) is not None
    clock.now += timedelta(microseconds=1)
    assert ring.authenticate(text) is None


def test_a_scope_opens_what_it_names_and_nothing_else(ring: KeyRing) -> None:
    for held in KNOWN_SCOPES:
        key = a_key(ring, held)
        for asked in KNOWN_SCOPES:
            assert allows(key, asked) == allows(key, asked, 5) == (asked == held)
            assert access(key, asked, 5) is (Access.ALLOWED if asked == held else Access.NO_SCOPE)


def test_a_narrowed_scope_opens_that_job_only(ring: KeyRing) -> None:
    key = a_key(ring, f"{METRICS}:job:12", f"{METRICS}:job:5")
    assert [job_id for job_id in range(1, 200) if allows(key, METRICS, job_id)] == [5, 12]
    assert access(key, METRICS, 1) is Access.NO_SCOPE
    assert access(key, METRICS) is Access.NO_SCOPE
    assert access(key, "write:events", 12) is Access.NO_SCOPE
    assert jobs_open_to(key, METRICS) == frozenset({5, 12})
    assert jobs_open_to(key, "write:events") == frozenset()


def test_a_limited_key_does_not_see_other_jobs(ring: KeyRing) -> None:
    key = a_key(ring, METRICS, jobs=[3, 4])
    assert access(key, METRICS, 3) is Access.ALLOWED
    assert access(key, METRICS, 5) is Access.HIDDEN_JOB
    assert access(key, METRICS) is Access.ALLOWED
    # Whether the job is there must not show, nor does it: the scope is missing everywhere.
    assert access(key, "write:events", 5) is access(key, "write:events", 3) is Access.NO_SCOPE
    assert jobs_open_to(key, METRICS) == frozenset({3, 4})
    assert jobs_open_to(a_key(ring, METRICS), METRICS) is None


def test_a_limited_key_with_a_narrowed_scope_needs_both(ring: KeyRing) -> None:
    key = a_key(ring, f"{METRICS}:job:3", f"{METRICS}:job:5", jobs=[3, 4])
    assert access(key, METRICS, 3) is Access.ALLOWED
    assert access(key, METRICS, 4) is Access.NO_SCOPE
    assert access(key, METRICS, 5) is Access.HIDDEN_JOB
    assert access(key, METRICS) is Access.NO_SCOPE
    assert jobs_open_to(key, METRICS) == frozenset({3})


def test_a_wide_scope_beside_a_narrowed_one_is_wide(ring: KeyRing) -> None:
    key = a_key(ring, f"{METRICS}:job:3", METRICS)
    assert allows(key, METRICS, 4)
    assert jobs_open_to(key, METRICS) is None


def test_asking_for_a_scope_that_is_none_is_a_mistake(ring: KeyRing) -> None:
    for wrong in ("read:job_metric", f"{METRICS}:job:3"):
        with pytest.raises(ValueError, match="none of the known scopes"):
            allows(a_key(ring, METRICS), wrong, 3)


@pytest.mark.parametrize(
    ("scope", "message"),
    [
        ("read:job_metric", "there is no scope 'read:job_metric': did you mean 'read:job_metrics'?"),
        ("read:job_metric:job:5", "did you mean 'read:job_metrics:job:5'?"),
        ("READ:JOB_METRICS", "there is no scope 'READ:JOB_METRICS': known are read:job_metrics, "),
        ("", "there is no scope '': known are "),
        (" read:job_metrics", "did you mean 'read:job_metrics'?"),
        ("read:job_metrics:job", "write 'read:job_metrics:job:<job id>'"),
        ("read:job_metrics:model:5", "narrowed to no job"),
        ("read:job_metrics:job:05", "narrowed to no job"),
        ("read:job_metrics:job:0", "narrowed to no job"),
        ("read:job_metrics:job:5:6", "narrowed to no job"),
        ("read:job_metrics:job:9223372036854775808", "narrowed to no job"),
        ("read:job_metrics:job:٣", "narrowed to no job"),
        ("read:job_metrics:", "narrowed to no job"),
        ("admin:keys:job:5", "concerns no job"),
        ("admin:backup:job:5", "concerns no job"),
    ],
)
def test_an_unknown_scope_is_refused_by_the_near_miss(ring: KeyRing, scope: str, message: str) -> None:
    with pytest.raises(KeyRefused) as refused:
        ring.create("a", [METRICS, scope])
    assert message in str(refused.value)
    assert refused.value.field == "scopes"
    assert ring.all() == []


def test_every_known_scope_but_those_of_no_job_may_be_narrowed(ring: KeyRing) -> None:
    narrowed = [f"{scope}:job:9223372036854775807" for scope in KNOWN_SCOPES if not scope.startswith("admin:")]
    key = a_key(ring, *narrowed)
    assert key.scopes == tuple(narrowed)


def test_a_key_needs_a_name_a_scope_and_a_future(ring: KeyRing) -> None:
    for name in ("", "  ", "a\0", "x" * 501):
        with pytest.raises(KeyRefused, match="needs a name"):
            ring.create(name, [METRICS])
    with pytest.raises(KeyRefused, match="at least one scope"):
        ring.create("a", [])
    for jobs in ([], [0], [2**63]):
        with pytest.raises(KeyRefused, match="at least one job id"):
            ring.create("a", [METRICS], jobs=jobs)
    for expiry in (NOON, NOON - timedelta(days=1)):
        with pytest.raises(KeyRefused, match="is in the past"):
            ring.create("a", [METRICS], expires_at=expiry)
    with pytest.raises(KeyRefused, match="must say its time zone"):
        ring.create("a", [METRICS], expires_at=datetime(2030, 1, 1))  # noqa: DTZ001 - that is the point
    assert ring.all() == []


def test_the_secret_is_made_where_files_have_one_name_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "link", without_second_names())
    made = load_secret(Settings(data=tmp_path))
    assert load_secret(Settings(data=tmp_path)) == made
    assert [each.name for each in tmp_path.iterdir()] == ["secret"]


def test_the_secret_of_the_settings_comes_first(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, secret=SecretStr("given é"))
    assert load_secret(settings) == "given é".encode()
    assert list(tmp_path.iterdir()) == []


def test_the_secret_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "new" / "data")
    secret = load_secret(settings)
    file = settings.data / "secret"
    assert load_secret(settings) == secret
    assert len(bytes.fromhex(secret.decode())) == 32
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(settings.data.iterdir()) == [file]
    assert load_secret(Settings(data=tmp_path)) != secret


def test_the_text_of_the_file_may_move_into_the_settings(tmp_path: Path) -> None:
    secret = load_secret(Settings(data=tmp_path))
    moved = (tmp_path / "secret").read_text(encoding="ascii").strip()
    assert load_secret(Settings(data=tmp_path, secret=SecretStr(moved))) == secret


@pytest.mark.parametrize("content", ["", "short", "g" * 64, "é" * 64])
def test_a_file_that_holds_no_secret_is_refused_and_kept(tmp_path: Path, content: str) -> None:
    file = tmp_path / "secret"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match="holds no secret"):
        load_secret(Settings(data=tmp_path))
    assert file.read_text(encoding="utf-8") == content


def test_who_starts_at_once_gets_one_secret(tmp_path: Path) -> None:
    gate = threading.Barrier(8)

    def load() -> bytes:
        gate.wait()
        return load_secret(Settings(data=tmp_path))

    with ThreadPoolExecutor(8) as pool:
        found = {waiting.result() for waiting in [pool.submit(load) for _ in range(8)]}
    assert len(found) == 1
    assert list(tmp_path.iterdir()) == [tmp_path / "secret"]
