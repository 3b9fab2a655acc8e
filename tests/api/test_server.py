"""Which addresses other machines reach."""

from __future__ import annotations

import pytest

from trueline.api.server import is_loopback


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_loopback_is_this_machine_only(host: str) -> None:
    assert is_loopback(host)


EVERYWHERE = "0.0.0.0"  # noqa: S104 - compared, not bound


@pytest.mark.parametrize(
    "host", [EVERYWHERE, "::", "10.0.0.1", "192.168.1.4", "trueline.example", "", "127.0.0.1.test"]
)
def test_all_else_is_warned_of(host: str) -> None:
    assert not is_loopback(host)
