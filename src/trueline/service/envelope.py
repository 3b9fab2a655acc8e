"""What is said of an event beside its document, by a sender who has no place for it in there.

It is kept in the document, as one more member, so that filters reach it (``arcanna_envelope.severity``), decision
points may name it, and an export shows it. The members the document has are left as they were sent, to the letter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from trueline.service.lines import LineError

if TYPE_CHECKING:
    from collections.abc import Mapping

MEMBER: Final = "arcanna_envelope"

_members = msgspec.json.Decoder(dict[str, msgspec.Raw])


def enclosed(raw_body: bytes, said: Mapping[str, object]) -> bytes:
    """A document, a JSON object, with what is said of it; as it is where nothing is.

    A document that was exported may hold the member already: what is said now goes over what it says.

    Raises:
        LineError: it is no JSON object, or holds something else in that member.
    """
    if not said:
        return raw_body
    try:
        members: dict[str, Any] = _members.decode(raw_body)
        before = _members.decode(members.get(MEMBER, b"{}"))
    except (msgspec.MsgspecError, ValueError) as error:
        raise LineError(f"raw_body: {MEMBER} is kept for title, severity, storage_tag, data_source: {error}") from None
    members[MEMBER] = {**before, **said}
    return msgspec.json.encode(members)
