"""Keys in the catalog."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from catalog.samples import KEY, NOON
from trueline.catalog.checks import MAX_ID
from trueline.catalog.errors import KeyIdTaken

if TYPE_CHECKING:
    from trueline.catalog.store import Catalog


def test_a_key_is_kept_as_given(catalog: Catalog) -> None:
    limited = replace(KEY, id="b", jobs=(3, MAX_ID), expires_at=NOON, created_at=NOON - timedelta(days=1))
    catalog.add_key(KEY)
    catalog.add_key(limited)
    assert catalog.key("abc", KEY.digest) == KEY
    assert catalog.key("b", KEY.digest) == limited
    assert catalog.key("abc", KEY.digest[:-1]) is None
    assert catalog.key("c", KEY.digest) is None
    assert catalog.keys() == [limited, KEY]
    with pytest.raises(KeyIdTaken, match="'abc'"):
        catalog.add_key(replace(KEY, name="other"))
    with pytest.raises(ValueError, match="the key's name"):
        catalog.add_key(replace(KEY, id="c", name=""))
    with pytest.raises(ValueError, match="expires_at must say its time zone"):
        catalog.add_key(replace(KEY, id="c", expires_at=NOON.replace(tzinfo=None)))


def test_a_key_is_revoked_once(catalog: Catalog) -> None:
    catalog.add_key(KEY)
    revoked = catalog.revoke_key("abc", NOON)
    assert revoked == replace(KEY, revoked_at=NOON)
    assert catalog.revoke_key("abc", NOON + timedelta(days=1)) == revoked
    assert catalog.key("abc", KEY.digest) == revoked
    assert catalog.revoke_key("abd", NOON) is None
