"""64-bit keys of events and subjects: short, of even spread, and not to be made to collide from outside."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trueline.ledger.engine import Engine


class KeyMaker:
    """Hashes ids with a secret of the store (BLAKE2b, RFC 7693), so that nobody can choose ids that collide.

    Two of n ids share a key by chance with a probability near n^2 / 2^65: about 3 in a million at ten
    million. The writer compares the ids of events, so a shared key is refused, never confused.
    """

    def __init__(self, salt: bytes) -> None:
        self._salt = salt
        self._event = hashlib.blake2b(digest_size=8, key=salt, person=b"event")
        self._bucket = hashlib.blake2b(digest_size=8, key=salt, person=b"bucket")

    def __reduce__(self) -> tuple[type[KeyMaker], tuple[bytes]]:
        """To other processes of this one's own, which read files for it: what hashes does not pickle."""
        return KeyMaker, (self._salt,)

    @property
    def identity(self) -> str:
        """What tells the store from others; the secret cannot be told from it."""
        return hashlib.blake2b(digest_size=16, key=self._salt, person=b"store").hexdigest()

    def event(self, event_id: str) -> int:
        """The key of an event, and of the subject it is in a job grouped by event."""
        hasher = self._event.copy()
        hasher.update(event_id.encode())
        return int.from_bytes(hasher.digest(), "little")

    def bucket(self, bucket_id: str) -> int:
        """The key of a bucket."""
        hasher = self._bucket.copy()
        hasher.update(bucket_id.encode())
        return int.from_bytes(hasher.digest(), "little")


def load_key_maker(engine: Engine) -> KeyMaker:
    """The key maker of a store; its secret is made once, when the store is."""
    rows = engine.rows("SELECT salt FROM store_identity ORDER BY made_at, salt LIMIT 1")
    if not rows:
        engine.command("INSERT INTO store_identity (salt) SELECT {salt:String}", {"salt": secrets.token_hex(32)})
        rows = engine.rows("SELECT salt FROM store_identity ORDER BY made_at, salt LIMIT 1")
    return KeyMaker(bytes.fromhex(rows[0][0]))
