"""What the tests of the API share."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session", autouse=True)
def nothing_logged(no_log: None) -> None:
    """No log, also of an app that a test makes itself."""
