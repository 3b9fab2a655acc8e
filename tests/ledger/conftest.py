"""What the tests of the ledger share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from trueline.ledger.engine import Engine
    from trueline.ledger.store import Ledger
    from trueline.service.workspace import Workspace


@pytest.fixture(scope="session")
def ledger(workspace: Workspace) -> Ledger:
    """The ledger of the workspace, which opens no other way than with it."""
    return workspace._ledger  # noqa: SLF001


@pytest.fixture(scope="session")
def engine(ledger: Ledger) -> Engine:
    """Its engine."""
    return ledger.engine
