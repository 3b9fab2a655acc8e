"""Events to send."""

from __future__ import annotations

import json


def events(first: int, size: int) -> list[bytes]:
    """So many lines of events, of which each has its own id."""
    return [json.dumps({"event_id": f"e{number}", "raw_body": {}}).encode() for number in range(first, first + size)]
