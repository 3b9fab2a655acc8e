"""Access keys: how they are made, known again, and what they open.

A key reads `trl_<id>_<random>_<checksum>`: a public id, 256 random bits, and a CRC-32 that tells a mistyped
key from an unknown one. Only its HMAC-SHA256 is stored, so a stolen catalog holds no key that opens anything.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import string
import zlib
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from enum import Enum, auto
from typing import TYPE_CHECKING

from trueline.catalog.checks import MAX_ID, is_name
from trueline.catalog.records import Key
from trueline.placing import place, sync
from trueline.service.data_folder import make_data_folder
from trueline.service.errors import KeyRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from trueline.catalog.store import Catalog
    from trueline.settings import Settings

KNOWN_SCOPES = (
    "read:job_metrics",
    "execute:recompute_model_metrics",
    "read:event_query",
    "write:event_feedback",
    "read:event_export",
    "write:events",
    "execute:reprocess_events",
    "execute:job_operations",
    "read:resources",
    "write:resources",
    "delete:resources",
    "write:consensus_override",
    "admin:keys",
    "admin:backup",
)
"""All `action:category`. Each but the last two may be narrowed to one job: `read:job_metrics:job:1234`."""

_OF_NO_JOB = frozenset({"admin:keys", "admin:backup"})

_ID_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
_ID_LENGTH = 12
_RANDOM_LETTERS = string.digits + string.ascii_letters
_RANDOM_LENGTH = 43
"""The fewest letters of 62 kinds that hold 256 bits."""

_KEY = re.compile(rf"trl_([a-z2-7]{{{_ID_LENGTH}}})_[0-9A-Za-z]{{{_RANDOM_LENGTH}}}_[0-9a-f]{{8}}")


class Access(Enum):
    """What a key may do with a job, or with no job in particular."""

    ALLOWED = auto()
    NO_SCOPE = auto()
    """The key lacks the scope, or has it for other jobs only: 403."""
    HIDDEN_JOB = auto()
    """The job is outside those the key is limited to: answer as if there were no such job, 404."""


def access(key: Key, scope: str, job_id: int | None = None) -> Access:
    """Tell what a key may do.

    Args:
        key: One that `KeyRing.authenticate` returned.
        scope: One of `KNOWN_SCOPES`.
        job_id: None for what concerns no job in particular: a scope narrowed to a job does not open that.

    Raises:
        ValueError: there is no such scope; a mistake of the caller, not of whoever holds the key.
    """
    if scope not in KNOWN_SCOPES:
        raise ValueError(f"{scope!r} is none of the known scopes")
    whole = scope in key.scopes
    if not whole and not _narrowed_to(key, scope):
        return Access.NO_SCOPE
    if job_id is not None and key.jobs is not None and job_id not in key.jobs:
        return Access.HIDDEN_JOB
    return Access.ALLOWED if whole or job_id in _narrowed_to(key, scope) else Access.NO_SCOPE


def allows(key: Key, scope: str, job_id: int | None = None) -> bool:
    """Tell whether a key may do this; `access` also tells why not."""
    return access(key, scope, job_id) is Access.ALLOWED


def jobs_open_to(key: Key, scope: str) -> frozenset[int] | None:
    """Return the ids of the jobs a key has a scope for, whether they exist or not; None: all there are."""
    if scope in key.scopes:
        return None if key.jobs is None else frozenset(key.jobs)
    narrowed = _narrowed_to(key, scope)
    return narrowed if key.jobs is None else narrowed & frozenset(key.jobs)


def is_well_formed(text: str) -> bool:
    """Tell whether form and checksum are those of a key: a typo is recognised without the catalog."""
    if _KEY.fullmatch(text) is None:
        return False
    body, _, checksum = text.rpartition("_")
    return _checksum(body) == checksum


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The keys of one catalog, hashed with one secret. For many threads at once."""

    catalog: Catalog
    secret: bytes
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def __post_init__(self) -> None:
        if not self.secret:
            raise ValueError("keys need a secret to be hashed with")

    def __repr__(self) -> str:
        """Name the catalog, not the secret."""
        return f"KeyRing({self.catalog!r})"

    def create(
        self,
        name: str,
        scopes: Sequence[str],
        jobs: Sequence[int] | None = None,
        expires_at: datetime | None = None,
    ) -> str:
        """Make a key and return it: this is the only time that anyone sees it.

        Args:
            name: For people; need not be unique.
            scopes: At least one, of `KNOWN_SCOPES` or narrowed to a job.
            jobs: Ids of the only jobs it sees; None: all.
            expires_at: From when on it opens nothing; None: never.

        Raises:
            KeyRefused: no name, no scope or an unknown one, an empty list of jobs, an expiry that is over.
        """
        now = self.clock()
        if not is_name(name) or not name.strip():
            raise KeyRefused("name", "a key needs a name, of at most 500 characters")
        if not scopes:
            raise KeyRefused("scopes", "a key needs at least one scope")
        for scope in scopes:
            _check_scope(scope)
        if jobs is not None and (not jobs or not all(1 <= job_id <= MAX_ID for job_id in jobs)):
            raise KeyRefused("jobs", "the jobs of a key are a list of at least one job id; leave it out for all jobs")
        if expires_at is not None and expires_at.utcoffset() is None:
            raise KeyRefused("expires_at", "the expiry must say its time zone")
        if expires_at is not None and expires_at <= now:
            raise KeyRefused("expires_at", f"the expiry {expires_at.isoformat()} is in the past")
        key_id = _random_text(_ID_LETTERS, _ID_LENGTH)
        body = f"trl_{key_id}_{_random_text(_RANDOM_LETTERS, _RANDOM_LENGTH)}"
        text = f"{body}_{_checksum(body)}"
        self.catalog.add_key(
            Key(
                id=key_id,
                name=name,
                scopes=tuple(dict.fromkeys(scopes)),
                jobs=None if jobs is None else tuple(sorted(set(jobs))),
                created_at=now,
                expires_at=expires_at,
                revoked_at=None,
                digest=self._digest(text),
            )
        )
        return text

    def authenticate(self, text: str) -> Key | None:
        """Return what is known of a key, or None: mistyped, unknown, revoked or expired.

        A well-formed key takes the same work however much of it is right: it is looked up by id and digest at once,
        and a digest has nothing in common with that of another key.
        """
        if not is_well_formed(text):
            return None
        digest = self._digest(text)
        key = self.catalog.key(text.split("_")[1], digest)
        if key is None or not hmac.compare_digest(key.digest, digest) or key.revoked_at is not None:
            return None
        return key if key.expires_at is None or self.clock() < key.expires_at else None

    def revoke(self, key_id: str) -> Key | None:
        """Close a key for good and return it; None: there is no such key. A second time changes nothing."""
        return self.catalog.revoke_key(key_id, self.clock())

    def all(self) -> list[Key]:
        """Return all keys, also those revoked or expired, the oldest first."""
        return self.catalog.keys()

    def _digest(self, text: str) -> str:
        return hmac.new(self.secret, text.encode(), hashlib.sha256).hexdigest()


