"""Documents whose keys are known from others before them, read into columns without looking at each key.

Most documents of a source have the same keys. Told them, the decoder looks for these only and puts what it finds
where it belongs, and what stands at one path in many documents is laid out at once: a third of the work of meeting each
document's keys one by one. What a layout cannot read is read the general way; both say the same of a document.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pyarrow as pa

from trueline.ledger.document_columns import (
    MAX_PATH_LENGTH,
    ValueKind,
    columns_of,
    escaped,
    kind_of,
    placed,
)
from trueline.ledger.other_paths import fill_up, put, spread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from trueline.ledger.other_paths import Cells

    Keys = tuple[tuple[str, "Keys | None"], ...]
    """The keys of an object in some order, each with those of the object there; None where there is a value."""

MOST_PLACES: Final = 512
"""Values and objects that a layout has places for."""
_WIDEST: Final = 3
"""Places for each that a document has of them on average: an empty one costs time, too."""

_UNNAMED: Final = re.compile(r'["\\\x00-\x1f]')
"""What a key holds that the decoder cannot be told."""

_Scalar = str | int | float | bool | None
_VALUE: Final[Any] = _Scalar | list[_Scalar]
_SINGLE: Final = (str, int, float, bool)
_NO_VALUE: Final = type(None)


class _Absent:
    """In the place of an object that a document does not have; its members are None or absent, too."""


class Fitted(msgspec.Struct, frozen=True, gc=False):
    """A document read by a layout."""

    layout: Layout
    values: tuple[Any, ...]
    """What it has at each place; of an object, its class."""

    def at(self, key: str) -> object:
        """What it has at a key of its own: None where nothing or null stands there; of an object, its class."""
        place = self.layout.members.get(key)
        found = None if place is None else self.values[place]
        return None if found is _Absent else found


class Layout:
    """Places for what stands at some paths. Make one by `layout_for`."""

    def __init__(self, keys: Keys) -> None:
        self._places: list[tuple[str, bool]] = []
        """The escaped path of each, and whether an object stands there and not a value."""
        self.members: dict[str, int] = {}
        """The places of the document's own keys."""
        attributes: list[str] = []
        outermost, _ = self._objects(keys, "", "", attributes)
        self._decode: Callable[[bytes], Any] = msgspec.json.Decoder(outermost).decode
        self._values: Callable[[Any], tuple[Any, ...]] = attrgetter(*attributes)

    def read(self, body: bytes) -> Fitted | None:
        """Read a document; None where it has anything that there is no place for, or is none."""
        try:
            return Fitted(self, self._values(self._decode(body)))
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return None

    def columns(self, documents: Iterable[Fitted]) -> dict[str, pa.Array]:
        """The columns of documents that were read."""
        columns: dict[str, pa.Array] = {}
        by_place = zip(*[document.values for document in documents], strict=True)
        for (path, is_object), found in zip(self._places, by_place, strict=True):
            columns |= _presence(path, found) if is_object else _at(path, found)
        return columns

    def _objects(self, keys: Keys, prefix: str, within: str, attributes: list[str]) -> tuple[type, _Absent]:
        """What objects with these keys are decoded as, and what stands where there is none."""
        fields: list[tuple[str, Any, Any]] = []
        absent = _Absent()
        for place, (key, inner) in enumerate(keys):
            name = f"f{place}"
            if inner is None:
                kind, default = _VALUE, None
                attributes.append(within + name)
            else:
                kind, default = self._objects(inner, f"{prefix}{key}.", f"{within}{name}.", attributes)
                attributes.append(f"{within}{name}.__class__")
            if not within:
                self.members[key] = len(self._places)
            self._places.append((escaped(prefix + key), inner is not None))
            fields.append((name, kind, default))
            setattr(absent, name, default)
        names = {f"f{place}": key for place, (key, _) in enumerate(keys)}
        return msgspec.defstruct("Known", fields, rename=names, forbid_unknown_fields=True, gc=False), absent


