"""Arrow allocates as all else does, once it is told to."""

from __future__ import annotations

import pyarrow as pa

from trueline.arrow_memory import allocate_by_system


def test_columns_are_allocated_by_the_system() -> None:
    before = pa.default_memory_pool()
    try:
        allocate_by_system()
        assert pa.default_memory_pool().backend_name == "system"
    finally:
        pa.set_memory_pool(before)
