"""What an answer was made from, in one short text: the same request about the same data has the same digest."""

from __future__ import annotations

import json
from hashlib import sha256


def canonical(value: object) -> bytes:
    r"""Write a value as JSON in the one way that there is of it.

    Members of objects in the order of their names' code points, no white space, everything beyond ASCII as ``\u``
    escapes, floats in the fewest digits that read back the same. Lists keep their order: what comes in no order has to
    be sorted by whoever asks. 1 and 1.0 are different.

    Args:
        value: None, booleans, numbers, texts, and lists, tuples and dicts with text keys of such.

    Raises:
        TypeError: it has anything else in it.
        ValueError: it has a number that is not finite.
    """
    _check(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def digest(request: object, data: object) -> str:
    """The SHA-256 of a request and of the data that its answer is made from, 64 hexadecimal digits.

    ``bytes.fromhex`` of it is the seed of `trueline.metrics.seeded.Seeded`.

    Args:
        request: All that was asked for, defaults included, as `canonical` takes it.
        data: All that the answer depends on beside it: counts, and the settings of the job that were used.

    Raises:
        TypeError, ValueError: as `canonical`.
    """
    return sha256(canonical([request, data])).hexdigest()


def _check(value: object) -> None:
    """Refuse keys that are no texts, which JSON would quietly make into some."""
    if isinstance(value, dict):
        for name, member in value.items():
            if not isinstance(name, str):
                raise TypeError(f"{name!r} is no name of a member")
            _check(member)
    elif isinstance(value, list | tuple):
        for member in value:
            _check(member)