def load_secret(settings: Settings) -> bytes:
    """Return the secret that keys are hashed with: the setting, else the file `secret` in the data folder.

    The file is made when it is missing, readable by its owner only, and is on disk when this returns. Whoever
    moves its text into the setting keeps the same secret.

    Raises:
        ValueError: the file holds no secret.
    """
    if given := settings.secret.get_secret_value():
        return given.encode()
    make_data_folder(settings)
    file = settings.data / "secret"
    if not file.exists():
        _make_secret(file)
    text = file.read_text(encoding="ascii", errors="replace").strip()
    if re.fullmatch(r"[0-9a-f]{64}", text) is None:
        raise ValueError(f"{file} holds no secret: restore it, or remove it and make all keys anew")
    return text.encode()


def _make_secret(file: Path) -> None:
    """Make the file whole or not at all: it gets its name only once it is on disk."""
    draft = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            stream.write(secrets.token_hex(32) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        # Another process that starts at the same time may be faster: then its secret holds.
        with suppress(FileExistsError):
            place(draft, file)
    finally:
        draft.unlink(missing_ok=True)
    sync(file.parent)


def _narrowed_to(key: Key, scope: str) -> frozenset[int]:
    prefix = f"{scope}:job:"
    return frozenset(int(held.removeprefix(prefix)) for held in key.scopes if held.startswith(prefix))


def _check_scope(scope: str) -> None:
    base = ":".join(scope.split(":")[:2])
    narrowing = scope.removeprefix(base)
    if base not in KNOWN_SCOPES:
        near = get_close_matches(base, KNOWN_SCOPES, n=1)
        meant = f"did you mean {near[0] + narrowing!r}?" if near else f"known are {', '.join(KNOWN_SCOPES)}"
        raise KeyRefused("scopes", f"there is no scope {scope!r}: {meant}")
    if not narrowing:
        return
    if base in _OF_NO_JOB:
        raise KeyRefused("scopes", f"the scope {base!r} concerns no job, so it cannot be narrowed to one")
    found = re.fullmatch(r":job:([1-9][0-9]{0,18})", narrowing)
    if found is None or int(found[1]) > MAX_ID:
        raise KeyRefused("scopes", f"the scope {scope!r} is narrowed to no job: write {base + ':job:<job id>'!r}")


def _checksum(body: str) -> str:
    return f"{zlib.crc32(body.encode()):08x}"


def _random_text(letters: str, length: int) -> str:
    return "".join(secrets.choice(letters) for _ in range(length))
