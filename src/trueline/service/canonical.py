"""Data in the one form that a digest is made of: what is the same is written the same."""

from __future__ import annotations

import json


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