def layout_for(documents: Iterable[dict[str, Any]], max_depth: int) -> Layout | None:
    """The layout of documents like these, which were found to be searchable.

    None where there is none: they have little in common, too many keys, two ways to one path, or hardly any key.
    """
    known = _Known()
    met = size = 0
    for size, document in enumerate(documents, 1):  # noqa: B007 - how many there were
        met += known.learn(document, known.keys)
        if known.size > MOST_PLACES:
            return None
    keys = _frozen(known.keys)
    places = list(_places(keys, ""))
    if not 1 < len(places) <= _WIDEST * met / size:
        return None
    if len(set(places)) < len(places) or any(len(path) > MAX_PATH_LENGTH for path, _ in places):
        return None
    # one level is left for a list, which any value may be
    return _layout(_InAnyOrder(_sorted(keys), keys)) if _depth(keys) < max_depth else None


@dataclass(frozen=True, slots=True)
class _InAnyOrder:
    """Keys, equal to the same keys in another order: as they come up, the first document to have them decides that."""

    alike: Keys
    keys: Keys = field(compare=False)


@lru_cache(maxsize=64)  # the requests of a source follow each other
def _layout(keys: _InAnyOrder) -> Layout:
    return Layout(keys.keys)


_NOTHING: Final[Any] = object()
"""Known of a key at which there was never anything but null."""


class _Known:
    """The keys of some documents."""

    def __init__(self) -> None:
        self.keys: dict[str, Any] = {}
        """By key, those of the object there, None where there is a value."""
        self.size = 0
        """How many keys there are; once they are too many, no further ones are taken up."""

    def learn(self, document: dict[str, Any], known: dict[str, Any]) -> int:
        """Take up the keys of an object among those known of it; how many values and objects it has."""
        met = len(document)
        for key, value in document.items():
            if self.size > MOST_PLACES:
                break
            if _UNNAMED.search(key):
                continue
            if key not in known:
                self.size += 1
                known[key] = _NOTHING
            if isinstance(value, dict):
                if known[key] is _NOTHING:
                    known[key] = {}
                if known[key] is not None:
                    met += self.learn(value, known[key])
            elif known[key] is _NOTHING and value is not None:
                known[key] = None
        return met


def _frozen(known: dict[str, Any]) -> Keys:
    return tuple((key, _frozen(inner) if isinstance(inner, dict) else None) for key, inner in known.items())


def _sorted(keys: Keys) -> Keys:
    return tuple(sorted(((key, inner and _sorted(inner)) for key, inner in keys), key=itemgetter(0)))


def _places(keys: Keys, prefix: str) -> Iterable[tuple[str, bool]]:
    for key, inner in keys:
        yield prefix + key, inner is not None
        if inner is not None:
            yield from _places(inner, f"{prefix}{key}.")


def _depth(keys: Keys) -> int:
    return 1 + max((_depth(inner) for _, inner in keys if inner is not None), default=0)


def _presence(path: str, found: tuple[type, ...]) -> dict[str, pa.Array]:
    """The column that says where there are objects; none where there is not one."""
    classes = set(found)
    if classes == {_Absent}:
        return {}
    if _Absent in classes:
        column = pa.array([None if each is _Absent else True for each in found], pa.bool_())
    else:
        column = pa.repeat(pa.scalar(value=True), len(found))
    return {f"{ValueKind.OBJECT}_{path}": column}


def _at(path: str, found: tuple[Any, ...]) -> dict[str, pa.Array]:
    """The columns of the values at one path."""
    kinds = set(map(type, found)) - {_NO_VALUE}
    if len(kinds) == 1 and list not in kinds:
        return columns_of(kind_of(kinds.pop()), path, found)
    columns: dict[str, pa.Array] = _of_lists(path, found) if list in kinds else {}
    for kind in _SINGLE:
        if kind in kinds:
            own = [value if type(value) is kind else None for value in found]
            fill_up(columns, columns_of(kind_of(kind), path, own))
    return columns


def _of_lists(path: str, found: tuple[Any, ...]) -> dict[str, pa.Array]:
    cells: Cells = {}
    for row, value in enumerate(found):
        if type(value) is list and (members := [member for member in value if member is not None]):
            kind, kept = placed(members if len(members) > 1 else members[0])
            put(cells, f"{kind}_{path}", row, kept)
    return {name: spread(name, *at, len(found)) for name, at in cells.items()}
